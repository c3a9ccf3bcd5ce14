"""When to look again: soon while something moves, else after the object's own interval.

Only what was seen and answered counts; nothing is remembered from pass to pass. Whatever wakes the
loop earlier (a changed object, a Secret, an annotation) may do so.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta
from typing import Final, assert_never

from hacluster.errors import ArmError, ArmThrottled, HAClusterError, Retry
from hacluster.model.ids import ArmId, key
from hacluster.model.observed import Present, Unknown
from hacluster.plan.steps import Put
from hacluster.plan.view import View
from hacluster.reconcile.ports import Done, Failed, Lost, Outcome, Started, Waiting

AT_ONCE: Final = timedelta(milliseconds=100)
"""Something was finished: what needed it can start."""
MOVING: Final = timedelta(seconds=1)
"""Azure is working: one small reading of what moves."""
MACHINES_MOVE: Final = timedelta(seconds=5)
"""Only machines are moving: Azure answers at most 12 readings of a machine in a minute."""
OPERATIONS_RUN: Final = timedelta(seconds=2)
"""Only machines are moving whose operations are asked instead: Azure answers those more often."""
AGAIN: Final = timedelta(seconds=30)
"""A resource whose last operation failed is put again, not more often than this."""
NODES_SOON: Final = timedelta(seconds=3)
"""An answer of the nodes is due: they look into the store every 5 s."""
NODES_PART: Final = 0.25
"""Nodes that are at rest are asked so many times in a period of Azure's: a failover shows soon."""
RETRY: Final = {
    Retry.SOON: timedelta(seconds=5),
    Retry.LATER: timedelta(minutes=1),
    Retry.ON_CHANGE: timedelta(hours=1),
}

_MACHINES: Final = "/providers/microsoft.compute/virtualmachines/"


def is_machine(resource: ArmId) -> bool:
    """Say whether a resource is a machine, or stands in one."""
    return _MACHINES in key(resource)


def while_moving(moving: Collection[ArmId], running: Collection[ArmId]) -> timedelta:
    """Return how long to wait for the end of what Azure works on.

    Args:
        moving: What is under way.
        running: The machines among it whose operations were asked.
    """
    if any(not is_machine(one) for one in moving):
        return MOVING
    return OPERATIONS_RUN if running else MACHINES_MOVE


def next_look(
    view: View, outcomes: Iterable[Outcome], trouble: HAClusterError | None = None
) -> timedelta:
    """Return how long to wait before the next pass, if nothing wakes the loop earlier.

    Args:
        view: What was seen in this pass.
        outcomes: What came of the steps that were allowed.
        trouble: What ended the pass early, if anything did.
    """
    idle = timedelta(seconds=view.spec.management.sync_interval_seconds)
    if trouble is not None:
        return _pause(trouble)
    known = tuple(outcomes)
    throttled = [
        _pause(one.error)
        for one in known
        if isinstance(one, Failed) and isinstance(one.error, ArmThrottled)
    ]
    if throttled:
        return max(throttled)  # Asking earlier prolongs the wait for everybody.
    return min([idle, *map(_after, known), *_moving(view)])


def nodes_look(period: timedelta, *, is_eager: bool) -> timedelta:
    """Return when the nodes are asked again; ``is_eager`` while an answer of theirs is due."""
    usual = period * NODES_PART
    return min(usual, NODES_SOON) if is_eager else usual


def _after(outcome: Outcome) -> timedelta:
    match outcome:
        case Done():
            return AT_ONCE
        case Started(step=Put(creates=False, changes=())):
            return AGAIN
        case Started() | Lost() | Waiting():
            return MOVING
        case Failed():
            return _pause(outcome.error)
        case _:
            assert_never(outcome)


def _moving(view: View) -> Iterator[timedelta]:
    for seen in view.seen.resources.values():
        if isinstance(seen, Unknown):
            yield RETRY[Retry.SOON]
        elif isinstance(seen, Present) and not seen.is_settled:
            yield MACHINES_MOVE if is_machine(seen.id) else MOVING


def _pause(error: HAClusterError) -> timedelta:
    asked = error.retry_after_s if isinstance(error, ArmError) else None
    usual = RETRY[error.retry]
    return usual if asked is None else timedelta(seconds=max(asked, 0.1))
