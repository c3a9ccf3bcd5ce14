"""The rules of the protocol, each broken on purpose: the simulation must notice every one.

A mutant replaces rule functions of the product for as long as its context lasts; the product has
no switch for it. ``first`` is the first seed from 0 on that catches it, found by
``python -m tests.simulation --mutants``; it must be below 10,000.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.simulation import faults, world

from hacluster_node.core import (
    configure,
    contend,
    failsafe,
    freeze,
    group,
    lease,
    peers,
    release,
    watchdog,
)
from hacluster_node.core.clocks import Clocks, shortest
from hacluster_node.core.record import Record
from hacluster_node.core.state import NodeState, Pending, Purpose, Right
from hacluster_node.timing import Timings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Mutant:
    """A broken rule.

    Args:
        name: As in the goal list.
        rule: The rule that it breaks.
        patches: Owner, attribute, replacement.
        first: First seed that catches it, counted from 0.
    """

    name: str
    rule: str
    patches: tuple[tuple[Any, str, Any], ...]
    first: int

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Break the rule while the context lasts."""
        with contextlib.ExitStack() as stack:
            for owner, attribute, replacement in self.patches:
                old = owner.__dict__[attribute]
                setattr(owner, attribute, replacement)
                stack.callback(setattr, owner, attribute, old)
            yield


def _from_reply(pending: Pending, received: Clocks) -> Clocks:
    del pending
    return received


def _wait_without_drift(node: NodeState, right: Right) -> float:
    duration_s = right.record.duration_s if right.record is not None else 0.0
    wait_s = max(node.timings.lease_s, duration_s)
    return wait_s - shortest(right.seen, node.now)


def _patient(node: NodeState) -> float:
    """Accept replies for half a lease."""
    return 0.5 * node.timings.lease_s


def _late_counts(pending: Pending, received: Clocks) -> Clocks:
    """Take it for granted that every reply took at most half a second."""
    raw, boottime, realtime = received
    prompt = Clocks(raw - 0.5, boottime - 0.5, realtime - 0.5)
    return max(pending.stamp, prompt)


def _ignore_conflict(node: NodeState, right: Right) -> None:
    pending, right.pending = right.pending, None
    if pending is not None:
        right.stamp = pending.stamp
    right.failures = 0
    right.next_at = node.now.raw + node.timings.renew_s
    lease.set_deadline(node, right)


def _held_by_name(record: Record, incarnation: str) -> bool:
    return not record.released and record.holder == incarnation.split("r", maxsplit=1)[0].rstrip(
        "x"
    )


def _same_epoch(right: Right) -> int:
    return max(1, right.highest)


def _realtime(since: Clocks, now: Clocks) -> float:
    return now.realtime - since.realtime


def _by_heartbeat(node: NodeState, right: Right) -> float:
    peer = node.peers.get(right.record.holder) if right.record is not None else None
    if peer is not None and not peers.is_alive(node, peer):
        return 0.0
    return UNCHANGED_LEFT(node, right)


UNCHANGED_LEFT = contend.unchanged_left


def _majority(node: NodeState, right: Right) -> bool:
    return 1 + len(right.promises_from) > (1 + len(node.peers)) // 2


def _release_first(node: NodeState, right: Right, why: str) -> None:
    record = right.record
    if record is not None and lease.is_ours(node, right, record):
        last = release.last_word(node, node.runs[right.group], right, record)
        lease.send(node, right, Purpose.RELEASE, last)
    BEGIN_FENCE(node, right, why)


BEGIN_FENCE = group.__dict__["_begin_fence"]


def _never(*_: object) -> bool:
    return False


def _as_it_was(_node: NodeState, record: Record) -> Record:
    return record


def _no_seconds(*_: object) -> float:
    return 0.0


def _no_thaw(*_: object) -> str:
    return ""


def _whole_lease(timings: Timings) -> float:
    return timings.lease_s


def _many(names: str, function: Callable[..., Any], *owners: Any) -> tuple[Any, ...]:
    return tuple((owner, names, function) for owner in owners)


MUTANTS: tuple[Mutant, ...] = (
    Mutant("from-reply", "1", ((lease, "counts_from", _from_reply),), 62),
    Mutant("no-drift", "5", ((contend, "unchanged_left", _wait_without_drift),), 411),
    Mutant("no-fence-budget", "3", ((Timings, "fence_after_s", property(_whole_lease)),), 2),
    Mutant("no-guard", "6", ((freeze, "guard_left", _no_seconds),), 132),
    Mutant(
        "late-reply-used",
        "1",
        ((lease, "reply_limit_s", _patient), (lease, "counts_from", _late_counts)),
        44,
    ),
    Mutant("conflict-ignored", "3", ((lease, "conflict", _ignore_conflict),), 2),
    Mutant("old-token-reused", "5", ((Record, "is_held_by", _held_by_name),), 23),
    Mutant("epoch-not-raised", "6", ((contend, "next_epoch", _same_epoch),), 2),
    Mutant(
        "wall-clock",
        "time",
        (
            *_many("longest", _realtime, lease, failsafe, world),
            *_many("shortest", _realtime, contend, failsafe, freeze),
        ),
        813,
    ),
    Mutant("heartbeat-takeover", "5", ((contend, "unchanged_left", _by_heartbeat),), 3),
    Mutant("failsafe-majority", "failsafe", ((failsafe, "is_complete", _majority),), 392),
    Mutant("no-boot-hold-off", "failsafe", ((failsafe, "hold_off_left", _no_seconds),), 947),
    Mutant("promise-not-kept", "failsafe", ((failsafe, "promise_left", _no_seconds),), 8),
    Mutant("new-numbers-at-once", "new numbers", ((configure, "must_wait", _never),), 4160),
    Mutant("late-claim-as-it-was", "new numbers", ((contend, "restated", _as_it_was),), 5341),
    Mutant("watchdog-by-timer", "4", ((watchdog, "idle", watchdog.__dict__["_pet"]),), 99),
    Mutant("release-before-fence", "7", ((group, "_begin_fence", _release_first),), 8),
)


def by_name(name: str) -> Mutant:
    """Return a mutant.

    Raises:
        KeyError: There is none of that name.
    """
    return {mutant.name: mutant for mutant in MUTANTS}[name]


def catch(mutant: Mutant, first: int, count: int) -> tuple[int | None, str]:
    """Return the first seed of ``count`` that catches the mutant, and what it broke."""
    for seed in range(first, first + count):
        try:
            with mutant.applied():
                faults.run(seed)
        except world.BrokenError as broken:
            return seed, str(broken)
    return None, f"not caught by {count} schedules from seed {first}"
