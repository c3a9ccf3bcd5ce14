"""The acts of the guide's acceptance, each under the clients' load and judged by their logs."""

import time
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests.netns.acceptance import capture, deeds
from tests.netns.acceptance.stage import (
    Cluster,
    served_on,
    serving,
    stays,
    taken_over,
    until,
    until_object_names,
    until_well,
)

from hacluster_local.demo import hands
from hacluster_local.environment import Environment

REACTIVATIONS: Final = 3
LONGER_THAN_A_LEASE_S: Final = 17.0
"""Profile Balanced: the lease is 15 s, it fences at 9.5 s, and 10 s of silence mean down."""
FREEZE_S: Final = 30
TARGET: Final = "pingnp1"
CLIENT: Final = "10.5.0.5"
"""The machine in the virtual network that is no node, in the guide too."""


def climb_the_ladder(cluster: Cluster) -> None:
    """Chapters 4.4 and 5.4: a failing probe port is reactivated three times, the group moves."""
    active, began = serving(cluster), time.time()
    where = (cluster.name, "azureppw1", "-n", "default")
    hands.plugin(cluster.environment, "simulate-failure", *where)
    taken_over(cluster, active, "azureppw1 fails: 3 reactivations, failover", began)
    assert _reactivations(cluster, active, "azurepp1", began) == REACTIVATIONS, cluster.evidence()
    hands.plugin(cluster.environment, "clear", *where)
    until_object_names(cluster, cluster.other(active))
    until_well(cluster)


def kill_the_application(cluster: Cluster) -> None:
    """The application dies: it is started again where it was, and the group does not move."""
    active, began = serving(cluster), time.time()
    deeds.kill_application(cluster, active)
    until("a break", lambda: cluster.breaks(began), cluster)
    broken = time.time()
    until("a new connection", lambda: cluster.streams(broken), cluster)
    assert _reactivations(cluster, active, "app", began) == 1, cluster.evidence()
    assert cluster.answered(began) == {active}, cluster.evidence()
    cluster.tell("the application is killed", began)
    until_well(cluster)


def lose_heartbeats(cluster: Cluster) -> None:
    """One heartbeat direction lost, then both: status only, no failover."""
    active = serving(cluster)
    other = cluster.other(active)
    with deeds.cut(cluster, active, other, "--one-way"):
        act = "the standby does not hear the active node"
        stays(cluster, active, act, lambda: not cluster.hears(other), LONGER_THAN_A_LEASE_S)
    with deeds.cut(cluster, active, other):
        act = "the nodes do not hear each other"
        is_so = lambda: not (cluster.hears(other) or cluster.hears(active))  # noqa: E731
        stays(cluster, active, act, is_so, LONGER_THAN_A_LEASE_S)
        until("one active node", lambda: cluster.says("ExactlyOneActive") == "True", cluster)
    until_well(cluster)


def lose_the_store(cluster: Cluster) -> None:
    """The witness lost by the active node, then by both: it serves on by the other's promise."""
    active = serving(cluster)
    for who, act in (
        (active, "the active node does not reach its witness"),
        (f"{cluster.sample.stem}-*", "no node reaches the witness"),
    ):
        with deeds.cut(cluster, who, "store"):
            is_so = lambda: cluster.group(active)["onPromises"]  # noqa: E731
            stays(cluster, active, act, is_so, LONGER_THAN_A_LEASE_S)
        until("the witness", lambda: not cluster.group(active)["onPromises"], cluster)
    until_well(cluster)


def lose_the_target(cluster: Cluster) -> None:
    """The target lost on one side, then on both, while the nodes hear each other: status only."""
    active = serving(cluster)
    other = cluster.other(active)
    with deeds.cut(cluster, other, "vnet"):
        stays(
            cluster,
            active,
            "the standby does not reach the target",
            partial(_misses, cluster, other),
        )
    with deeds.silence(cluster):
        stays(cluster, active, "no node reaches the target", partial(_misses, cluster, active))
    until("the target", lambda: cluster.health(active, TARGET) == "Normal", cluster)


def freeze(cluster: Cluster) -> None:
    """A node frozen for longer than its lease does not serve any more when it thaws."""
    active, began = serving(cluster), time.time()
    deeds.freeze(cluster, active, FREEZE_S)
    taken_over(cluster, active, f"the active node is frozen for {FREEZE_S} s", began)
    until("the thaw", lambda: time.time() > began + FREEZE_S + 3, cluster)
    cluster.judge()
    until_well(cluster)


def cut_off_the_active(cluster: Cluster) -> None:
    """The active node cut off from everything stops, and the other one takes over."""
    active, began = serving(cluster), time.time()
    with deeds.cut(cluster, active):
        taken_over(cluster, active, "the active node is cut off from everything", began)
        assert _stands_still(cluster, active)
    healed = time.time()
    until_well(cluster)
    assert cluster.answered(healed) == {cluster.other(active)}
    cluster.judge()


def cut_off_the_standby(cluster: Cluster) -> None:
    """The standby cut off from everything stays one, and the active node keeps the group."""
    active = serving(cluster)
    other = cluster.other(active)
    with deeds.cut(cluster, other):
        act = "the standby is cut off from everything"
        stays(cluster, active, act, lambda: not cluster.hears(active), LONGER_THAN_A_LEASE_S)
        assert _stands_still(cluster, other)
    until_well(cluster)


def cut_off_both(cluster: Cluster) -> None:
    """Both nodes cut off from everything: both stop; healed, one serves again."""
    began = time.time()
    with deeds.cut(cluster, f"{cluster.sample.stem}-*"):
        are_still = lambda: all(_stands_still(cluster, node) for node in cluster.nodes)  # noqa: E731
        until("no active node", are_still, cluster)
        until("no answer", lambda: not cluster.answering(), cluster)
    serving(cluster)
    cluster.tell("both nodes are cut off from everything", began)
    until_well(cluster)
    cluster.judge()


def lose_power(cluster: Cluster) -> None:
    """The active node's power goes; the other one takes over, and it comes back as standby."""
    active, began = serving(cluster), time.time()
    deeds.power_off(cluster, active)
    taken_over(cluster, active, "the active node loses its power", began)
    deeds.power_on(cluster, active)
    until_well(cluster)


def shut_down_by_itself(cluster: Cluster) -> None:
    """Chapter 3: a node cut off from everything stops the cluster service and shuts down."""
    active, began = serving(cluster), time.time()
    with deeds.cut(cluster, active):
        taken_over(cluster, active, "the active node is cut off, and shuts itself down", began)
        until(f"{active} off", lambda: not deeds.runs(cluster, active), cluster)
    deeds.power_on(cluster, active)
    until_well(cluster)
    cluster.judge()


def left_alone(
    environment: Environment, losing_power: tuple[Cluster, ...], resting: Cluster
) -> None:
    """Power loss while operator, API server and ARM are away: told by the object afterwards."""
    lost = {cluster.name: serving(cluster) for cluster in losing_power}
    active, began = serving(resting), time.time()
    with deeds.alone(environment):
        for cluster in losing_power:
            deeds.power_off(cluster, lost[cluster.name])
        act = "power loss while operator, API server and ARM are away"
        for cluster in losing_power:
            taken_over(cluster, lost[cluster.name], act, began)
        served_on(resting, active, "operator, API server and ARM are away", began)
    for cluster in losing_power:
        other = cluster.other(lost[cluster.name])
        until_object_names(cluster, other)
        assert cluster.status()["failovers"][0]["to"] == other
        cluster.judge()


def show_the_wire(cluster: Cluster) -> None:
    """Chapter 5.4 with floating IP: the node sees client and front end, both ways."""
    balancer = cluster.manifest["spec"]["access"]["loadBalancer"]
    front = balancer["frontend"]["privateIPAddress"]
    port = str(balancer["rules"][0]["backendPort"])
    active, program = serving(cluster), Path(capture.__file__).read_text()
    seen = hands.on(cluster.environment, active, "python3", "-c", program, front, port)
    pairs = {tuple(line.split()) for line in seen.splitlines()}
    (client,) = {one for pair in pairs for one in pair} - {front}
    assert pairs == {(client, front), (front, client)}
    assert client == CLIENT
    carried = {name: _carries(cluster, name, front) for name in cluster.nodes}
    assert carried == {active: True, cluster.other(active): False}
    cluster.note(f"ch. 5.4: the node's wire has {client} and {front}, both ways")


def _reactivations(cluster: Cluster, node: str, resource: str, since: float) -> int:
    events: list[dict[str, Any]] = cluster.node(node)["events"]
    told = [one["what"] for one in events if one["at"] > since and one["subject"] == resource]
    return told.count("Reactivating")


def _stands_still(cluster: Cluster, node: str) -> bool:
    return cluster.group(node)["standing"] not in {"Starting", "Active", "Stopping"}


def _misses(cluster: Cluster, node: str) -> bool:
    return cluster.health(node, TARGET) == "Abnormal"


def _carries(cluster: Cluster, node: str, address: str) -> bool:
    said = hands.on(cluster.environment, node, "ip", "-o", "-4", "address", "show", "dev", "lo")
    return f" {address}/" in said
