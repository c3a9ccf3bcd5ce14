"""The operator and nodes that no agent of ours runs: configured, looked at and repaired."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from tests.loop.guests import FakeVault, agents
from tests.loop.world import World, now, world

from hacluster.model.assessment import BackendHealth
from hacluster.model.ids import type_of
from hacluster.model.reasons import Reason
from hacluster.plan.nodes.preparation import Round, round_of
from hacluster.reconcile.preparing import LONGEST_LINUX, LOOK_EVERY

pytestmark = [pytest.mark.looptime, pytest.mark.timeout(120)]
PERIOD = LOOK_EVERY.total_seconds()
ADDRESSES = {"web-1": "10.6.0.10", "web-2": "10.6.0.11"}
FILES = [
    {"path": "/etc/app.key", "mode": "0600", "secretKeyRef": {"name": "app", "key": "password"}},
    {"path": "/etc/app.conf", "configMapKeyRef": {"name": "app", "key": "conf"}},
]


class Site:
    """A cluster that something else runs."""

    def __init__(self) -> None:
        self.vault = FakeVault(config_maps={"app": {"conf": "port = 1\n"}})
        self.vault.put("app", {"password": b"secret"})
        cluster = {
            "nodeAgent": "External",
            "failoverGroups": None,
            "nodeConfiguration": {"packages": ["nginx"], "files": FILES},
        }
        self.world: World = world(agents(self.vault), cluster=cluster)

    def serve(self, node: str) -> None:
        self.world.azure.health = tuple(
            BackendHealth(address=address, is_up=name == node, why="Up_Probe_Success")
            for name, address in ADDRESSES.items()
        )

    async def settled(self) -> None:
        self.world.start()
        await self.world.until("NodesConfigured", "True", 300)

    def runs(self) -> list[tuple[float, str]]:
        """Return when a script was sent to which node."""
        return [
            (at, resource.split("/")[-3])
            for at, _, resource in self.world.azure.writes
            if type_of(resource).endswith("/runCommands")
        ]

    def round(self, node: str) -> Round:
        things = self.world.azure.things
        (found,) = [
            thing for key, thing in things.items() if f"/{node}/runcommands/" in key.casefold()
        ]
        which = round_of(found.body["properties"]["source"]["script"])
        assert which is not None
        return which

    def condition(self) -> dict[str, Any]:
        return self.world.kubernetes.condition("NodesConfigured")


@pytest.fixture
def site() -> Site:
    made = Site()
    made.serve("web-1")
    return made


async def test_from_nothing_to_ready_by_the_balancers_word(site: Site) -> None:
    await site.settled()
    await site.world.until("Ready", "True", 60)
    assert [node for _, node in site.runs()] == ["web-2", "web-1"]
    first, second = (at for at, _ in site.runs())
    assert second - first >= site.world.azure.takes_s
    assert site.world.kubernetes.body["status"]["activeNode"] == "web-1"
    assert not site.vault.writes, "no keys are made for agents that there are not"


async def test_drift_is_looked_for_in_every_period_and_told(site: Site) -> None:
    await site.settled()
    before = len(site.runs())
    site.world.azure.runs["web-2"] = {
        "executionState": "Succeeded",
        "exitCode": 0,
        "output": "hacluster: changed file /etc/app.conf\nhacluster: in place\n",
    }
    await asyncio.sleep(PERIOD + 150)
    assert [node for _, node in site.runs()[before:]] == ["web-2", "web-1"]
    assert (site.round("web-1").number, site.round("web-2").number) == (2, 2)
    assert "web-2: file /etc/app.conf" in site.condition()["message"]
    assert site.condition()["status"] == "True"
    assert site.world.kubernetes.body["status"].get("drift", []) == []
    await asyncio.sleep(3600)
    count = len(site.runs()) - before - 2
    assert 8 <= count <= 2 * 3600 / PERIOD


async def test_another_secret_and_another_map_reach_the_standby_first(site: Site) -> None:
    await site.settled()
    for what in ("Secret", "ConfigMap"):
        before = len(site.runs())
        if what == "Secret":
            site.vault.put("app", {"password": b"another"})
        else:
            site.vault.config_maps["app"] = {"conf": "port = 2\n"}
        await asyncio.sleep(150)
        assert [node for _, node in site.runs()[before:]] == ["web-2", "web-1"]
        assert site.round("web-1") == site.round("web-2")
        assert site.condition()["status"] == "True"


async def test_a_standby_that_fails_is_told_tried_again_and_spares_the_active_node(
    site: Site,
) -> None:
    await site.settled()
    site.world.azure.runs["web-2"] = {
        "executionState": "Failed",
        "exitCode": 1,
        "error": "hacluster: failed packages curl: it ended with 100",
    }
    before, active = len(site.runs()), site.round("web-1")
    site.world.change(cluster={"nodeConfiguration": {"packages": ["nginx", "curl"]}})
    began = now()
    await site.world.until("NodesConfigured", "False", 60)
    await asyncio.sleep(900)
    tried = [at for at, node in site.runs()[before:] if node == "web-2"]
    assert site.round("web-1") == active
    assert site.round("web-2").attempt == len(tried) >= 5
    pauses = [b - a for a, b in pairwise(tried)]
    assert pauses == sorted(pauses)
    assert tried[0] - began < 30
    found = site.condition()
    assert found["reason"] == Reason.SOFTWARE_FAILED
    assert "web-2: Failed, exit code 1: hacluster: failed packages curl" in found["message"]
    assert site.world.kubernetes.condition("AzureReconciled")["status"] == "True"
    del site.world.azure.runs["web-2"]
    await site.world.until("NodesConfigured", "True", 700)
    assert site.round("web-1").content == site.round("web-2").content != active.content


async def test_a_failover_meanwhile_changes_the_order(site: Site) -> None:
    await site.settled()
    site.serve("web-2")
    await asyncio.sleep(90)
    before = len(site.runs())
    site.world.change(cluster={"nodeConfiguration": {"packages": ["curl"]}})
    await asyncio.sleep(90)
    assert [node for _, node in site.runs()[before:]] == ["web-1", "web-2"]


@pytest.mark.parametrize(
    ("data", "told"),
    [({}, "has no key password"), ({"password": b"x" * (LONGEST_LINUX + 1)}, "too large")],
    ids=["no key", "too large"],
)
async def test_what_cannot_be_brought_is_told_and_nothing_is_sent(
    site: Site, data: dict[str, bytes], told: str
) -> None:
    site.vault.put("app", data)
    site.world.start()
    await site.world.until("NodesConfigured", "False", 120)
    assert told in site.condition()["message"]
    assert site.runs() == []


async def test_what_is_only_observed_is_not_configured(site: Site) -> None:
    await site.settled()
    before = len(site.runs())
    site.world.change(management={"mode": "Observe"})
    site.world.change(cluster={"nodeConfiguration": {"packages": ["curl"]}})
    await asyncio.sleep(PERIOD + 120)
    assert len(site.runs()) == before
    assert "management.mode is Observe" in site.condition()["message"]


async def test_an_operator_that_starts_anew_repeats_nothing(site: Site) -> None:
    await site.settled()
    before = len(site.runs())
    site.world.wake.stop()
    await asyncio.sleep(1)
    again = Site()
    site.world.keeper = type(site.world.keeper)(site.world.keeper._passes, site.world.kubernetes)
    site.world.wake = type(again.world.wake)()
    site.world.start()
    await asyncio.sleep(120)
    assert len(site.runs()) == before
