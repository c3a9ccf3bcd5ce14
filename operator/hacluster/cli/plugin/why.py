"""Why a cluster is not as it should be: what was seen, what it means, what to do.

Cause and remedy are those of the catalogue of reasons (docs/reasons.md).
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from hacluster.cli.plugin.lines import BAD, BOLD, GOOD, ODD, Line, duration, labelled, span
from hacluster.model.ids import ArmId
from hacluster.model.reasons import Reason
from hacluster.model.status import ClusterStatus, Condition, ConditionType, Truth
from hacluster.plan.settle import describe

_ORDER: Final = (
    ConditionType.EXACTLY_ONE_ACTIVE,
    ConditionType.SPLIT_BRAIN_SAFE,
    ConditionType.DEGRADED,
    ConditionType.ACCEPTED,
    ConditionType.AZURE_RECONCILED,
    ConditionType.NODES_CONFIGURED,
    ConditionType.STALLED,
    ConditionType.READY,
)
"""The worst first; what only sums up comes last, and is left out if its reason was told."""
_BAD_WHEN_TRUE: Final = frozenset({ConditionType.DEGRADED, ConditionType.STALLED})
_SUMS: Final = frozenset({ConditionType.STALLED, ConditionType.READY})
_ROOM: Final = 8


def wrong(status: ClusterStatus) -> tuple[Condition, ...]:
    """Return the conditions that are not as they should be, the worst first."""
    found: list[Condition] = []
    for kind in _ORDER:
        condition = status.condition(kind)
        if condition is None or _is_well(kind, condition):
            continue
        if kind in _SUMS and any(one.reason == condition.reason for one in found):
            continue
        found.append(condition)
    return tuple(found)


def _is_well(kind: ConditionType, condition: Condition) -> bool:
    return condition.status is (Truth.FALSE if kind in _BAD_WHEN_TRUE else Truth.TRUE)


def why(name: str, status: ClusterStatus, now: datetime) -> Iterator[Line]:
    """Yield what is wrong and what to do; one line if nothing is."""
    found = wrong(status)
    if not status.conditions:
        yield span(f"{name} was not looked at yet: is the operator running?", ODD)
        yield span("  kubectl -n hacluster-system get pods,lease")
        return
    for number, condition in enumerate(found):
        is_told = any(one.reason == condition.reason for one in found[:number])
        yield from _one(condition, now, is_told=is_told)
        yield span("")
    yield from _monitors(status, now)
    yield from _held(status)
    if not found and not status.monitors:
        yield span(f"{name}: everything is as it should be.", GOOD)


def _one(condition: Condition, now: datetime, *, is_told: bool) -> Iterator[Line]:
    """Yield one condition; what its reason means is not told twice."""
    is_unknown = condition.status is Truth.UNKNOWN
    word = "is not known" if is_unknown else f"is {condition.status}"
    since = duration(now - condition.last_transition_time)
    head = span(f"{condition.type} {word}: ", BOLD)
    yield head + span(condition.reason, ODD if is_unknown else BAD) + span(f", for {since}")
    yield from labelled("seen", condition.message, room=_ROOM)
    if not is_told and (reason := _reason(condition.reason)) is not None:
        yield from labelled("means", reason.cause, room=_ROOM)
        yield from labelled("do", reason.remedy, room=_ROOM)


def _reason(word: str) -> Reason | None:
    return next((reason for reason in Reason if reason == word), None)


def _monitors(status: ClusterStatus, now: datetime) -> Iterator[Line]:
    for monitor in status.monitors:
        since = f", for {duration(now - monitor.since)}" if monitor.since else ""
        yield span(f"Monitor {monitor.name} on {monitor.node}: ", BOLD) + span(
            f"{monitor.state}{since}", BAD if monitor.state == "Abnormal" else ODD
        )
        if monitor.message:
            yield from labelled("seen", monitor.message, room=_ROOM)
        if remedy := _MONITORS.get(monitor.state):
            yield from labelled("do", remedy.format(monitor.name), room=_ROOM)
        yield span("")


_MONITORS: Final = {
    "Suspended": "kubectl hacluster resume {}, when it shall be watched again.",
    "SimulatedFailure": "kubectl hacluster clear {} ends the simulated failure.",
    "Abnormal": "Look at what it watches on that node; its recovery has begun by itself.",
}


def _held(status: ClusterStatus) -> Iterator[Line]:
    for step in status.plan:
        if step.held:
            yield span("Step held: ", BOLD) + span(f"{step.verb} {describe(ArmId(step.id))}")
            yield from labelled("for", step.why, room=_ROOM)
            yield from labelled("held", step.held, room=_ROOM)
            yield span("")
