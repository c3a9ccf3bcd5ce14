"""Who should run a group, as far as wishes go; the protocol decides who may.

Every answer is a reason in words, or "" for yes, so that ``why not`` can be shown as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from hacluster_node.core import monitor, peers
from hacluster_node.core.config import Policy
from hacluster_node.core.record import Wanted

if TYPE_CHECKING:
    from hacluster_node.core.record import Record
    from hacluster_node.core.state import NodeState, Right


def why_not_able(node: NodeState, group: str) -> str:
    """Return why this node cannot run the group now, whatever the cluster wants, or ""."""
    run = node.runs[group]
    if node.leaving:
        return node.leaving
    if node.config.node not in run.nodes:
        return "this node is not in the group's node order"
    if run.removed:
        return "the group is configured no more"
    if node.maintenance:
        return f"maintenance is announced for this node ({', '.join(node.maintenance.values())})"
    if not run.is_clean():
        return "the group is still being stopped here"
    return monitor.targets_lost(node)


def why_not_here(node: NodeState, right: Right) -> str:
    """Return why this node should not take the group now, or ""."""
    return why_not_able(node, right.group) or (
        "" if right.asked or right.forced else _why_not_wanted(node, right, right.record)
    )


def _why_not_wanted(node: NodeState, right: Right, record: Optional[Record]) -> str:
    config = node.group(right.group)
    fresh = record is None or (record.released and not right.seen_held)
    if fresh and config.startup is Policy.MANUAL:
        return "its startup is manual: start it by hand"
    if record is None:
        return ""
    if record.wanted is Wanted.STOPPED:
        return "it was stopped by hand"
    if record.wanted is Wanted.GIVEN_UP:
        return f"it was given up after {record.failovers} failures: start it by hand"
    lapsed = not record.released and record.holder != node.config.node
    if lapsed and config.failover is Policy.MANUAL:
        return "its failover is manual"
    if node.config.node in record.failed_on:
        other = next((n for n in candidates(node, right) if is_better(node, right, n)), "")
        return f"it failed here; {other} is to take it" if other else ""
    return ""


def is_able(node: NodeState, right: Right, other: str) -> bool:
    """Tell whether another node is alive and says that it could run the group."""
    peer = node.peers.get(other)
    if peer is None or not peers.is_alive(node, peer):
        return False
    report = peer.report(right.group)
    return report is not None and report.eligible


def is_better(node: NodeState, right: Right, other: str) -> bool:
    """Tell whether another live node, on which the group did not fail, could take it."""
    record = right.record
    return is_able(node, right, other) and (record is None or other not in record.failed_on)


def candidates(node: NodeState, right: Right) -> tuple[str, ...]:
    """Return the nodes that may take the group next: successor first, last holder last."""
    record, order, me = right.record, node.runs[right.group].nodes, node.config.node
    if record is None:
        return order
    if record.holder == me and not record.released:  # an earlier run of this agent
        return (me, *(name for name in order if name != me))
    last = (record.holder,) if record.holder in order else ()
    first = (record.successor,) if record.released and record.successor in order else ()
    rest = tuple(name for name in order if name not in first + last)
    return first + rest + tuple(name for name in last if name not in first)


def rank_delay_s(node: NodeState, right: Right) -> float:
    """Return how long to let better-placed live nodes go first, so that contenders rarely meet."""
    if right.asked or right.forced:
        return 0.0
    ahead = 0
    for name in candidates(node, right):
        if name == node.config.node:
            break
        peer = node.peers.get(name)
        if peer is not None and _may_come(node, right, peer):
            ahead += 1
    return ahead * max(node.timings.request_s, 2 * node.timings.poll_s)


def _may_come(node: NodeState, right: Right, peer: peers.Peer) -> bool:
    if peer.heard is None:
        return True
    report = peer.report(right.group)
    return peers.is_alive(node, peer) and (report is None or report.eligible)


def successor(node: NodeState, right: Right, wish: str = "") -> str:
    """Return the best live node to hand the group to (``wish`` first), or ""."""
    names = (wish, *candidates(node, right)) if wish else candidates(node, right)
    return next((name for name in names if is_better(node, right, name)), "")
