"""Operations by the clock, a kill at any moment, one owner per directory, scripted faults."""

import http.client
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from azure.mgmt.network import NetworkManagementClient
from tests.sim.simulator import OPERATOR, Reply, Simulator, running

from azuresim.faults import control

pytestmark = pytest.mark.sim

NETWORK = {
    "location": "eastus",
    "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}},
}


def _path(sim: Simulator, tail: str = "/net") -> str:
    group = f"{sim.subscription}/resourceGroups/g"
    return f"{group}/providers/Microsoft.Network/virtualNetworks{tail}?api-version=2025-05-01"


def _group(sim: Simulator) -> None:
    path = f"{sim.subscription}/resourceGroups/g?api-version=2021-04-01"
    assert sim.send("PUT", path, {"location": "eastus"}).status in {200, 201}


def _state(reply: Reply) -> str:
    return str(reply.body["properties"]["provisioningState"])


def _azuresim(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "azuresim", *words]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={"PYTHONPATH": str(OPERATOR)},
    )


def test_a_write_takes_its_time(tmp_path: Path) -> None:
    with running(tmp_path, "--durations", "typical", "--speed", "4") as sim:
        _group(sim)
        made = sim.send("PUT", _path(sim), NETWORK)
        watch = made.header("Azure-AsyncOperation") or ""
        assert made.status == 201
        assert int(made.header("Retry-After") or 0) >= 1
        assert sim.send("GET", watch).body == {"status": "InProgress"}
        assert _state(sim.send("GET", _path(sim))) == "Updating"
        refused = sim.send("PUT", _path(sim), NETWORK)
        assert (refused.status, refused.code) == (409, "AnotherOperationInProgress")
        time.sleep(1.6)
        assert sim.send("GET", watch).body == {"status": "Succeeded"}
        assert _state(sim.send("GET", _path(sim))) == "Succeeded"


def test_a_kill_loses_nothing_and_operations_go_on(tmp_path: Path) -> None:
    with running(tmp_path, "--durations", "typical", "--speed", "2") as sim:
        _group(sim)
        made = sim.send("PUT", _path(sim), NETWORK)
        sim.kill()
        sim.start()
        seen = sim.send("GET", _path(sim))
        assert seen.body["etag"] == made.body["etag"]
        assert _state(seen) == "Updating"
        time.sleep(3)
        assert _state(sim.send("GET", _path(sim))) == "Succeeded"
        watch = made.header("Azure-AsyncOperation") or ""
        assert sim.send("GET", watch).body == {"status": "Succeeded"}
        gone = sim.send("DELETE", _path(sim))
        assert gone.status == 202
        assert _state(sim.send("GET", _path(sim))) == "Deleting"
        sim.kill()
        time.sleep(3)
        sim.start()
        assert sim.send("GET", _path(sim)).code == "ResourceNotFound"


def test_a_group_on_its_way_out_takes_nothing_in(tmp_path: Path) -> None:
    with running(tmp_path, "--durations", "typical", "--speed", "10") as sim:
        _group(sim)
        group = f"{sim.subscription}/resourceGroups/g?api-version=2021-04-01"
        gone = sim.send("DELETE", group)
        watch = gone.header("Location") or ""
        assert gone.status == 202
        for path, body in ((_path(sim), NETWORK), (group, {"location": "eastus"})):
            refused = sim.send("PUT", path, body)
            assert (refused.status, refused.code) == (409, "ResourceGroupBeingDeleted")
        assert sim.send("GET", watch).status == 202
        time.sleep(1.6)
        assert sim.send("GET", watch).status == 200
        assert sim.send("GET", group).code == "ResourceGroupNotFound"


def test_a_directory_has_one_owner(sim: Simulator) -> None:
    second = _azuresim("serve", "--directory", str(sim.directory))
    assert second.returncode == 1
    assert "in use by another azuresim" in second.stderr


def test_sigterm_is_a_clean_end(tmp_path: Path) -> None:
    with running(tmp_path) as sim:
        assert sim.stop() == 0
        assert not (tmp_path / control.SOCKET).exists()


@pytest.mark.parametrize("kind", ["nspawn", "qemu"])
def test_machines_without_what_they_start_from_are_refused(tmp_path: Path, kind: str) -> None:
    ended = _azuresim("serve", "--directory", str(tmp_path), "--machines", kind)
    assert ended.returncode == 2
    assert "name it, --machine-base" in ended.stderr


def test_throttling_is_waited_for_by_the_sdk(sim: Simulator) -> None:
    _group(sim)
    rule = _azuresim(
        "fault", "add", "throttle", "--directory", str(sim.directory),
        "--type", "microsoft.network/*", "--verb", "PUT", "--retry-after", "1",
    )  # fmt: skip
    assert json.loads(rule.stdout)["fault"] == "throttle"
    with sim.client(NetworkManagementClient) as network:
        network.virtual_networks.begin_create_or_update("g", "net", NETWORK).result()
    counted = _azuresim("exchanges", "--directory", str(sim.directory), "--verb", "PUT")
    counts = {
        (line["type"], line["status"]): line["count"]
        for line in map(json.loads, counted.stdout.splitlines())
    }
    assert counts["Microsoft.Network/virtualNetworks", 429] == 1
    assert counts["Microsoft.Network/virtualNetworks", 201] == 1


@pytest.mark.parametrize(("fault", "after"), [("cut-before", 404), ("cut-after", 200)])
def test_a_cut_connection_leaves_the_outcome_unknown(
    sim: Simulator, fault: str, after: int
) -> None:
    _group(sim)
    control.ask(sim.directory, {"do": "fault.add", "fault": fault, "verb": "PUT", "name": "net"})
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        sim.send("PUT", _path(sim), NETWORK)
    assert sim.send("GET", _path(sim)).status == after
    assert control.ask(sim.directory, {"do": "fault.list"}) == []


def test_a_fault_that_is_not_known_is_refused(sim: Simulator) -> None:
    with pytest.raises(ValueError, match="There is no fault 'rain'"):
        control.ask(sim.directory, {"do": "fault.add", "fault": "rain"})


def test_strict_mode_refuses_unknown_fields(tmp_path: Path) -> None:
    with running(tmp_path, "--strict") as sim:
        _group(sim)
        body = {**NETWORK, "properties": {**NETWORK["properties"], "colour": "red"}}  # type: ignore[dict-item] # a literal
        refused = sim.send("PUT", _path(sim), body)
        assert refused.status == 400
        assert "properties.colour" in refused.body["error"]["details"][0]["message"]
