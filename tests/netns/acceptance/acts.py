"""The acts of the guide's acceptance, each under the clients' load and judged by their logs."""

import time
from pathlib import Path
from typing import Any, Final

from tests.netns.acceptance import capture, deeds
from tests.netns.acceptance.stage import (
    Cluster,
    served_on,
    serving,
    taken_over,
    until,
    until_object_names,
    until_well,
)

from hacluster_local.demo import hands
from hacluster_local.environment import Environment

REACTIVATIONS: Final = 3
FREEZE_S: Final = 30
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


def freeze(cluster: Cluster) -> None:
    """A node frozen for longer than its lease does not serve any more when it thaws."""
    active, began = serving(cluster), time.time()
    deeds.freeze(cluster, active, FREEZE_S)
    taken_over(cluster, active, f"the active node is frozen for {FREEZE_S} s", began)
    until("the thaw", lambda: time.time() > began + FREEZE_S + 3, cluster)
    cluster.judge()
    until_well(cluster)


def freeze_within_the_timeout(cluster: Cluster) -> None:
    """The guide's own mode: nobody takes over meanwhile; after the thaw one node serves, either."""
    active, began = serving(cluster), time.time()
    deeds.freeze(cluster, active, FREEZE_S)
    until("an answer after the thaw", lambda: cluster.answered(began + FREEZE_S), cluster)
    until("a stream after the thaw", lambda: cluster.streams(began + FREEZE_S), cluster)
    cluster.tell(f"the active node is frozen for {FREEZE_S} s", began)
    cluster.note(f"{active} was frozen; then answered {cluster.answered(began + FREEZE_S)}")
    cluster.judge()
    until_well(cluster)


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


def lose_power_while_throttled(cluster: Cluster) -> None:
    """Power loss while ARM, which has the DNS record, refuses every other request with 429."""
    active, began = serving(cluster), time.time()
    with deeds.throttling(cluster):
        deeds.power_off(cluster, active)
        taken_over(cluster, active, "power loss while ARM throttles", began)
    deeds.power_on(cluster, active)
    until_well(cluster)


def left_alone(environment: Environment, losing_power: tuple[Cluster, ...], named: Cluster) -> None:
    """Power loss while operator, API server and ARM are away: told by the object afterwards.

    A cluster behind a DNS record serves on meanwhile. If it loses power too, it waits for ARM,
    which has the record, and needs nobody's help once that is back.
    """
    every = (*losing_power, named)
    lost = {cluster.name: serving(cluster) for cluster in every}
    began = time.time()
    act = "power loss while operator, API server and ARM are away"
    first, *others = losing_power
    with deeds.alone(environment):
        for cluster in losing_power:
            deeds.power_off(cluster, lost[cluster.name])
        taken_over(first, lost[first.name], act, began)
        served_on(named, lost[named.name], "operator, API server and ARM are away", began)
        later = time.time()
        deeds.power_off(named, lost[named.name])
        for cluster in others:
            taken_over(cluster, lost[cluster.name], act, began)
        waits = lambda: _waits(named, named.other(lost[named.name]), later)  # noqa: E731
        until("a node that waits for ARM", waits, named)
    taken_over(named, lost[named.name], "power loss while ARM is away, which comes back", later)
    for cluster in every:
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


def _waits(cluster: Cluster, node: str, since: float) -> bool:
    events = cluster.node(node)["events"]
    return any(one["at"] > since and one["what"] == "Waiting" for one in events)


def _carries(cluster: Cluster, node: str, address: str) -> bool:
    said = hands.on(cluster.environment, node, "ip", "-o", "-4", "address", "show", "dev", "lo")
    return f" {address}/" in said
