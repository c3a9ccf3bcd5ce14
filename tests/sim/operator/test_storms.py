"""The whole loop over the real adapter against azuresim, while things go wrong.

Only the API server is a stand-in. What is asserted is the end: Azure is as declared, nothing was
made twice, and it cost a bounded number of calls.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.loop.world import SAMPLE, FakeKubernetes, NoCounters
from tests.sim.operator.conftest import Calls, KeptSecrets, settings_for
from tests.sim.simulator import Simulator, running

from azuresim.faults import control
from hacluster.arm.door import AzureDoor
from hacluster.reconcile.keeper import Keeper, Wake
from hacluster.reconcile.one_pass import OnePass

pytestmark = pytest.mark.timeout(900)

RESOURCES = 18
"""What the minimal sample consists of."""


@pytest.fixture
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with running(tmp_path_factory.mktemp("sim")) as simulator:
        yield simulator


def manifest(sim: Simulator) -> dict[str, Any]:
    body: dict[str, Any] = yaml.safe_load(SAMPLE.read_text())
    body["metadata"] |= {"uid": "u-1", "generation": 1, "resourceVersion": "1"}
    body["spec"]["azure"] |= {
        "subscriptionId": sim.ready["subscriptionId"],
        "location": "eastus",
        "cloud": "Custom",
    }
    body["spec"]["management"] = {"deletionPolicy": "Delete"}
    return body


def fault(sim: Simulator, what: str, **rule: Any) -> None:
    control.ask(sim.directory, {"do": "fault.add", "fault": what, "count": 0, **rule})


async def kept(
    sim: Simulator, kubernetes: FakeKubernetes, calls: Calls, operators: int = 1
) -> None:
    """Run the loop, or several side by side, until Azure is as declared."""
    async with AzureDoor(settings_for(sim), KeptSecrets(), calls) as door:
        tasks = []
        for _ in range(operators):
            keeper = Keeper(OnePass(door, kubernetes, NoCounters()), kubernetes)
            tasks.append(asyncio.create_task(keeper.keep(kubernetes.raw, Wake())))
        try:
            async with asyncio.timeout(400):
                while True:
                    if kubernetes.condition("AzureReconciled").get("status") == "True":
                        break
                    await asyncio.sleep(0.1)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def removed(sim: Simulator, kubernetes: FakeKubernetes, calls: Calls) -> None:
    """Delete the object, and wait until nothing of ours is left."""
    kubernetes.body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    kubernetes.touch()
    async with AzureDoor(settings_for(sim), KeptSecrets(), calls) as door, asyncio.timeout(400):
        keeper = Keeper(OnePass(door, kubernetes, NoCounters()), kubernetes)
        await keeper.remove(kubernetes.raw())


def made(calls: Calls) -> list[str]:
    """Return the ids that were written with success."""
    return [one.path for one, status in calls.made if one.method == "PUT" and 200 <= status < 300]


def group_exists(sim: Simulator) -> bool:
    path = f"{sim.subscription}/resourceGroups/web-ha?api-version=2021-04-01"
    return sim.send("GET", path).status == 200


async def test_in_fair_weather_each_resource_is_written_once(sim: Simulator, calls: Calls) -> None:
    kubernetes = FakeKubernetes(manifest(sim))
    await kept(sim, kubernetes, calls)
    written = made(calls)
    assert len(written) == len(set(written))
    assert len(written) <= RESOURCES + 2
    await removed(sim, kubernetes, calls)
    assert not group_exists(sim)


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([("throttle", {"probability": 0.3, "retry_after": 1})], id="throttled"),
        pytest.param([("error", {"probability": 0.2})], id="server-errors"),
        pytest.param([("cut-after", {"probability": 0.2, "verb": "PUT"})], id="lost-replies"),
        pytest.param([("conflict", {"probability": 0.3, "verb": "PUT"})], id="conflicts"),
        pytest.param(
            [
                ("throttle", {"probability": 0.1, "retry_after": 1}),
                ("error", {"probability": 0.1}),
                ("cut-after", {"probability": 0.1}),
            ],
            id="everything",
        ),
    ],
)
async def test_a_storm_ends_where_fair_weather_does(
    sim: Simulator, calls: Calls, faults: list[tuple[str, dict[str, Any]]]
) -> None:
    kubernetes = FakeKubernetes(manifest(sim))
    for what, rule in faults:
        fault(sim, what, **rule)
    await kept(sim, kubernetes, calls)
    assert len(calls.made) <= 60 * RESOURCES
    control.ask(sim.directory, {"do": "fault.clear"})
    await removed(sim, kubernetes, calls)
    assert not group_exists(sim)


async def test_two_operators_at_once_do_no_harm(sim: Simulator, calls: Calls) -> None:
    kubernetes = FakeKubernetes(manifest(sim))
    await kept(sim, kubernetes, calls, operators=2)
    await removed(sim, kubernetes, calls)
    assert not group_exists(sim)
