"""What `hacluster plan` tells of the scripts that follow on the nodes."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.nodes import test_external_nodes as external
from tests.unit.nodes import test_run_command as agent
from tests.unit.plan.test_command import run

from hacluster.cli.plan import CHANGES, NOTHING, _code, _data, after, text
from hacluster.model.observed import Absent
from hacluster.plan import parts
from hacluster.plan.foreseen import foreseen
from hacluster.plan.view import View

ONE, TWO = (hashlib.sha256(text.encode()).hexdigest() for text in ("1", "2"))
FOLDER = Path(__file__).parents[3] / "deploy" / "samples"


def told(view: View, package: str = ONE) -> list[tuple[str, str]]:
    return [(one.node, one.why) for one in foreseen(view, package)]


def test_offline_each_node_gets_the_agent() -> None:
    result = run("-f", str(FOLDER / "minimal.yaml"))
    assert result.exit_code == CHANGES
    (first, second) = [line for line in result.output.splitlines() if "hacluster-agent" in line]
    assert first.startswith("  > web-1, runCommands/hacluster-agent: the agent ")
    assert second.startswith("  > web-2, ")
    assert result.output.rstrip().endswith("0 refused, 2 to run on nodes.")


def test_json_has_them_too() -> None:
    (plan,) = json.loads(run("-f", str(FOLDER / "minimal.yaml"), "-o", "json").output)
    assert [one["node"] for one in plan["nodes"]] == ["web-1", "web-2"]
    assert plan["nodes"][0]["id"].endswith("web-1/runCommands/hacluster-agent")
    assert plan["nodes"][0]["isSure"] is True


def test_an_agent_that_is_there_is_not_brought_and_another_one_is() -> None:
    view = agent.both()
    assert told(view) == []
    other = f"another agent, {TWO[:16]} instead of {ONE[:16]}; the active node comes last"
    assert told(view, TWO) == [("node-1", other), ("node-2", other)]


def test_an_agent_that_could_not_be_brought_is_brought_again() -> None:
    view = agent.brought(agent.both(), 1, executionState="Failed", exitCode=3, error="no way out")
    ((node, why),) = told(view)
    assert node == "node-2"
    assert why.startswith("attempt 2: the last run failed (Failed, exit code 3: no way out")


def test_what_is_a_step_already_is_not_listed_twice() -> None:
    view = agent.bare()
    steps = parts.plan(view)
    assert len(told(view)) == 2
    assert after(view, steps, ONE) == ()


def test_the_configuration_of_external_nodes_is_listed_for_each() -> None:
    view = external.bare(packages=["nginx"], commands=[{"run": "a", "check": "b"}] * 2)
    why = "1 packages, 2 commands are put in place"
    assert told(view) == [("node-1", why), ("node-2", why)]
    steps = parts.plan(view)
    assert [one.node for one in after(view, steps, "")] == ["node-2"]
    shown = json.dumps(_data(view, steps, ""))
    assert "hacluster-configuration" in shown


def test_a_secret_of_a_file_stays_a_reference() -> None:
    view = external.bare()
    shown = json.dumps(_data(view, parts.plan(view), ""))
    assert '{"secretKeyRef": {"name": "app", "key": "password"}}' in shown


def test_what_is_in_place_is_not_listed_and_what_is_not_known_is_said() -> None:
    view = external.bare()
    for number in range(2):
        view = external.ran(view, number)
    assert told(view) == []
    assert {why for _, why in told(external.knowing(view, versions={"app": "8"}))} == {
        "another configuration of the nodes"
    }
    unknown = replace(view, preparation=None)
    assert all("not known here" in why for _, why in told(unknown))
    assert "Nothing to do." in text(unknown, (), "")
    assert _code([], follows=any(one.is_sure for one in after(unknown, (), ""))) == NOTHING


@pytest.mark.parametrize("setting", ["absent", "unread"])
def test_a_machine_that_is_not_there_yet_gets_its_agent_later(setting: str) -> None:
    view = agent.both()
    command = view.names.agent_command(view.spec.nodes[0])
    seen: Any = Absent(id=command) if setting == "absent" else None
    resources = {**view.seen.resources}
    del resources[command.casefold()]
    if seen:
        resources[command.casefold()] = seen
    view = replace(view, seen=replace(view.seen, resources=resources))
    assert [node for node, _ in told(view)] == (["node-1"] if seen else [])
