"""Nodes that no agent of ours runs: what is sent to them, to which, and when."""

import base64
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.plan.clusters import made, sample

from hacluster.model.agent import Preparation
from hacluster.model.assessment import Assessment, Finding, Severity
from hacluster.model.ids import key
from hacluster.model.machines import Node
from hacluster.model.observed import Absent, Present, Unknown
from hacluster.model.reasons import Reason
from hacluster.plan import external_nodes, parts, run_command
from hacluster.plan.nodes import power_shell
from hacluster.plan.nodes.pieces import FileWanted, Parameter, Pieces
from hacluster.plan.nodes.preparation import Round, SecretContent, round_of
from hacluster.plan.steps import Put, Refuse
from hacluster.plan.view import View

RUNNING = {"statuses": [{"code": "PowerState/running"}]}
SECRET = {"path": "/etc/app.key", "secretKeyRef": {"name": "app", "key": "password"}}
FROM_MAP = {"path": "/etc/app.conf", "configMapKeyRef": {"name": "app", "key": "conf"}}


def external(**configuration: Any) -> Any:
    def change(spec: dict[str, Any]) -> None:
        spec["cluster"] = {"nodeAgent": "External", "nodeConfiguration": configuration}

    return change


def known(**changes: Any) -> Preparation:
    first = Preparation(texts={("app", "conf"): "port = 1\n"}, mark="1", versions={"app": "7"})
    return replace(first, **changes)


def bare(**configuration: Any) -> View:
    """Return a cluster whose machines run and have nothing on them."""
    configuration = configuration or {"packages": ["nginx"], "files": [SECRET, FROM_MAP]}
    view = made(sample("internal-load-balancer", external(**configuration))).view()
    for node in view.spec.nodes:
        view = powered(view, node, "running")
        command = view.names.configuration_command(node)
        view = having(view, command, Absent(id=command))
    return serving(replace(view, preparation=known()))


def having(view: View, resource: Any, seen: Any) -> View:
    resources = {**view.seen.resources, key(resource): seen}
    return replace(view, seen=replace(view.seen, resources=resources))


def powered(view: View, node: Node, state: str) -> View:
    machine = view.present(view.names.machine(node))
    assert machine is not None
    instance = {"instanceView": {"statuses": [{"code": f"PowerState/{state}"}]}}
    body = {**machine.body, "properties": {**machine.properties, **instance}}
    return having(view, machine.id, replace(machine, body=body))


def serving(view: View, *names: str, **more: Any) -> View:
    return replace(view, assessment=Assessment(serving=names, **more))


def knowing(view: View, **changes: Any) -> View:
    return replace(view, preparation=known(**changes))


def ran(view: View, number: int, which: Round | None = None, **instance: Any) -> View:
    """Return the view after a node's script has ended."""
    wanted = external_nodes.desired(view)[number]
    shown = {"executionState": "Succeeded", "exitCode": 0, **instance}
    properties = {**wanted.body["properties"], "instanceView": shown}
    properties.pop("protectedParameters", None)
    if which is not None:
        text = properties["source"]["script"]
        first = round_of(text)
        assert first is not None
        properties["source"] = {"script": text.replace(first.line(), which.line())}
    seen = Present(id=wanted.id, body={**wanted.body, "properties": properties})
    return having(view, wanted.id, seen)


def both() -> View:
    return serving(ran(ran(bare(), 0), 1), "node-1")


def step(view: View) -> tuple[str, Round] | None:
    """Return to which node something is sent, and what."""
    found = external_nodes.plan(view)
    if not found:
        return None
    (put,) = found
    assert isinstance(put, Put)
    assert put.disrupts is None
    brought = round_of(put.body["properties"]["source"]["script"])
    assert brought is not None
    return put.id.split("/")[-3], brought


def node_of(view: View) -> str | None:
    found = step(view)
    return found[0] if found else None


def test_one_node_after_the_other_and_then_nothing() -> None:
    view = bare()
    assert node_of(view) == "node-1"
    view = ran(view, 0)
    assert node_of(view) == "node-2"
    assert step(ran(view, 1)) is None


def test_nothing_is_sent_while_another_node_is_being_configured() -> None:
    view = bare()
    command = external_nodes.desired(view)[0]
    body = {**command.body, "properties": {"provisioningState": "Updating"}}
    assert step(having(view, command.id, Present(id=command.id, body=body))) is None
    unknown = Unknown(id=command.id, why="no answer", reason="NotObserved")
    assert step(having(view, command.id, unknown)) is None


def test_who_serves_by_the_balancers_word_comes_last() -> None:
    view = knowing(both(), versions={"app": "8"})
    assert node_of(serving(view, "node-1")) == "node-2"
    assert node_of(serving(view, "node-2")) == "node-1"
    after = ran(serving(view, "node-1"), 1)
    assert node_of(after) == "node-1"


def test_the_active_node_is_left_alone_while_a_standby_has_failed_or_is_down() -> None:
    view = knowing(both(), versions={"app": "8"})
    failed = ran(view, 1, executionState="Failed", exitCode=1, error="hacluster: failed x")
    found = step(failed)
    assert found is not None
    assert (found[0], found[1].attempt) == ("node-2", 2)
    down = powered(view, view.spec.nodes[1], "deallocated")
    assert step(down) is None
    assert external_nodes.awaits(down, view.spec.nodes[0]) == "node-2 comes first"
    assert "does not run (deallocated)" in external_nodes.awaits(down, view.spec.nodes[1])


def test_a_standby_that_is_down_holds_up_no_other_standby() -> None:
    view = serving(bare(), "another")
    assert node_of(powered(view, view.spec.nodes[0], "deallocated")) == "node-2"


def test_nothing_is_changed_until_the_balancer_has_said_who_serves() -> None:
    view = replace(knowing(both(), versions={"app": "8"}), assessment=Assessment())
    assert step(view) is None
    first = replace(bare(), assessment=Assessment())
    assert node_of(first) == "node-1"


def test_a_node_that_may_serve_is_left_alone_while_two_may() -> None:
    view = knowing(both(), versions={"app": "8"})
    two = Finding(severity=Severity.UNSAFE, reason=Reason.MORE_THAN_ONE_SERVES, why="two")
    assert step(serving(view, "node-1", "node-2", findings=(two,))) is None


def test_what_was_looked_at_long_ago_is_looked_at_again() -> None:
    view = knowing(both(), due=frozenset({"node-1", "node-2"}))
    found = step(view)
    assert found is not None
    assert (found[0], found[1].number, found[1].attempt) == ("node-2", 2, 1)
    (put,) = external_nodes.plan(view)
    assert isinstance(put, Put)
    assert put.changes == ()
    assert node_of(knowing(both(), due=frozenset({"node-1"}))) == "node-1"


def test_what_a_later_round_has_changed_had_drifted() -> None:
    output = "hacluster: changed file /etc/app.conf\nhacluster: in place\n"
    view = ran(both(), 0, output=output)
    node = view.spec.nodes[0]
    assert external_nodes.repaired(view, node) == ()
    first = external_nodes.desired(view)[0].body["properties"]["source"]["script"]
    content = round_of(first)
    assert content is not None
    later = ran(view, 0, replace(content, number=2), output=output)
    assert external_nodes.repaired(later, node) == ("file /etc/app.conf",)


@pytest.mark.parametrize(
    "changes",
    [{"versions": {"app": "8"}}, {"texts": {("app", "conf"): "port = 2\n"}, "mark": "2"}],
    ids=["a Secret", "a ConfigMap"],
)
def test_another_content_is_brought(changes: dict[str, Any]) -> None:
    found = step(knowing(both(), **changes))
    assert found is not None
    assert found[1].attempt == found[1].number == 1


def test_a_secret_is_only_referred_to() -> None:
    (put,) = external_nodes.plan(bare())
    assert isinstance(put, Put)
    properties = put.body["properties"]
    (protected,) = properties["protectedParameters"]
    assert protected["name"] == "HACLUSTER_FILE_1"
    assert isinstance(protected["value"], SecretContent)
    assert "password" not in properties["source"]["script"]


def test_nothing_is_planned_before_it_is_known_what_files_hold() -> None:
    view = replace(bare(), preparation=None)
    assert external_nodes.plan(view) == ()
    assert external_nodes.desired(view) == ()
    assert len(external_nodes.ids(view)) == 2
    assert set(external_nodes.ids(view)) <= set(parts.watched(view))


def test_nodes_with_our_agent_get_none() -> None:
    view = made(sample()).view()
    assert external_nodes.ids(view) == ()
    assert run_command.ids(bare()) == ()


def test_what_is_no_longer_asked_for_is_removed() -> None:
    operator = made(sample("internal-load-balancer", external(packages=["nginx"])))
    view = operator.view()
    command = view.names.configuration_command(view.spec.nodes[0])
    operator.azure.put(command, {"location": "x", "tags": view.names.tags, "properties": {}})
    operator.inventory = (*operator.inventory, command)
    operator.cluster = sample("internal-load-balancer", external())
    assert command in {one.id for one in parts.plan(operator.view())}


def test_a_script_that_azure_would_not_take_is_refused() -> None:
    files = [{"path": f"/srv/{n}", "content": "x" * 60_000} for n in range(5)]
    (refusal,) = external_nodes.plan(bare(files=files))
    assert isinstance(refusal, Refuse)
    assert "Run Command takes 262144" in refusal.why


WORDS = re.compile(r"'[A-Za-z0-9+/]*=*'")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(
    files=st.lists(st.tuples(TEXTS, st.integers(0, 0o777), TEXTS), max_size=3),
    commands=st.lists(st.tuples(TEXTS, TEXTS), max_size=3),
    is_secret=st.booleans(),
)
def test_in_powershell_all_that_is_from_outside_is_in_base64(
    files: list[tuple[str, int, str]], commands: list[tuple[str, str]], *, is_secret: bool
) -> None:
    """Each call is a known word with arguments of known form, and they decode to what was asked."""
    wanted = tuple(
        FileWanted(
            path=path,
            mode=mode,
            owner="root",
            content=Parameter(f"HACLUSTER_FILE_{n}") if is_secret else _coded(content),
        )
        for n, (path, mode, content) in enumerate(files, start=1)
    )
    text = power_shell.script("# head", Pieces(files=wanted, commands=tuple(commands)))
    calls = text.split("$code = 0\ntry {\n")[1]
    calls = calls.partition("    Write-Output")[0]
    lines = [line.strip() for line in calls.splitlines() if line.strip()]
    assert len(lines) == len(files) + len(commands)
    for line, (path, mode, content) in zip(lines, files, strict=False):
        found = re.fullmatch(rf"Set-File ({WORDS.pattern}) (\$true|\$false) (\S+)", line)
        assert found is not None
        assert _plain(found[1]) == path
        assert (found[2] == "$true") == (mode & 0o007 == 0)
        is_held = found[3].startswith("$HACLUSTER_FILE_")
        assert is_held if is_secret else _plain(found[3]) == content
    for number, (line, (run, check)) in enumerate(
        zip(lines[len(files) :], commands, strict=True), start=1
    ):
        pattern = rf"Invoke-Missing {number} ({WORDS.pattern}) ({WORDS.pattern})"
        found = re.fullmatch(pattern, line)
        assert found is not None
        assert (_plain(found[1]), _plain(found[2])) == (run, check)
    names = [f"$HACLUSTER_FILE_{n}" for n in range(1, len(files) + 1)] if is_secret else []
    assert re.findall(r"\$HACLUSTER_FILE_\d+", text.split("\n")[1]) == names


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _plain(word: str) -> str:
    return base64.b64decode(word.strip("'")).decode()
