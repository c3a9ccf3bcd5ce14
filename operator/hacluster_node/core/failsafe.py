"""The witness is away: a holder stays active while *every* other node promises not to contend.

Holder's side: a round has one nonce and one stamp; it is worth P / M counted from the stamp, and
only once all others answered it within T. Peer's side: a promise is kept for P from receipt on the
peer's slowest clock; it is refused while a contending write of ours may still be on its way, and
since promises do not survive a restart, a new agent run contends with nobody's holder before
P * M has passed. Nobody becomes active by promises; they only let one stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hacluster_node.core import effects, freeze, lease, peers, watchdog
from hacluster_node.core.clocks import longest, shortest
from hacluster_node.core.heartbeat import Promise, PromiseRequest
from hacluster_node.core.state import NEVER, NodeState, Phase, Right

if TYPE_CHECKING:
    from hacluster_node.core.peers import Peer
    from hacluster_node.timing import Timings


_TOLD_AFTER: Final = 2
"""Failed attempts in a row after which living on promises is worth a line in the log."""


def left(node: NodeState, right: Right) -> float:
    """Return the seconds until the fence must start if only the promises count (rule 3)."""
    return left_under(node.timings, node, right)


def left_under(timings: Timings, node: NodeState, right: Right) -> float:
    """Return the same as if these numbers were in force."""
    if right.promises_stamp is None:
        return -NEVER
    return fence_after_s(timings, right) - longest(right.promises_stamp, node.now)


def fence_after_s(timings: Timings, right: Right) -> float:
    """Return P / M - S - J for the P that was asked for, not a longer one configured since."""
    longer_s = max(0.0, timings.promise_s - right.promises_for_s)
    return timings.promise_fence_after_s - longer_s / timings.ratio


def witness_away(node: NodeState, right: Right) -> None:
    """Begin to ask for promises, if that is allowed and something is served on the right."""
    if node.config.partition.failsafe and right.phase is Phase.HELD:
        right.promises_next_at = min(right.promises_next_at, node.now.raw)


def close(right: Right) -> None:
    """The witness answered: no more rounds."""
    right.promises_next_at = NEVER
    right.promises_sent = right.promises_stamp = None
    right.promises_from.clear()


def advance(node: NodeState, right: Right) -> None:
    """Begin the next round when it is due."""
    if right.phase is not Phase.HELD or node.now.raw < right.promises_next_at:
        return
    right.promises_nonce = node.nonce()
    right.promises_sent = node.now
    right.promises_for_s = node.timings.promise_s
    right.promises_from = set()
    interval_s = min(node.timings.renew_s, node.config.probe_interval_s / 2)
    right.promises_next_at = node.now.raw + interval_s
    peers.beat(node)


def promised(node: NodeState, peer: Peer, promise: Promise) -> None:
    """Count one answer; with the last one the right is good for P / M from the round's stamp."""
    right = node.rights.get(promise.group)
    if right is None or right.promises_sent is None or right.phase is not Phase.HELD:
        return
    if promise.nonce != right.promises_nonce or promise.epoch != right.epoch:
        return
    if peer.duplicate:
        return
    if not promise.given or longest(right.promises_sent, node.now) > node.timings.request_s:
        return
    right.promises_from.add(peer.name)
    if is_complete(node, right):
        if right.failures == _TOLD_AFTER:
            why = "the witness is away; every other node promised not to contend"
            node.out.append(effects.Decided(right.group, "Failsafe", why, right.epoch))
        right.promises_stamp = right.round_trip = right.promises_sent
        right.promises_sent = None
        lease.set_deadline(node, right)
        watchdog.confirmed(node)
        if right.thawed:
            freeze.resume(node, right)


def is_complete(node: NodeState, right: Right) -> bool:
    """All other nodes, not a majority: any single one could still win at the witness."""
    return len(right.promises_from) == len(node.peers)


def asked(node: NodeState, request: PromiseRequest) -> Promise:
    """Answer a holder that lost the witness."""
    right = node.rights.get(request.group)
    why = "this node does not know the group" if right is None else why_not(node, right, request)
    if right is not None and not why:
        _keep(node, right, request.for_s)
    return Promise(request.group, request.epoch, request.nonce, not why, why)


def why_not(node: NodeState, right: Right, request: PromiseRequest) -> str:
    """Return why no promise can be given, or ""."""
    if right.highest > request.epoch:
        return f"epoch {right.highest} is known here"
    if right.phase is not Phase.IDLE:
        return f"this node is {right.phase.value.lower()} itself"
    if right.unsure is not None and is_write_out(node, right):
        return "a contending write of this node may still be applied"
    return ""


def is_write_out(node: NodeState, right: Right) -> bool:
    """Tell whether a contending write of unknown outcome was sent less than T ago."""
    return right.unsure is not None and shortest(right.unsure, node.now) < node.timings.request_s


def _keep(node: NodeState, right: Right, for_s: float) -> None:
    if promise_left(node, right) < for_s:
        right.promised, right.promised_for_s = node.now, for_s


def promise_left(node: NodeState, right: Right) -> float:
    """Return for how many more seconds this node must not contend because it promised."""
    if right.promised is None:
        return 0.0
    return right.promised_for_s - shortest(right.promised, node.now)


def hold_off_left(node: NodeState, right: Right) -> float:
    """Return for how long a new agent run must not contend: it may have promised before."""
    if not node.config.partition.failsafe:
        return 0.0
    promise_s = right.record.promise_s if right.record is not None else 0.0
    wait_s = max(node.timings.promise_s, promise_s) * node.timings.ratio
    return wait_s - shortest(node.started, node.now)
