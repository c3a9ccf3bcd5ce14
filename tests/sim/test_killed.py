"""Killed at any moment while clients write: what was acknowledged is there, nothing half done."""

import http.client
import random
import threading
import time
from pathlib import Path

import pytest
from tests.sim.simulator import Simulator, running

pytestmark = pytest.mark.sim

ARM = "api-version=2021-04-01"
NETWORK = "api-version=2025-05-01"
ROUNDS = 5
SUBNETS = ("a", "b", "c")


class Writer(threading.Thread):
    """Writes networks and deletes some, noting what was acknowledged, until nobody answers."""

    def __init__(self, sim: Simulator, group: str, seed: int) -> None:
        super().__init__()
        self.sim, self.group, self.dice = sim, group, random.Random(seed)
        self.acknowledged: dict[str, str | None] = {}
        self.unsure = ""
        """Name of the network whose last write was not acknowledged."""

    def run(self) -> None:
        """Write until the connection breaks."""
        at = 0
        while True:
            at += 1
            name = f"{self.dice.randrange(12)}-{self.name}"
            path = f"{self.group}/providers/Microsoft.Network/virtualNetworks/{name}?{NETWORK}"
            self.unsure = name
            try:
                if self.dice.random() < 0.25:
                    reply, tag = self.sim.send("DELETE", path), None
                else:
                    reply, tag = self.sim.send("PUT", path, _network(at)), str(at)
            except (OSError, http.client.HTTPException):
                return
            if reply.status < 300:
                self.acknowledged[name] = tag
            self.unsure = ""


def _network(at: int) -> dict[str, object]:
    subnets = [
        {"name": name, "properties": {"addressPrefix": f"10.{at % 250}.{turn}.0/24"}}
        for turn, name in enumerate(SUBNETS)
    ]
    space = {"addressPrefixes": [f"10.{at % 250}.0.0/16"]}
    properties = {"addressSpace": space, "subnets": subnets}
    return {"location": "eastus", "tags": {"at": str(at)}, "properties": properties}


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    dice = random.Random(20_26)
    known: dict[str, str | None] = {}
    with running(tmp_path / "sim") as sim:
        group = f"{sim.subscription}/resourceGroups/g"
        sim.send("PUT", f"{group}?{ARM}", {"location": "eastus"})
        for turn in range(ROUNDS):
            writer = Writer(sim, group, turn)
            writer.name = str(turn)
            writer.start()
            time.sleep(dice.uniform(0.05, 0.8))
            sim.hit()
            writer.join(30)
            assert not writer.is_alive()
            sim.kill()
            sim.start()
            known |= writer.acknowledged
            if writer.unsure:
                known.pop(writer.unsure, None)
            _compare(sim, group, known)
        assert any(known.values())


def _compare(sim: Simulator, group: str, known: dict[str, str | None]) -> None:
    """Compare what was acknowledged with what is there, in lists and one by one."""
    path = f"{group}/providers/Microsoft.Network/virtualNetworks"
    listed = {each["name"]: each for each in sim.send("GET", f"{path}?{NETWORK}").body["value"]}
    for name, tag in known.items():
        assert (listed[name]["tags"]["at"] if name in listed else None) == tag
    for name, network in listed.items():
        at = int(network["tags"]["at"])
        properties = network["properties"]
        assert properties["addressSpace"]["addressPrefixes"] == [f"10.{at % 250}.0.0/16"]
        subnets = {
            each["name"]: each["properties"]["addressPrefix"] for each in properties["subnets"]
        }
        assert subnets == {n: f"10.{at % 250}.{turn}.0/24" for turn, n in enumerate(SUBNETS)}
        alone = sim.send("GET", f"{path}/{name}?{NETWORK}").body
        assert alone == network
        child = sim.send("GET", f"{path}/{name}/subnets/a?{NETWORK}").body
        assert child == next(each for each in properties["subnets"] if each["name"] == "a")


def test_an_operation_goes_on_after_a_kill(tmp_path: Path) -> None:
    with running(tmp_path / "sim", "--durations", "typical", "--speed", "2") as sim:
        group = f"{sim.subscription}/resourceGroups/g"
        sim.send("PUT", f"{group}?{ARM}", {"location": "eastus"})
        path = f"{group}/providers/Microsoft.Network/virtualNetworks/n?{NETWORK}"
        started = sim.send("PUT", path, _network(1))
        watched = started.header("Azure-AsyncOperation")
        assert watched is not None
        sim.kill()
        sim.start()
        seen = set()
        deadline = time.monotonic() + 20
        while "Succeeded" not in seen and time.monotonic() < deadline:
            seen.add(sim.send("GET", watched).body["status"])
            time.sleep(0.1)
        assert "Succeeded" in seen
        assert sim.send("GET", path).body["properties"]["provisioningState"] == "Succeeded"


def test_a_second_simulator_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with running(tmp_path / "sim") as sim:
        second = Simulator(tmp_path / "sim", errors=tmp_path / "errors")
        with pytest.raises(AssertionError):
            second.start()
        assert second.stop() == 1
        said = (tmp_path / "errors").read_text()
        assert "in use by another azuresim" in said
        assert "Traceback" not in said
        assert sim.send("GET", "/tenants?api-version=2022-12-01").status == 200
