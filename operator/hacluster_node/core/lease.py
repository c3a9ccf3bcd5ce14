"""The holder: rules 1 to 4 and 7 of ``docs/protocol.md``.

A right that is held is renewed every R. It is worth exactly what the last *confirmed* write says,
counted from before that write was sent; when the count comes near its end the group is fenced,
whatever the reason the renewals failed. The guard holds the same deadline on its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hacluster_node.core import effects, failsafe, freeze, group, watchdog
from hacluster_node.core.clocks import Clocks, longest
from hacluster_node.core.events import WitnessAnswered, WitnessOutcome
from hacluster_node.core.state import TICK_S, NodeState, Pending, Phase, Purpose, Right

if TYPE_CHECKING:
    from typing import Optional

    from hacluster_node.core.record import Record
    from hacluster_node.timing import Timings

HOLDING = frozenset({Phase.WAITING, Phase.HELD})
"""Phases in which the right is renewed."""


def counts_from(pending: Pending, received: Clocks) -> Clocks:
    """Rule 1: a lease counts from before its request was sent (``received`` is never used)."""
    del received
    return pending.stamp


def is_in_time(node: NodeState, pending: Pending) -> bool:
    """Rule 1: a success is used only within T of its stamp; later it is an unknown outcome."""
    return longest(pending.stamp, node.now) <= reply_limit_s(node)


def reply_limit_s(node: NodeState) -> float:
    """Return T."""
    return node.timings.request_s


def left(node: NodeState, right: Right) -> float:
    """Return the seconds until the fence must start, by the lease or the peers' promises (rule 3).

    Rule 2 gives V = D; rule 3 takes S + J off it.
    """
    return left_under(node.timings, node, right)


def left_under(timings: Timings, node: NodeState, right: Right) -> float:
    """Return the same as if these numbers were in force."""
    by_lease = fence_after_s(timings, right) - longest(right.stamp, node.now)
    if right.promises_stamp is None:
        return by_lease
    return max(by_lease, failsafe.left_under(timings, node, right))


def fence_after_s(timings: Timings, right: Right) -> float:
    """Return V - S - J, where V is no more than the D that the confirmed record states.

    A configuration with a longer D counts only from the first renewal that carries it.
    """
    stated_s = right.record.duration_s if right.record is not None else 0.0
    longer_s = timings.lease_s - stated_s
    return timings.fence_after_s - longer_s if longer_s > 0 else timings.fence_after_s


def renew(node: NodeState, right: Right) -> None:
    """Write the record again, on condition that it is still as we left it."""
    run = node.runs[right.group]
    if right.record is not None:
        send(node, right, Purpose.RENEW, run.renewed(node, right, right.record))


def send(node: NodeState, right: Right, purpose: Purpose, record: Optional[Record] = None) -> None:
    """Make a request to the witness; its reply counts until another request is made."""
    number = node.number()
    right.pending = Pending(number, purpose, node.now, record)
    timeout_s = node.timings.request_s
    if record is None:
        node.out.append(effects.ReadWitness(number, right.group, timeout_s))
    else:
        node.out.append(effects.WriteWitness(number, right.group, record, right.version, timeout_s))


def confirmed(node: NodeState, right: Right, pending: Pending, version: str) -> None:
    """Take a write into account that arrived in time: the right is good from its stamp on."""
    right.record, right.version = pending.record, version
    right.stamp = counts_from(pending, node.now)
    right.round_trip = right.stamp
    right.failures = 0
    right.unsure = None
    right.next_at = pending.stamp.raw + node.timings.renew_s
    failsafe.close(right)
    if right.phase is Phase.HELD:
        set_deadline(node, right)
        if right.thawed:
            freeze.resume(node, right)
    watchdog.confirmed(node)


def set_deadline(node: NodeState, right: Right) -> None:
    """Tell the guard the later of the lease's and the promises' deadline (rule 3)."""
    stamp, after_s = right.stamp, fence_after_s(node.timings, right)
    if right.promises_stamp is not None and failsafe.left(node, right) > after_s - longest(
        stamp, node.now
    ):
        stamp, after_s = right.promises_stamp, failsafe.fence_after_s(node.timings, right)
    node.out.append(effects.SetDeadline(right.group, right.epoch, stamp, after_s))


def answered(node: NodeState, right: Right, event: WitnessAnswered, pending: Pending) -> None:
    """Rule 3: use a renewal's or re-read's outcome; only a confirmed renewal prolongs anything."""
    if event.outcome is WitnessOutcome.OK and is_in_time(node, pending):
        if pending.purpose is Purpose.RENEW:
            confirmed(node, right, pending, event.version)
        else:
            _reread(node, right, event)
    elif event.outcome is WitnessOutcome.CONFLICT:
        conflict(node, right)
    elif event.outcome is WitnessOutcome.ABSENT:
        lose(node, right, "the witness has no record of the group any more")
    else:
        unknown(node, right)


def conflict(node: NodeState, right: Right) -> None:
    """Rule 3: after 409 or 412 look once: perhaps our own earlier write was applied."""
    send(node, right, Purpose.REREAD)


def _reread(node: NodeState, right: Right, event: WitnessAnswered) -> None:
    record = event.record
    if record is not None and is_ours(node, right, record):
        right.record, right.version = record, event.version
        renew(node, right)
        return
    if record is not None:
        saw(node, right, record, event.version)
    lose(node, right, f"the witness names {record.holder if record else 'nobody'} as holder")


def saw(node: NodeState, right: Right, record: Optional[Record], version: Optional[str]) -> None:
    """Take in a record that is not ours to keep.

    Rule 5 counts from its receipt: nothing in the record is a time. Rule 6 counts as evidence only
    what echoes a nonce made from now on: what a peer said before may be older than the record.
    """
    right.record, right.version, right.seen = record, version, node.now
    right.nonce_floor = node.nonces
    if record is not None:
        right.highest = max(right.highest, record.epoch)


def is_ours(node: NodeState, right: Right, record: Record) -> bool:
    """Tell whether the record carries this very right: our run and our epoch, not released."""
    return record.is_held_by(node.incarnation) and record.epoch == right.epoch


def unknown(node: NodeState, right: Right) -> None:
    """Rule 1: neither held nor free. Try again soon, and ask the peers meanwhile (failsafe)."""
    right.pending = None
    right.failures += 1
    right.next_at = node.now.raw + node.timings.backoff_s
    failsafe.witness_away(node, right)


def lose(node: NodeState, right: Right, why: str) -> None:
    """The right is gone: fence at once if anything may be running, else forget it."""
    right.pending = None
    if right.phase is Phase.HELD:
        group.fence(node, right, why)
    elif right.phase is Phase.WAITING:
        drop(node, right, why)


def drop(node: NodeState, right: Right, why: str) -> None:
    """Give up a right under which nothing ever ran here."""
    node.out.append(effects.Decided(right.group, "NotActivated", why, right.epoch))
    right.phase = Phase.IDLE
    right.pending = None
    right.next_at = node.now.raw
    right.known = False


def advance(node: NodeState, right: Right) -> None:
    """Do what is due for a right in WAITING or HELD."""
    if left(node, right) <= TICK_S:
        seconds = fence_after_s(node.timings, right)
        lose(node, right, f"no renewal was confirmed for {seconds:.1f} s (rule 3)")
        return
    pending = right.pending
    if pending is not None and not is_in_time(node, pending):
        unknown(node, right)
        pending = None
    if pending is None and node.now.raw >= right.next_at:
        if right.record is None or right.version is None:
            send(node, right, Purpose.REREAD)
        else:
            renew(node, right)
    failsafe.advance(node, right)
    if right.phase is Phase.WAITING:
        freeze.advance(node, right)
