"""The operator is killed before and after each of its writes, and the end is always the same.

A first run, undisturbed, tells which writes there are and what the end looks like. In the second
run each of these writes is struck twice: once it hangs without an effect, once it has its effect
and its reply hangs; each time the process is killed by SIGKILL and another one takes its place.
The same for the deletion.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.kube.conftest import ApiServer
from tests.kube.killed_operator import KilledOperator
from tests.kube.operator_process import OperatorProcess, rights
from tests.kube.world import SAMPLES, World
from tests.sim.simulator import Simulator, running

from azuresim.faults import control

SILENCE_S = 60.0
PATIENCE_S = 120.0
pytestmark = pytest.mark.timeout(1800)


def until(world: World, operator: KilledOperator, holds: Any, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert operator.is_alive(), f"the operator ended by itself:\n{operator.log()}"
        assert time.monotonic() < deadline, (
            f"not within {PATIENCE_S:.0f} s: {what}; "
            f"{world.kubectl('get', 'hacluster', world.name, '-o', 'yaml')}\n{operator.log()}"
        )
        time.sleep(0.2)


def strike(world: World, writes: list[tuple[str, str, str]]) -> set[str]:
    """Lay two faults on each write and return how many there are."""
    laid = set()
    for verb, kind, name in dict.fromkeys(writes):
        for what in ("hang", "slow"):
            rule = {"fault": what, "verb": verb, "kind": kind, "name": name, "seconds": SILENCE_S}
            made = control.ask(world.sim.directory, {"do": "fault.add", **rule})
            laid.add(made["id"])
    return laid


def kill_until(
    world: World, operator: KilledOperator, laid: set[str], holds: Any, what: str
) -> int:
    """Kill the operator at each fault that is struck until something holds; return how many."""
    left = set(laid)
    deadline = time.monotonic() + PATIENCE_S * 3
    looked = 0.0
    while True:
        now = {one["id"] for one in control.ask(world.sim.directory, {"do": "fault.list"})}
        if now & left != left:
            left &= now
            operator.kill()
            operator.start()
        assert time.monotonic() < deadline, f"{what}: {len(left)} left\n{operator.log()}"
        if time.monotonic() - looked > 0.5:
            looked = time.monotonic()
            if holds():
                control.ask(world.sim.directory, {"do": "fault.clear"})
                return len(laid) - len(left)
        time.sleep(0.01)


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with running(tmp_path_factory.mktemp("sim")) as simulator:
        yield simulator


@pytest.fixture
def world(
    api_server: ApiServer, sim: Simulator, request: pytest.FixtureRequest, namespace: str
) -> World:
    return World(api_server, sim, request.param, namespace)


@pytest.fixture
def operator(
    api_server: ApiServer, sim: Simulator, tmp_path: Path, world: World
) -> Iterator[KilledOperator]:
    del world
    kubeconfig = rights(api_server, tmp_path)
    environment = OperatorProcess(kubeconfig, sim, tmp_path / "log").environment()
    killed = KilledOperator(api_server, environment, tmp_path / "operator.log")
    killed.start()
    yield killed
    killed.kill()
    control.ask(sim.directory, {"do": "fault.clear"})


def foreign(world: World) -> str:
    """Put something that is not ours into a group of its own, and return its id."""
    group = f"{world.group}-foreign"
    world.sim.send("PUT", f"{group}?api-version=2021-04-01", {"location": "japaneast"})
    address = f"{group}/providers/Microsoft.Network/publicIPAddresses/theirs"
    body = {
        "location": "japaneast",
        "sku": {"name": "Standard"},
        "properties": {"publicIPAllocationMethod": "Static"},
    }
    address_url = f"{address}?api-version=2025-05-01"
    assert world.sim.send("PUT", address_url, body).status < 300
    assert world.sim.send("GET", address_url).status == 200  # by now its operation is over
    return address.casefold()


@pytest.mark.parametrize(
    "world", [sample.stem for sample in sorted(SAMPLES.glob("*.yaml"))], indirect=True
)
def test_killed_at_every_write_it_reaches_the_same_end(
    world: World, operator: KilledOperator, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = foreign(world)
    before = world.things()
    world.clear_exchanges()
    world.apply()
    until(world, operator, world.is_reconciled, "it is reconciled, undisturbed")
    creating, wanted = world.writes(), set(world.things())
    world.clear_exchanges()
    world.delete()
    until(world, operator, world.is_gone, "it is deleted, undisturbed")
    deleting = world.writes()
    assert world.things() == before

    laid = strike(world, creating)
    world.apply()
    struck = kill_until(world, operator, laid, world.is_reconciled, "reconciled, killed")
    assert set(world.things()) == wanted
    assert struck == len(laid)

    laid = strike(world, deleting)
    world.delete()
    struck_deleting = kill_until(world, operator, laid, world.is_gone, "deleted, killed")
    assert world.things() == before
    assert theirs in before
    assert struck_deleting >= len(laid) // 2
    with capsys.disabled():
        points = f"{struck} points while creating, {struck_deleting} while deleting"
        print(f"\n{world.sample}: {points}, {operator.kills} kills")  # noqa: T201 - counts are part of the proof
