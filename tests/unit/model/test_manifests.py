"""What the API server refuses, `parse` refuses offline, and more."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.kube.manifests import table
from tests.kube.manifests.table import Case

from hacluster.errors import SpecInvalid
from hacluster.model.base import CEL_KEY
from hacluster.model.crd import crds
from hacluster.model.parse import parse, parse_operation

REFUSED = list(table.cases("refused"))
CHANGES = list(table.cases("changes"))
COSTLY = list(table.cases("costly"))
OPERATIONS = list(table.operations())
GOOD = table.good()


@pytest.mark.parametrize("name", GOOD)
def test_a_good_manifest_is_taken(name: str) -> None:
    assert parse(GOOD[name]).name == GOOD[name]["metadata"]["name"]


@pytest.mark.parametrize("case", [*REFUSED, *COSTLY], ids=lambda case: case.id)
def test_a_bad_manifest_is_refused(case: Case) -> None:
    with pytest.raises(SpecInvalid) as refused:
        parse(case.manifest)
    assert case.offline in str(refused.value)


@pytest.mark.parametrize("case", OPERATIONS, ids=lambda case: case.id)
def test_a_bad_operation_is_refused(case: Case) -> None:
    with pytest.raises(SpecInvalid) as refused:
        parse_operation(case.manifest)
    assert case.offline in str(refused.value)


@pytest.mark.parametrize("case", CHANGES, ids=lambda case: case.id)
def test_what_only_a_change_can_break_is_good_by_itself(case: Case) -> None:
    parse(case.manifest)


def test_the_samples_are_among_the_good() -> None:
    assert {"minimal", "azure-dns", "public-load-balancer", "internal-load-balancer"} <= set(GOOD)
    assert "internal-load-balancer-dsr" in GOOD


def messages(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from (rule["message"] for rule in schema.get(CEL_KEY, ()))
        schema = list(schema.values())
    if isinstance(schema, list):
        for inner in schema:
            yield from messages(inner)


def test_each_rule_of_the_definitions_refuses_some_manifest() -> None:
    told = [case.says for case in (*REFUSED, *CHANGES, *OPERATIONS)]
    told.append("an operation cannot change")  # proved in tests/kube/test_definitions.py
    unproved = {
        message
        for definition in crds().values()
        for message in messages(definition)
        if not any(says in message for says in told)
    }
    assert unproved == set()


def test_there_are_enough_bad_manifests() -> None:
    assert len(REFUSED) + len(CHANGES) + len(OPERATIONS) >= 60
    assert len({case.id for case in REFUSED}) == len(REFUSED)


@pytest.mark.parametrize("case", REFUSED[:40], ids=lambda case: case.id)
def test_messages_are_free_of_jargon(case: Case) -> None:
    with pytest.raises(SpecInvalid) as refused:
        parse(case.manifest)
    for word in ("pydantic", "Input should", "validation error", "NoneType", "Extra inputs"):
        assert word not in str(refused.value)


def test_every_flaw_is_told_at_once() -> None:
    manifest = copy.deepcopy(GOOD["minimal"])
    table.put(manifest["spec"], ["nodes", "0", "privateIPAddress"], "10.7.0.1")
    table.put(manifest["spec"], ["access", "loadBalancer", "frontend"], {})
    with pytest.raises(SpecInvalid) as refused:
        parse(manifest)
    assert [flaw.path for flaw in refused.value.flaws] == [
        "spec.access.loadBalancer.frontend.privateIPAddress",
        "spec.nodes",
    ]
    assert refused.value.path == refused.value.flaws[0].path


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (None, "kind"),
        ({}, "apiVersion"),
        ({"apiVersion": "v1"}, "apiVersion"),
        ({"apiVersion": "hacluster.dev/v1alpha1", "kind": "Pod"}, "kind"),
        ({**GOOD["minimal"], "data": {}}, "data"),
        ({**GOOD["minimal"], "metadata": None}, "metadata"),
        ({**GOOD["minimal"], "metadata": {}}, "metadata.name"),
        ({**GOOD["minimal"], "metadata": {"name": "Web"}}, "metadata.name"),
        ({**GOOD["minimal"], "metadata": {"name": "w", "annotations": 1}}, "metadata.annotations"),
        ({**GOOD["minimal"], "metadata": {"name": "w", "generation": "1"}}, "metadata.generation"),
        ({**GOOD["minimal"], "spec": None}, "spec"),
        ({**GOOD["minimal"], "spec": 1}, "spec"),
        ({**GOOD["minimal"], "spec": {"azure": {1, 2}}}, "spec"),
        ({**GOOD["minimal"], "spec": {"azure": float("nan")}}, "spec"),
        ({**GOOD["minimal"], "spec": {"azure": "\ud800"}}, "spec"),
        (
            {**GOOD["minimal"], "spec": json.loads("[" * 40 + "]" * 40)},
            "spec",
        ),
    ],
)
def test_what_is_no_such_object_is_refused(raw: Any, path: str) -> None:
    with pytest.raises(SpecInvalid) as refused:
        parse(raw)
    assert refused.value.path.startswith(path)


def test_an_object_of_the_api_server_is_read_whole() -> None:
    metadata = {
        "name": "web",
        "namespace": "shop",
        "uid": "u-1",
        "generation": 3,
        "annotations": {"b": "2", "a": "1"},
        "resourceVersion": "17",
    }
    cluster = parse({**GOOD["minimal"], "metadata": metadata, "status": {"x": 1}})
    assert (cluster.namespace, cluster.name, cluster.uid) == ("shop", "web", "u-1")
    assert cluster.generation == 3
    assert cluster.annotations == (("a", "1"), ("b", "2"))


def test_nulls_count_as_left_out() -> None:
    manifest = copy.deepcopy(GOOD["minimal"])
    manifest["spec"]["management"] = {"mode": None}
    manifest["spec"]["nodes"][0]["size"] = None
    assert parse(manifest).spec == parse(GOOD["minimal"]).spec
