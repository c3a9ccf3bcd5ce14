"""The witness as Leases: what they are called, and what the nodes may do with them."""

from typing import Any

import pytest
from tests.unit.plan.clusters import sample

from hacluster.plan.nodes import document, lease
from hacluster.plan.view import View
from hacluster_node.settings.document import parse

UNIT = {"name": "unit", "type": "Systemd", "systemd": {"unit": "one.service"}}


def view(*groups: str, **more: Any) -> View:
    def change(spec: dict[str, Any]) -> None:
        spec["cluster"]["partition"] = {"witness": "KubernetesLease", **more}
        if groups:
            (first, *_) = spec["cluster"]["failoverGroups"]
            rest = [{"name": name, "resources": [UNIT]} for name in groups[1:]]
            spec["cluster"]["failoverGroups"] = [{**first, "name": groups[0]}, *rest]

    return View.of(sample("minimal", change))


def test_the_agents_ask_for_the_leases_that_the_operator_makes() -> None:
    found = view()
    made = document.content(found, {})
    assert made["partition"]["witness"] == {
        "type": "KubernetesLease",
        "namespace": "default",
        "name": "web-hacluster",
    }
    settings = parse(made, "web-1", 1)
    name = settings.witness["name"]
    groups = [group["name"] for group in made["groups"]]
    assert lease.leases(found) == tuple(f"{name}-{group}".lower() for group in groups)
    assert settings.witness["server"] == "", "it stands in the node's own file"


def test_the_nodes_may_read_and_change_their_leases_and_nothing_else() -> None:
    found = view()
    account, role, binding, *leases = lease.things(found)
    (rule,) = role["rules"]
    assert rule == {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "resourceNames": [one["metadata"]["name"] for one in leases],
        "verbs": ["get", "patch"],
    }
    assert account["automountServiceAccountToken"] is False
    assert [one["name"] for one in binding["subjects"]] == [account["metadata"]["name"]]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]


@pytest.mark.parametrize("groups", [("Web", "web"), ("a_b",), ("a.-b",)])
def test_groups_that_no_lease_can_be_named_after_are_refused(groups: tuple[str, ...]) -> None:
    assert "small letters, digits and hyphens" in lease.unsuitable(view(*groups))


def test_where_the_witness_is_no_lease_nothing_is_made() -> None:
    assert lease.unsuitable(view("web")) == ""
    for other in (View.of(sample("minimal")), view(mode="Guide")):
        assert not lease.is_witness(other)
        assert lease.place(other) == {}
