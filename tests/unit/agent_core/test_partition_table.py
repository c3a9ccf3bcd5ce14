"""The guide's table of partitions, row by row, in both modes, on two whole simulated nodes."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from tests.simulation.host import Host
from tests.simulation.world import Link, World

from hacluster_node.core import commands, events
from hacluster_node.core.config import (
    AgentConfig,
    Group,
    HeartbeatTimes,
    Mode,
    Monitor,
    Node,
    Partition,
    Recovery,
    Resource,
    When,
)
from hacluster_node.timing import BALANCED

NAMES = ("node-1", "node-2")
TARGET = Monitor("pingnp1", kind="Ping", interval_s=5.0, timeout_s=2.0, retries=1)
PROBE = Monitor(
    "azureppw1",
    interval_s=5.0,
    timeout_s=2.0,
    retries=0,
    when=When.ACTIVE,
    watches="azurepp1",
    recovery=Recovery("azurepp1"),
)
CUT = Link(up=False)


def cluster(mode: Mode) -> World:
    """Return two nodes, node-1 active, everything well."""
    group = Group("failover1", (Resource("azurepp1"),))
    timings = replace(BALANCED, poll_s=2.0)
    base = AgentConfig(
        cluster="Cluster1",
        node="",
        nodes=tuple(Node(name) for name in NAMES),
        groups=(group,),
        monitors=(PROBE,),
        partition=Partition(mode=mode, timings=timings, targets=(TARGET,), failsafe=False),
        heartbeat=HeartbeatTimes(1.0, 45.0),
    )
    hosts = [Host(name, name, 1.0) for name in NAMES]
    world = World(random.Random(1), hosts, {name: replace(base, node=name) for name in NAMES})
    for host in hosts:
        world.boot(host)
    world.run(60.0)
    assert active(world) == ["node-1"]
    return world


def active(world: World) -> list[str]:
    return [host.name for host in world.hosts if "failover1" in host.serving]


def cut(world: World, *nodes: str) -> None:
    """Cut nodes off from everything: each other, the witness, the target."""
    for name in nodes:
        for other in (*NAMES, "witness"):
            world.links[name, other] = world.links[other, name] = CUT
        world.targets_down.add(name)


def lose_heartbeats(world: World, *ways: tuple[str, str]) -> None:
    for way in ways:
        world.links[way] = CUT


ROWS = [
    pytest.param("one way", (), ["node-1"], id="one heartbeat path lost"),
    pytest.param("target", ("node-1",), ["node-1"], id="target lost on node-1"),
    pytest.param("target", ("node-2",), ["node-1"], id="target lost on node-2"),
    pytest.param("target", NAMES, ["node-1"], id="target lost on both"),
    pytest.param("cut", ("node-1",), ["node-2"], id="node-1 cut off"),
    pytest.param("cut", ("node-2",), ["node-1"], id="node-2 cut off"),
    pytest.param("cut", NAMES, [], id="both cut off"),
]


@pytest.mark.parametrize("mode", list(Mode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("fault", "nodes", "expected"), ROWS)
def test_the_group_runs_where_the_table_says(
    mode: Mode, fault: str, nodes: tuple[str, ...], expected: list[str]
) -> None:
    world = cluster(mode)
    if fault == "one way":
        lose_heartbeats(world, NAMES)
        if mode is Mode.GUIDE:  # a loss for longer than the timeout may start it twice there
            world.run(100.0)
            world.links.clear()
    elif fault == "target":
        world.targets_down.update(nodes)
    else:
        cut(world, *nodes)
    world.run(240.0)
    assert active(world) == expected


def test_the_guides_mode_says_that_it_is_not_safe() -> None:
    for mode, safe in ((Mode.GUIDE, False), (Mode.WITNESS, True)):
        agent = cluster(mode).hosts[0].agent
        assert agent is not None
        assert agent.status()["splitBrainSafe"] is safe


def test_in_the_guides_mode_a_crash_is_taken_over_after_the_timeout() -> None:
    world = cluster(Mode.GUIDE)
    world.lose_power(world.hosts[0])
    world.run(60.0 + 44.0)
    assert active(world) == []
    world.run(60.0 + 50.0)
    assert active(world) == ["node-2"]


@pytest.mark.parametrize("peer", ["there", "off"])
def test_in_the_guides_mode_a_node_that_was_late_serves_again(peer: str) -> None:
    world = cluster(Mode.GUIDE)
    if peer == "off":
        world.lose_power(world.hosts[1])
        world.run(70.0)
    world.freeze(world.hosts[0])
    world.run(world.now + 2.0)
    world.thaw(world.hosts[0], 0.0)
    world.run(world.now + 0.5)
    assert active(world) == []
    world.run(world.now + 8.0)
    assert active(world) == ["node-1"]
    agent = world.hosts[0].agent
    assert agent is not None
    assert agent.why_not_active("failover1") == ""


def test_a_healed_cluster_of_the_guides_mode_has_one_active_node() -> None:
    world = cluster(Mode.GUIDE)
    cut(world, *NAMES)
    world.run(180.0)
    world.links.clear()
    world.targets_down.clear()
    world.run(300.0)
    assert len(active(world)) == 1


@pytest.mark.parametrize("mode", list(Mode), ids=lambda mode: mode.value)
def test_three_reactivations_then_the_group_is_active_on_the_other_node(mode: Mode) -> None:
    world = cluster(mode)
    order = commands.SimulateFailure("azureppw1")
    world.tell(world.hosts[0], events.Commanded, "1", order)
    world.run(62.0)
    assert active(world) != ["node-2"]
    world.run(120.0)
    assert active(world) == ["node-2"]
    agent = world.hosts[0].agent
    assert agent is not None
    assert agent.status()["monitors"][0]["reactivations"] == 3
