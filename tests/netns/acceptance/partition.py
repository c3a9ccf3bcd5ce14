"""The guide's table of partitions on real machines, row by row, and the store lost.

What one heartbeat path, or the target, lost on one or both sides does: status only, no failover.
A node cut off from everything stops, and the other one has the group; both cut off, both stop.
"""

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final
from urllib.parse import urlsplit

from tests.netns.acceptance import deeds
from tests.netns.acceptance.stage import (
    Cluster,
    serving,
    stays,
    taken_over,
    until,
    until_well,
)

from hacluster_local.demo import hands

LONGER_THAN_A_LEASE_S: Final = 17.0
"""Profile Balanced: the lease is 15 s, and it fences at 9.5 s."""
DOWN_AFTER_S: Final = 10.0
"""Of silence, with profile Balanced. The guide's own mode waits longer, and must not be tried."""
Loss = Callable[[Cluster, str], AbstractContextManager[None]]
"""Takes something away from a node for a while."""


def lose_one_heartbeat(cluster: Cluster) -> None:
    """One heartbeat path lost: status only, no failover."""
    active = serving(cluster)
    other = cluster.other(active)
    with deeds.cut(cluster, active, other, "--one-way"):
        act = "the standby does not hear the active node"
        is_so = lambda: cluster.silence_s(other) > DOWN_AFTER_S  # noqa: E731
        stays(cluster, active, act, is_so, LONGER_THAN_A_LEASE_S)
    until_well(cluster)


def lose_both_heartbeats(cluster: Cluster) -> None:
    """Both heartbeat paths lost while the witness is there: status only, no failover."""
    active = serving(cluster)
    other = cluster.other(active)
    with deeds.cut(cluster, active, other):
        act = "the nodes do not hear each other"
        is_so = lambda: not (cluster.hears(other) or cluster.hears(active))  # noqa: E731
        stays(cluster, active, act, is_so, LONGER_THAN_A_LEASE_S)
        until("one active node", lambda: cluster.says("ExactlyOneActive") == "True", cluster)
    until_well(cluster)


def lose_the_witness(cluster: Cluster) -> None:
    """The witness lost by the active node alone: it serves on by the other's promise."""
    active = serving(cluster)
    with deeds.cut(cluster, active, "store"):
        act = "the active node does not reach its witness"
        stays(cluster, active, act, _on_promises(cluster, active), LONGER_THAN_A_LEASE_S)
    until("the witness", lambda: not cluster.group(active)["onPromises"], cluster)


def lose_the_store(cluster: Cluster) -> None:
    """The store, and the witness in it, lost by all nodes: no failover, no loss of service."""
    active, guided = serving(cluster), cluster.sample.guided
    is_so = _has_no_store(cluster, active) if guided else _on_promises(cluster, active)
    until("the store", lambda: not is_so(), cluster)
    with deeds.cut(cluster, f"{cluster.sample.stem}-*", "store"):
        act = "no node reaches the store"
        stays(cluster, active, act, is_so, LONGER_THAN_A_LEASE_S)
    until_well(cluster)


def lose_the_target(cluster: Cluster, target: str, without: Loss) -> None:
    """A target lost on both sides, then on either, while heartbeats live: status only."""
    active = serving(cluster)
    other = cluster.other(active)

    def lost_by(*nodes: str) -> Callable[[], bool]:
        return lambda: (
            {node: cluster.health(node, target) == "Abnormal" for node in cluster.nodes}
            == {node: node in nodes for node in cluster.nodes}
        )

    with without(cluster, active):
        with without(cluster, other):
            stays(cluster, active, f"no node reaches {target}", lost_by(active, other))
        stays(cluster, active, f"the active node does not reach {target}", lost_by(active))
    with without(cluster, other):
        stays(cluster, active, f"the standby does not reach {target}", lost_by(other))
    until("the target", lost_by(), cluster)


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


def cut_off_one_by_one(cluster: Cluster) -> None:
    """The standby cut off from everything stays one; then the active node is too, and both stop."""
    active = serving(cluster)
    other = cluster.other(active)
    with deeds.cut(cluster, other):
        act = "the standby is cut off from everything"
        stays(cluster, active, act, lambda: not cluster.hears(active), LONGER_THAN_A_LEASE_S)
        assert _stands_still(cluster, other), cluster.evidence()
        began = time.time()
        with deeds.cut(cluster, active):
            are_still = lambda: all(_stands_still(cluster, node) for node in cluster.nodes)  # noqa: E731
            until("no active node", are_still, cluster)
            until("no answer", lambda: not cluster.answering(), cluster)
    serving(cluster)
    cluster.tell("both nodes are cut off from everything", began)
    until_well(cluster)
    cluster.judge()


def _stands_still(cluster: Cluster, node: str) -> bool:
    return cluster.group(node)["standing"] not in {"Starting", "Active", "Stopping"}


def _on_promises(cluster: Cluster, node: str) -> Callable[[], bool]:
    return lambda: bool(cluster.group(node)["onPromises"])


def _has_no_store(cluster: Cluster, node: str) -> Callable[[], bool]:
    """The guide's own mode needs no store, so the agent has no word for that: a look has."""
    told = hands.on(cluster.environment, node, "cat", "/etc/hacluster/node.json")
    host = str(urlsplit(json.loads(told)["store"]["container"]).hostname)

    def is_so() -> bool:
        try:
            words = ("hacluster-node", "port-check", "-h", host, "-p", "443")
            hands.on(cluster.environment, node, *words)
        except hands.RefusedError:
            return True
        return False

    return is_so
