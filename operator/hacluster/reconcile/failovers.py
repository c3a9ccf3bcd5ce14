"""Moves of the service, with what caused them and how long they took.

The agents tell: the node that lost a group when it began to end there, the one that took it when
it was online. A node that died told nothing; then its last report stands for the cause, which is at
most some seconds too early. Clocks of two nodes are compared here, for people only.
"""

from collections.abc import Iterator
from datetime import datetime

from hacluster.model.assessment import NodeReport, Turn
from hacluster.model.status import (
    MAX_FAILOVERS,
    ClusterStatus,
    FailoverRecord,
    GroupState,
    GroupStatus,
)
from hacluster.reconcile.passed import Passed


def failovers(passed: Passed, groups: tuple[GroupStatus, ...]) -> tuple[FailoverRecord, ...]:
    """Return the last moves, newest first, with those that this pass has seen."""
    moved = _by_agents(passed, groups) if passed.nodes is not None else _by_balancer(passed)
    return (*moved, *passed.previous.failovers)[:MAX_FAILOVERS]


def _by_balancer(passed: Passed) -> Iterator[FailoverRecord]:
    """Yield a move if another node serves than the one last known to."""
    previous, active = passed.previous, passed.view.assessment.active
    if active is None or _last_active(previous) in (None, active):
        return
    yield FailoverRecord(
        at=passed.now, origin=_last_active(previous), to=active, why="another node was seen serving"
    )


def _by_agents(passed: Passed, groups: tuple[GroupStatus, ...]) -> Iterator[FailoverRecord]:
    """Yield a move for each group that is online on another node than it was last."""
    for group in groups:
        origin = _last_node(passed, group.name)
        if group.state is not GroupState.ONLINE or group.node is None:
            continue
        if origin is not None and origin != group.node:
            yield _moved(passed, group.name, origin, group.node)


def _moved(passed: Passed, group: str, origin: str, to: str) -> FailoverRecord:
    reports = {one.node: one for one in passed.signals.reports}
    online = _newest(reports.get(to), group, "Online")
    began, why = _cause(reports.get(origin), group)
    if not why and online is not None:
        contending = _newest(reports.get(to), group, "Contending")
        why = contending.why if contending else online.why
    seconds = (online.at - began).total_seconds() if online and began else None
    return FailoverRecord(
        at=began or passed.now,
        group=group,
        origin=origin,
        to=to,
        why=why or "another node was seen serving",
        seconds=round(seconds, 1) if seconds is not None and seconds >= 0 else None,
    )


def _cause(report: NodeReport | None, group: str) -> tuple[datetime | None, str]:
    """Return when and why a group ended on the node that lost it: the first of its last words."""
    if report is None:
        return None, ""
    found: Turn | None = None
    for turn in report.turns:
        if turn.group == group and turn.what == "Online":
            break
        if turn.group == group and turn.what in {"Stopping", "Fencing"}:
            found = turn
    return (found.at, found.why) if found else (report.at, "")


def _newest(report: NodeReport | None, group: str, what: str) -> Turn | None:
    turns = report.turns if report else ()
    return next((one for one in turns if (one.group, one.what) == (group, what)), None)


def _last_node(passed: Passed, group: str) -> str | None:
    """Return the node that a group was last on: its status forgets it while it is on none."""
    if group in passed.last_nodes:
        return passed.last_nodes[group]
    now = next((one.node for one in passed.previous.groups if one.name == group), None)
    last = (one.to for one in passed.previous.failovers if one.group == group)
    return now or next(last, None)


def _last_active(previous: ClusterStatus) -> str | None:
    """Return the node last seen serving: the status forgets it while nobody is."""
    newest = previous.failovers[0].to if previous.failovers else None
    return previous.active_node or newest
