"""Everyone who does not hold a group: watching the record, and contending by rules 5 and 6.

A contender may write only when the record stood unchanged for C on its own slowest clock since it
*received* it. It never looks at times in the record. The write is conditional on that very
version, so of several contenders one wins, and a renewal that came first makes it fail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hacluster_node.core import effects, failsafe, freeze, lease, policy
from hacluster_node.core.clocks import shortest
from hacluster_node.core.events import WitnessAnswered, WitnessOutcome
from hacluster_node.core.record import Record, Suspect, Wanted
from hacluster_node.core.state import NEVER, TICK_S, NodeState, Pending, Phase, Purpose, Right

if TYPE_CHECKING:
    from typing import Optional


def observe(
    node: NodeState, right: Right, record: Optional[Record], version: Optional[str]
) -> None:
    """Take in what the witness stores; a new version starts the count of rule 5 anew."""
    right.failures = 0
    if right.known and version == right.version:
        return
    right.known = True
    right.contend_at = NEVER
    lease.saw(node, right, record, version)
    if record is not None:
        right.seen_held = right.seen_held or not record.released


def answered(node: NodeState, right: Right, event: WitnessAnswered, pending: Pending) -> None:
    """Use the outcome of a poll."""
    del pending
    right.pending = None
    right.next_at = node.now.raw + node.timings.poll_s
    if event.outcome is WitnessOutcome.UNKNOWN:
        right.failures += 1
        return
    observe(node, right, event.record, event.version if event.record is not None else None)
    right.round_trip = node.now
    record = right.record
    if record is not None and record.is_held_by(node.incarnation):
        late_success(node, right, record)
    else:
        right.unsure = None
        advance(node, right)


def late_success(node: NodeState, right: Right, record: Record) -> None:
    """Our own contending write was applied, though its reply was lost.

    Without a promise it is confirmed by writing it again; after a promise, or if the group is not
    wanted here any more, it is undone: released without ever having been used.
    """
    right.epoch = record.epoch
    reason = policy.why_not_here(node, right) or promise_forbids(node, right)
    if reason:
        node.out.append(effects.Decided(right.group, "Undone", reason, right.epoch))
        right.phase = Phase.RELEASING
        lease.send(node, right, Purpose.RELEASE, next_record(record)._replace(released=True))
    else:
        right.phase = Phase.CONTENDING
        lease.send(node, right, Purpose.ACQUIRE, restated(node, next_record(record)))


def restated(node: NodeState, record: Record) -> Record:
    """Return the record with the D and P of today: it may have been written under others."""
    lease_s, promise_s = node.stated_lease_s, node.stated_promise_s
    return record._replace(duration_s=lease_s, promise_s=promise_s)


def promise_forbids(node: NodeState, right: Right) -> str:
    """Return the reason if this node promised not to contend."""
    seconds = failsafe.promise_left(node, right)
    return f"this node promised not to contend for {seconds:.1f} s more" if seconds > 0 else ""


def next_record(record: Record) -> Record:
    """Return the record as its next version: only the counter differs."""
    return record._replace(counter=record.counter + 1)


def advance(node: NodeState, right: Right) -> None:
    """Poll, or contend, if it is due."""
    pending = right.pending
    if pending is not None:
        if lease.is_in_time(node, pending):
            return
        timed_out(node, right, pending)
    now = node.now.raw
    if right.contend_at <= now or right.contend_at == NEVER:
        seconds = wait(node, right)[0] if is_ready(node, right) else NEVER
        right.contend_at = now + max(TICK_S, seconds)
        if seconds <= 0:
            contend(node, right)
            return
    if now >= right.next_at:
        lease.send(node, right, Purpose.POLL)


def timed_out(node: NodeState, right: Right, pending: Pending) -> None:
    """Rule 1: no reply within T is an unknown outcome."""
    right.pending = None
    right.failures += 1
    right.next_at = node.now.raw + node.timings.backoff_s
    if pending.purpose is Purpose.ACQUIRE:
        right.unsure = pending.stamp
        right.phase = Phase.IDLE
        right.next_at = node.now.raw


def is_ready(node: NodeState, right: Right) -> bool:
    """Tell whether nothing but time keeps this node from contending."""
    return right.known and right.unsure is None and not policy.why_not_here(node, right)


def why_not(node: NodeState, right: Right) -> str:
    """Return why this node does not contend now, or ""."""
    reason = policy.why_not_here(node, right)
    if reason:
        return reason
    seconds, reason = wait(node, right)
    return f"{reason} ({seconds:.1f} s left)" if seconds > 0 else ""


def wait(node: NodeState, right: Right) -> tuple[float, str]:
    """Return the longest wait that the protocol still asks for, and its reason."""
    record = right.record
    rank_s = policy.rank_delay_s(node, right)
    waits = [(rank_s - shortest(right.seen, node.now), "a preferred node goes first")]
    free = is_free(node, right, record)
    if not free:
        seconds = unchanged_left(node, right) + rank_s
        waits.append((seconds, "the holder's lease may still run (rule 5)"))
    if not free or record is None or record.suspects:
        waits.append((failsafe.promise_left(node, right), "this node promised not to contend"))
        seconds = failsafe.hold_off_left(node, right)
        waits.append((seconds, "this agent may have promised before it restarted"))
    return max(waits)


def is_free(node: NodeState, right: Right, record: Optional[Record]) -> bool:
    """Tell whether no lease can run: released, or held by an earlier run of this very agent.

    A forced activation counts as free: an administrator states that the holder is off.
    """
    if record is None:
        return False
    if record.released or (right.forced and right.forced == record.holder):
        return True
    return record.holder == node.config.node and record.incarnation in node.previous


def unchanged_left(node: NodeState, right: Right) -> float:
    """Rule 5: return what is left of C, or of the holder's own duration if that is longer."""
    duration_s = right.record.duration_s if right.record is not None else 0.0
    wait_s = max(node.timings.wait_s, duration_s * node.timings.ratio)
    return wait_s - shortest(right.seen, node.now)


def contend(node: NodeState, right: Right) -> None:
    """Rules 5 and 6: one conditional write with the next epoch and a new holder token."""
    right.phase = Phase.CONTENDING
    node.out.append(effects.Decided(right.group, "Contending", _why(right), next_epoch(right)))
    lease.send(node, right, Purpose.ACQUIRE, claim(node, right))


def _why(right: Right) -> str:
    record = right.record
    if record is None:
        return "there is no record of the group yet"
    if record.released:
        return f"{record.holder} released it at epoch {record.epoch}"
    return f"{record.holder} did not renew epoch {record.epoch}"


def next_epoch(right: Right) -> int:
    """Rule 6: one more than any epoch known."""
    return right.highest + 1


def claim(node: NodeState, right: Right) -> Record:
    """Return the record that would make this node the holder."""
    old = right.record
    mine = Record(
        holder=node.config.node,
        incarnation=node.incarnation,
        boot_id=node.boot_id,
        epoch=next_epoch(right),
        duration_s=node.stated_lease_s,
        counter=1,
        promise_s=node.stated_promise_s,
    )
    if old is None:
        return mine
    return mine._replace(
        counter=old.counter + 1,
        failovers=0 if right.asked else old.failovers,
        failed_on=() if right.asked else old.failed_on,
        suspects=suspects(old),
        wanted=Wanted.STARTED,
    )


def suspects(old: Record) -> tuple[Suspect, ...]:
    """Return who may still serve: whoever the last holder had not ruled out, and itself."""
    if old.released:
        return old.suspects
    return (*old.suspects, Suspect(old.holder, old.incarnation, old.boot_id, old.epoch))


def acquire_answered(
    node: NodeState, right: Right, event: WitnessAnswered, pending: Pending
) -> None:
    """Rule 6: only a confirmed write acquires; anything else is looked at again."""
    right.pending = None
    right.next_at = node.now.raw
    if event.outcome is WitnessOutcome.OK and lease.is_in_time(node, pending):
        assert pending.record is not None  # noqa: S101  # an ACQUIRE always carries its record
        right.epoch = pending.record.epoch
        right.highest = max(right.highest, right.epoch)
        right.asked = False
        right.seen_held = True
        lease.confirmed(node, right, pending, event.version)
        why = f"the witness confirmed epoch {right.epoch}"
        node.out.append(effects.Decided(right.group, "Acquired", why, right.epoch))
        freeze.acquired(node, right)
        return
    right.phase = Phase.IDLE
    if event.outcome is WitnessOutcome.CONFLICT:
        right.known = False
    else:
        right.unsure = pending.stamp
