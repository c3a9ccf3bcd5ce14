"""Changes that interrupt a node: the standby first, then a planned move, then the other node."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from tests.loop.guests import FakeActs, FakeVault, Guests, agents, upgraded
from tests.loop.test_nodes import begin, restarted, serve, serving, until
from tests.loop.world import World, world

from hacluster.model.reasons import Reason

pytestmark = [pytest.mark.looptime, pytest.mark.timeout(120)]


class Cluster:
    """A world whose operator may ask for moves; ``obeys`` says whether nodes do them."""

    def __init__(self, **spec: Any) -> None:
        vault = FakeVault()
        self.acts = FakeActs(self.move)
        self.agents = replace(agents(vault), acts=self.acts)
        self.world: World = world(self.agents, **spec)
        self.guests = Guests(self.world, vault)
        self.obeys = True
        self.active = "web-1"
        self.starts_at_moves: list[dict[str, int]] = []

    async def serves(self) -> None:
        begin((self.world, self.guests))
        await serving((self.world, self.guests))

    def move(self, operation: dict[str, Any]) -> dict[str, Any]:
        assert (operation["spec"]["type"], operation["spec"]["group"]) == ("Move", "web")
        self.starts_at_moves.append({n: one.starts for n, one in self.guests.agents.items()})
        if not self.obeys:
            return {"phase": "Failed", "message": "web-1: the other one cannot take it"}
        self.active = "web-2" if self.active == "web-1" else "web-1"
        serve((self.world, self.guests), self.active, epoch=2)
        return {"phase": "Succeeded", "message": f"web is active on {self.active}"}

    def upgrade(self) -> None:
        restarted(self.world, upgraded(self.agents, b"agent 2"))

    def condition(self, kind: str) -> dict[str, Any]:
        return self.world.kubernetes.condition(kind)


async def test_an_upgrade_moves_the_service_once_and_reaches_every_node() -> None:
    cluster = Cluster()
    await cluster.serves()
    cluster.upgrade()
    await until(lambda: all(one.starts == 2 for one in cluster.guests.agents.values()))
    await cluster.world.until("Ready", "True", 180)
    assert cluster.starts_at_moves == [{"web-1": 1, "web-2": 2}]
    (made,) = cluster.acts.made.values()
    assert made["metadata"]["ownerReferences"][0]["uid"] == "u-1"
    assert "another agent" in made["metadata"]["annotations"]["hacluster.dev/reason"]
    assert cluster.active == "web-2"


async def test_another_size_goes_to_the_standby_then_moves_then_to_the_other() -> None:
    cluster = Cluster()
    await cluster.serves()
    sizes: list[list[str]] = []

    def now_sized() -> list[str]:
        things = cluster.world.azure.things
        return [
            one.body["properties"]["hardwareProfile"]["vmSize"]
            for name, one in sorted(things.items())
            if name.rpartition("/")[0].endswith("/virtualmachines")
        ]

    move = cluster.acts.carry_out

    def noting(operation: dict[str, Any]) -> Any:
        sizes.append(now_sized())
        return move(operation)

    cluster.acts.carry_out = noting
    cluster.world.change(machines={"size": "Standard_B4ms"})
    await until(lambda: set(now_sized()) == {"Standard_B4ms"})
    assert sizes == [["Standard_B2s", "Standard_B4ms"]]
    await cluster.world.until("Ready", "True", 300)


async def test_a_move_that_fails_is_asked_for_three_times_and_then_a_person_is() -> None:
    cluster = Cluster()
    await cluster.serves()
    cluster.obeys = False
    cluster.upgrade()
    await until(lambda: "cannot take it" in str(cluster.condition("NodesConfigured")))
    assert cluster.condition("NodesConfigured")["reason"] == Reason.MOVING_AWAY
    await until(lambda: cluster.condition("NodesConfigured")["reason"] == Reason.DISRUPTION_HELD)
    await asyncio.sleep(600)
    assert len(cluster.acts.made) == 3
    assert "move it by hand" in cluster.condition("NodesConfigured")["message"]
    assert cluster.guests.agents["web-1"].starts == 1


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"management": {"paused": True}}, "paused"),
        (
            {
                "cluster": {
                    "failoverGroups": [
                        {
                            "name": "web",
                            "failover": "Manual",
                            "resources": [
                                {
                                    "name": "app",
                                    "type": "Systemd",
                                    "systemd": {"unit": "a.service"},
                                },
                                {"name": "probe", "type": "ProbePort"},
                            ],
                        }
                    ]
                }
            },
            "failover: Manual",
        ),
    ],
    ids=["paused", "by hand only"],
)
async def test_what_the_administrator_keeps_to_himself_is_not_moved(
    spec: dict[str, Any], told: str
) -> None:
    cluster = Cluster()
    await cluster.serves()
    cluster.world.change(**spec, machines={"size": "Standard_B4ms"})
    await until(lambda: told in str(cluster.condition("AzureReconciled")))
    await asyncio.sleep(300)
    assert cluster.acts.made == {}


async def test_nothing_is_moved_while_the_cluster_is_degraded() -> None:
    cluster = Cluster()
    await cluster.serves()
    cluster.guests.agents["web-2"].said["groups"] = [
        {"name": "web", "standing": "Inactive", "epoch": 1, "witnessFailures": 5}
    ]
    await cluster.world.until("Degraded", "True", 120)
    cluster.upgrade()
    await asyncio.sleep(300)
    assert cluster.acts.made == {}
    assert cluster.condition("NodesConfigured")["reason"] == Reason.DISRUPTION_HELD
