"""The helper: fixed verbs on names of a configuration that it verified itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.agent.configurations import changed
from tests.unit.agent.machines import Machine
from tests.unit.agent.nodes import node_file, sealed

from hacluster_node.errors import NodeError
from hacluster_node.guard.process import FENCED
from hacluster_node.helper.process import Helper
from hacluster_node.settings.stored import CONFIGURATION_FILE, Stored
from hacluster_node.system.command import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from hacluster_node.settings.node_file import NodeFile

VIP = {"name": "vip", "type": "LoopbackAddress", "loopbackAddress": {"address": "10.0.0.9"}}
START = {"do": "start", "group": "failover1", "resource": "vip", "epoch": 3, "timeout_s": 5}


@pytest.fixture
def node(tmp_path: Path) -> NodeFile:
    made = node_file(tmp_path)
    content = changed("groups.0.resources", [VIP])
    content["monitors"] = [
        {"name": "genw1", "type": "Custom", "custom": {"script": ["/check"]}},
        {
            "name": "mtw1",
            "type": "MultiTarget",
            "multiTarget": {"monitors": ["genw1"]},
            "recovery": {"scripts": {"FinalAction": {"run": ["/before", "x"]}}},
        },
        {"name": "psw1", "type": "Process", "process": {"name": "no-such-process"}},
    ]
    Stored(made).save(sealed(content))
    (made.run_directory / FENCED).mkdir(parents=True)
    return made


def code(helper: Helper, message: dict[str, Any]) -> str:
    with pytest.raises(NodeError) as caught:
        helper.carry_out(message)
    return caught.value.code


def made(node: NodeFile, machine: Machine) -> Helper:
    return Helper(machine, Stored(node), node.run_directory)


def test_a_resource_starts_and_stops_by_its_name(node: NodeFile) -> None:
    machine = Machine()
    helper = made(node, machine)
    helper.carry_out(START)
    assert machine.addresses == {"10.0.0.9"}
    helper.carry_out({**START, "do": "stop"})
    assert machine.addresses == set()


def test_nothing_of_a_fenced_group_starts(node: NodeFile) -> None:
    machine = Machine()
    (node.run_directory / FENCED / "failover1").touch()
    assert code(made(node, machine), START) == "HAN-R03"
    assert machine.addresses == set()


def test_a_start_that_a_fence_overtook_is_undone(node: NodeFile) -> None:
    class Overtaken(Machine):
        def add_address(self, address: str) -> None:
            (node.run_directory / FENCED / "failover1").touch()
            super().add_address(address)

    machine = Overtaken()
    assert code(made(node, machine), START) == "HAN-R03"
    assert machine.addresses == set()


@pytest.mark.parametrize(
    "message",
    [
        {**START, "resource": "other"},
        {**START, "group": "other"},
        {**START, "do": "run"},
        {"do": "start"},
        {},
        {"do": "script", "monitor": "genw1", "stage": "FinalAction"},
        {"do": "machine", "how": "Explode"},
    ],
)
def test_what_is_not_configured_is_refused(node: NodeFile, message: dict[str, Any]) -> None:
    machine = Machine()
    assert code(made(node, machine), message) == "HAN-C01"
    assert (machine.ran, machine.addresses) == ([], set())


def test_a_configuration_that_the_agent_forged_starts_nothing(node: NodeFile) -> None:
    path = node.state_directory / CONFIGURATION_FILE
    path.write_bytes(path.read_bytes().replace(b"10.0.0.9", b"10.0.0.8"))
    machine = Machine()
    assert code(made(node, machine), START) == "HAN-C01"
    assert machine.addresses == set()


def test_checks_and_recovery_scripts_run_as_configured(node: NodeFile) -> None:
    machine = Machine()
    helper = made(node, machine)
    helper.carry_out({"do": "check", "monitor": "genw1", "timeout_s": 5})
    script = {"monitor": "mtw1", "stage": "FinalAction", "group": "g", "epoch": 4, "timeout_s": 5}
    helper.carry_out({"do": "script", **script})
    assert machine.ran == [("/check",), ("/before", "x")]
    assert machine.environment["HA_STAGE"] == "FinalAction"
    machine.answer = lambda _: Outcome(1, "bad")
    assert code(helper, {"do": "check", "monitor": "genw1", "timeout_s": 5}) == "HAN-M01"
    assert code(helper, {"do": "check", "monitor": "psw1", "timeout_s": 5}) == "HAN-M01"


def test_fence_all_is_the_second_line_when_the_guard_is_gone(node: NodeFile) -> None:
    machine = Machine(addresses={"10.0.0.9"})
    made(node, machine).carry_out({"do": "fence_all"})
    assert machine.addresses == set()
    assert (node.run_directory / FENCED / "failover1").exists()


def test_software_of_a_configuration_that_is_to_come_is_put_in_place_first(
    node: NodeFile, tmp_path: Path
) -> None:
    path = tmp_path / "etc" / "app.conf"
    for generation, text in ((2, "now"), (3, "to come")):
        file = {"path": str(path), "content": text}
        content = {**changed("groups.0.resources", [VIP]), "software": {"files": [file]}}
        content["monitors"] = []
        Stored(node).stage(sealed(content, generation), generation)
    Stored(node).use(2)
    helper = made(node, Machine())
    assert helper.carry_out({"do": "software"}) == f"file {path}"
    assert path.read_text() == "now"
    assert helper.carry_out({"do": "software", "generation": 3}) == f"file {path}"
    assert path.read_text() == "to come"
    assert helper.carry_out({"do": "software", "generation": 3}) == ""
