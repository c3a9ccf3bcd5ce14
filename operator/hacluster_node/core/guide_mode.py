"""The guide's own arrangement: heartbeat timeout, targets and multi-target monitor, no witness.

A node takes a group over when its peers were silent for the heartbeat timeout (at least A + B + C)
while its own targets answer; an active node that hears nobody and reaches no target stops after
A + B, which leaves it C to do so. That is what the configuration guide describes, and it cannot
exclude two active nodes (asymmetric loss, a stalled system): the status says so. When two active
nodes hear each other again, the one with the lower epoch, or else the lower rank, gives way.

Without a witness the ``Record`` of a ``Right`` is this node's own note of what the group's last
owner said; its epochs come from the nodes' heartbeats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Optional

from hacluster_node.core import effects, freeze, group, monitor, peers, policy
from hacluster_node.core.clocks import shortest
from hacluster_node.core.heartbeat import GroupReport, Standing
from hacluster_node.core.record import Record, Wanted
from hacluster_node.core.state import NodeState, Phase, Right

if TYPE_CHECKING:
    from hacluster_node.core.peers import Peer

UNSAFE: Final = (
    "targets and heartbeats cannot exclude two active nodes: a one-way loss or a stalled system is "
    "enough; partition mode Witness can"
)
"""Why ``SplitBrainSafe`` is False in this mode."""

MISSING: Final = 4
"""Heartbeats that a peer misses which is not there to be asked."""


def give_up_after_s(node: NodeState) -> float:
    """Return A + B: silence after which a node that reaches no target stops."""
    return node.config.heartbeat.timeout_s - node.config.partition.grace_s


def advance(node: NodeState, right: Right) -> None:
    """Take, keep or give up one group."""
    if right.record is None:
        right.record = _note(node, right)
    if right.phase is Phase.IDLE:
        if why_not_free(node, right):
            right.seen = node.now
        elif not why_not(node, right):
            take(node, right)
    elif right.phase is Phase.HELD:
        _keep(node, right)
    right.next_at = node.now.raw + node.config.heartbeat.interval_s


def _note(node: NodeState, right: Right) -> Record:
    duration_s = node.config.heartbeat.timeout_s
    return Record("", "", "", right.highest, duration_s, 0, released=True)


def why_not(node: NodeState, right: Right) -> str:
    """Return why this node does not take the group, or "".

    Better-placed nodes go first, counted from when nothing else forbade it any more.
    """
    reason = why_not_free(node, right)
    seconds = policy.rank_delay_s(node, right) - shortest(right.seen, node.now)
    late = f"a preferred node goes first ({seconds:.1f} s left)" if seconds > 0 else ""
    return reason or late


def why_not_free(node: NodeState, right: Right) -> str:
    """Return why no node in this one's place could take the group, or ""."""
    reason = policy.why_not_here(node, right) or cut_off(node)
    if reason:
        return reason
    for peer in node.peers.values():
        reason = _objection(node, right, peer)
        if reason:
            return reason
    return ""


def _objection(node: NodeState, right: Right, peer: Peer) -> str:
    """Return why a peer's word, or its silence, forbids to take the group."""
    if peer.powered_off or right.forced == peer.name:
        return ""
    quiet_s = shortest(peer.heard or node.started, node.now)
    if quiet_s < node.config.heartbeat.timeout_s:
        report = peer.report(right.group)
        if report is None:
            return f"{peer.name} said nothing about the group yet"
        if report.standing is not Standing.INACTIVE:
            return f"{peer.name} says that it is {report.standing.value.lower()}"
    return ""


def cut_off(node: NodeState) -> str:
    """Return why this node must count itself as cut off, or ""."""
    lost = monitor.targets_lost(node)
    quiet_s = min(
        (shortest(peer.heard or node.started, node.now) for peer in node.peers.values()),
        default=0.0,
    )
    if not lost or quiet_s < give_up_after_s(node):
        return ""
    return f"{lost}, and no other node was heard for {quiet_s:.0f} s"


def take(node: NodeState, right: Right) -> None:
    """Become active under the next epoch; peers hear of it at once."""
    right.highest += 1
    right.epoch = right.highest
    right.asked = False
    old = right.record or _note(node, right)
    right.record = old._replace(
        holder=node.config.node,
        incarnation=node.incarnation,
        boot_id=node.boot_id,
        epoch=right.epoch,
        released=False,
        wanted=Wanted.STARTED,
    )
    right.phase = Phase.HELD
    right.stamp = node.now
    node.unsaved = True
    _extend(node, right)
    group.start(node, right)
    peers.beat(node)


def _keep(node: NodeState, right: Right) -> None:
    rival = _rival(node, right)
    reason = cut_off(node) or rival
    if reason:
        group.fence(node, right, reason)
    else:
        _extend(node, right)
        if right.thawed and all(_leaves_it(node, right, peer) for peer in node.peers.values()):
            freeze.resume(node, right)


def _leaves_it(node: NodeState, right: Right, peer: Peer) -> bool:
    """Tell whether a peer did not take the group while this node stood still (rule 11).

    Its word counts if it echoes a nonce made since. If nothing is heard of it for so long that
    several of its heartbeats are missing, there is nobody to ask, and targets decide as ever.
    """
    report = peer.report(right.group)
    if peer.echoed > right.nonce_floor and report is not None:
        return report.standing is Standing.INACTIVE
    quiet_s = shortest(right.seen, node.now)
    if peer.heard is not None:
        quiet_s = min(quiet_s, shortest(peer.heard, node.now))
    return quiet_s >= MISSING * node.config.heartbeat.interval_s


def _extend(node: NodeState, right: Right) -> None:
    """Let the guard fence if this agent stalls for longer than it may take to give up."""
    right.stamp = right.round_trip = node.now
    after_s = give_up_after_s(node)
    node.out.append(effects.SetDeadline(right.group, right.epoch, node.now, after_s))
    node.out.append(effects.PetWatchdog())


def _rival(node: NodeState, right: Right) -> str:
    """Return why this node gives way to another active one, or ""."""
    order = node.runs[right.group].nodes
    mine = (right.epoch, -order.index(node.config.node))
    for peer in node.peers.values():
        report = peer.report(right.group)
        serving = report is not None and report.standing in (Standing.ACTIVE, Standing.STARTING)
        if report is None or not serving or not peers.is_alive(node, peer):
            continue
        rank = -order.index(peer.name) if peer.name in order else -len(order)
        if (report.epoch, rank) > mine:
            return f"{peer.name} is active too, at epoch {report.epoch}: both were, for a while"
    return ""


def heard(node: NodeState, right: Right, peer: Peer, report: GroupReport) -> None:
    """Take over what a peer says about the group's owner and what is wanted."""
    record: Optional[Record] = right.record
    if record is None:
        record = right.record = _note(node, right)
    active = report.standing in (Standing.ACTIVE, Standing.STARTING)
    if report.epoch < record.epoch or (right.phase is not Phase.IDLE and not active):
        return
    right.highest = max(right.highest, report.epoch)
    if right.phase is Phase.IDLE:
        right.seen = node.now
        right.seen_held = right.seen_held or active
        holder = peer.name if active else record.holder
        right.record = record._replace(
            holder=holder, epoch=report.epoch, wanted=report.wanted, released=not active
        )
