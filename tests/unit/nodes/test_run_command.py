"""The Run Command that brings the agent: when it is written, and whom it interrupts."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.unit.plan.clusters import made_sample, sample

from hacluster.model.agent import AgentPackage, Guest, Installation
from hacluster.model.assessment import Assessment
from hacluster.model.ids import key
from hacluster.model.keys import Sas
from hacluster.model.observed import Absent, Present
from hacluster.model.partition import StoreAccess
from hacluster.model.reasons import Reason
from hacluster.plan import parts, run_command
from hacluster.plan.nodes import keys, node_file
from hacluster.plan.nodes.node_file import NodeFileRef, Place
from hacluster.plan.nodes.script import Head, head_of, script
from hacluster.plan.steps import Put, Refuse, Step
from hacluster.plan.view import View
from hacluster_node.install import bootstrap
from hacluster_node.settings import node_file as agents_own

FAR = datetime(2026, 1, 7, tzinfo=UTC)
RUNNING = {"statuses": [{"code": "PowerState/running"}]}


def installation(package: str = "1", fingerprint: str = "abc") -> Installation:
    digest = hashlib.sha256(package.encode()).hexdigest()
    shipped = AgentPackage(digest=digest, content=b"", bootstrap="pass")
    return Installation(
        package=shipped,
        guest=Guest(ca="PEM"),
        container="https://store.example/box",
        client_id="c-1",
        secret="web-hacluster-keys",
        fingerprint=fingerprint,
    )


def bare(wanted: Installation | None = None) -> View:
    """Return a cluster whose machines run and have no agent."""
    view = made_sample("internal-load-balancer").view()
    seen = dict(view.seen.resources)
    for node in view.spec.nodes:
        machine = view.present(view.names.machine(node))
        assert machine is not None
        body = {**machine.body, "properties": {**machine.properties, "instanceView": RUNNING}}
        seen[key(machine.id)] = replace(machine, body=body)
        command = view.names.agent_command(node)
        seen[key(command)] = Absent(id=command)
    return replace(
        view,
        seen=replace(view.seen, resources=seen),
        installation=wanted or installation(),
    )


def brought(view: View, node: int, **instance: Any) -> View:
    """Return the view after a node's Run Command was written and has ended."""
    wanted = run_command.desired(view)[node]
    shown = {"executionState": "Succeeded", "exitCode": 0, **instance}
    properties = {**wanted.body["properties"], "instanceView": shown}
    properties.pop("protectedParameters")
    seen = Present(id=wanted.id, body={**wanted.body, "properties": properties})
    resources = {**view.seen.resources, key(wanted.id): seen}
    return replace(view, seen=replace(view.seen, resources=resources))


def agents(view: View, serving: str = "node-1") -> View:
    """Return the view when every agent reports, and one node serves."""
    package = run_command.package_digest(view)
    names = {node.name: package for node in view.spec.nodes}
    return replace(view, assessment=Assessment(active=serving, serving=(serving,), agents=names))


def other(view: View, wanted: Installation) -> View:
    return replace(view, installation=wanted)


def puts(view: View) -> dict[str, Put]:
    found = run_command.plan(view)
    assert all(isinstance(one, Put) for one in found)
    return {one.id.split("/")[-3]: one for one in found if isinstance(one, Put)}


def head(step: Step) -> Head:
    assert isinstance(step, Put)
    found = head_of(step.body["properties"]["source"]["script"])
    assert found is not None
    return found


def both() -> View:
    return agents(brought(brought(bare(), 0), 1))


def test_bare_machines_get_the_agent_side_by_side() -> None:
    steps = puts(bare())
    assert set(steps) == {"node-1", "node-2"}
    for step in steps.values():
        assert step.disrupts is None
        assert head(step).attempt == 1
        reference = step.body["properties"]["protectedParameters"][0]["value"]
        assert isinstance(reference, NodeFileRef)


def test_what_was_brought_is_not_brought_again() -> None:
    assert run_command.plan(both()) == ()


@pytest.mark.parametrize("state", ["deallocated", "starting", ""])
def test_nothing_is_sent_to_a_machine_that_does_not_run(state: str) -> None:
    view = bare()
    machine = view.present(view.names.machine(view.spec.nodes[0]))
    assert machine is not None
    power = {"instanceView": {"statuses": [{"code": f"PowerState/{state}"}] if state else []}}
    body = {**machine.body, "properties": {**machine.properties, **power}}
    resources = {**view.seen.resources, key(machine.id): replace(machine, body=body)}
    assert set(puts(replace(view, seen=replace(view.seen, resources=resources)))) == {"node-2"}


def test_other_keys_interrupt_nobody() -> None:
    steps = puts(other(both(), installation(fingerprint="def")))
    assert {name: step.disrupts for name, step in steps.items()} == {
        "node-1": None,
        "node-2": None,
    }
    assert {step.why for step in steps.values()} == {"other keys, SAS or token"}


def test_another_agent_interrupts_its_node() -> None:
    steps = puts(other(both(), installation("2")))
    assert {name: step.disrupts for name, step in steps.items()} == {
        "node-1": "node-1",
        "node-2": "node-2",
    }


def test_the_next_node_waits_until_the_agent_of_the_last_one_is_back() -> None:
    old = both()
    newer = brought(other(old, installation("2")), 1)
    assert puts(newer) == {}
    package = run_command.package_digest(newer)
    back = replace(newer.assessment, agents={**newer.assessment.agents, "node-2": package})
    assert set(puts(replace(newer, assessment=back))) == {"node-1"}


def test_a_run_that_failed_is_another_attempt() -> None:
    view = brought(bare(), 0, executionState="Failed", exitCode=1, error="a\n b")
    node = view.spec.nodes[0]
    assert run_command.failure(view, node) == "Failed, exit code 1: a b"
    step = puts(view)["node-1"]
    assert (head(step).attempt, step.why) == (2, "attempt 2: the last run failed")
    assert step.disrupts is None


@pytest.mark.parametrize("state", ["TimedOut", "Canceled"])
def test_a_run_without_an_end_has_failed(state: str) -> None:
    view = brought(bare(), 0, executionState=state, exitCode=None)
    assert state in run_command.failure(view, view.spec.nodes[0])


def test_a_command_of_somebody_else_is_left_alone() -> None:
    view = brought(bare(), 0)
    wanted = run_command.desired(view)[0]
    seen = view.present(wanted.id)
    assert seen is not None
    foreign = replace(seen, body={**seen.body, "tags": {}})
    resources = {**view.seen.resources, key(wanted.id): foreign}
    steps = run_command.plan(replace(view, seen=replace(view.seen, resources=resources)))
    assert [one.reason for one in steps if isinstance(one, Refuse)] == [Reason.ADOPTION_REQUIRED]


def test_while_it_is_not_known_what_to_bring_nothing_is_taken_away() -> None:
    view = replace(both(), installation=None)
    gone = {key(step.id) for step in parts.plan(view)}
    assert not gone & {key(one) for one in run_command.ids(view)}


@pytest.mark.parametrize("setting", [{"nodeAgent": "External"}])
def test_where_no_agent_of_ours_runs_nothing_is_brought(setting: dict[str, Any]) -> None:
    cluster = sample("internal-load-balancer", lambda spec: spec["cluster"].update(setting))
    assert run_command.ids(View.of(cluster, installation=installation())) == ()


def test_the_head_is_read_back_from_the_script() -> None:
    made = Head(package="a" * 64, identity="b" * 16, keys="c" * 16, attempt=3)
    assert head_of(script(made, "print('x')\n")) == made
    assert head_of("#!/bin/sh\ntrue\n") is None


def test_a_sas_comes_with_the_keys_and_interrupts_nobody(tmp_path: Any) -> None:
    def by_sas(spec: dict[str, Any]) -> None:
        spec["cluster"]["store"] = {"access": "SAS"}

    cluster = sample("internal-load-balancer", by_sas)
    wanted = run_command.desired(View.of(cluster, installation=installation()))[0]
    assert not any("roleAssignments" in need for need in wanted.needs)
    reference = wanted.body["properties"]["protectedParameters"][0]["value"]
    assert isinstance(reference, NodeFileRef)
    place, ring = reference.place, keys.first(b"1" * 32, datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match="no SAS"):
        node_file.render(place, ring)
    texts = []
    for text in ("sp=rw&sig=one", "sp=rw&sig=two"):
        sas = Sas(container=place.container, made=ring.keys[0].made, until=FAR, text=text)
        texts.append(node_file.render(place, keys.with_sas(ring, sas)))
        path = tmp_path / "node.json"
        path.write_text(texts[-1])
        assert agents_own.read(path).store.sas == text
    one, two = (json.loads(text) for text in texts)
    assert bootstrap.identity(one) == bootstrap.identity(two)
    assert place.identity() != replace(place, access=StoreAccess.MANAGED_IDENTITY).identity()


def test_the_agent_takes_the_file_that_it_is_brought(tmp_path: Any) -> None:
    ring = keys.first(b"1" * 32, datetime(2026, 1, 1, tzinfo=UTC))
    place = Place(
        cluster="Cluster1",
        node="node-1",
        container="https://store.example/box",
        client_id="c-1",
        resource_manager="https://management.azure.com",
        has_ca=True,
    )
    text = node_file.render(place, ring)
    path = tmp_path / "node.json"
    path.write_text(text)
    found = agents_own.read(path)
    assert (found.node, found.store.client_id, found.store.ca_file) == (
        "node-1",
        "c-1",
        node_file.CA_FILE,
    )
    assert found.document_keys == keys.document_ring(ring, "node-1")
    assert "1111" not in json.dumps(text)
