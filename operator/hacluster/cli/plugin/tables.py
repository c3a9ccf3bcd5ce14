"""Steps, drift and events of a cluster, and all clusters of a namespace, as text."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from hacluster.cli.plugin.lines import (
    BOLD,
    DIM,
    GOOD,
    ODD,
    Line,
    ago,
    counted,
    labelled,
    moment,
    span,
)
from hacluster.model.ids import ArmId
from hacluster.model.status import ClusterStatus, ConditionType
from hacluster.plan.settle import describe

SHOWN: Final = 40
"""Events that are shown, the newest last."""


def plan(name: str, status: ClusterStatus) -> Iterator[Line]:
    """Yield what the operator is doing in Azure, what waits and why, and what differs."""
    summary = status.summary
    steps = summary.plan if summary else len(status.plan)
    drift = summary.drift if summary else len(status.drift)
    if not steps and not drift:
        yield span(f"{name}: nothing to do, Azure is as declared.", GOOD)
        return
    yield span(f"{name}: {counted(steps, 'step')}, {counted(drift, 'difference')}", BOLD)
    for step in status.plan:
        yield span(f"  {step.verb} {describe(ArmId(step.id))}", ODD if step.held else "")
        yield from labelled("    why", step.why, room=10)
        if step.held:
            yield from labelled("    held", step.held, style=ODD, room=10)
    if steps > len(status.plan):
        yield span(f"  and {steps - len(status.plan)} more", DIM)
    for one in status.drift:
        want, have = (f" {word} {value}" for word, value in _values(one.want, one.have))
        yield span(f"  differs {describe(ArmId(one.id))} {one.path}:{want},{have}")


def _values(want: str | None, have: str | None) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("declared", want or "nothing"), ("Azure has", have or "nothing")


def events(found: Iterable[Mapping[str, Any]], now: datetime) -> Iterator[Line]:
    """Yield events, the newest last."""
    newest = sorted(found, key=lambda one: str(_when(one)))[-SHOWN:]
    if not newest:
        yield span("No events; the API server keeps them for an hour.", DIM)
    for event in newest:
        is_warning = event.get("type") == "Warning"
        yield span(f"{ago(moment(_when(event)), now):>16}  ", DIM) + span(
            str(event.get("reason", "")), ODD if is_warning else BOLD
        )
        yield from labelled("", str(event.get("message", "")), room=16)


def _when(event: Mapping[str, Any]) -> Any:
    return event.get("lastTimestamp") or event.get("eventTime") or event.get("firstTimestamp")


def clusters(found: Iterable[Mapping[str, Any]]) -> Iterator[Line]:
    """Yield one line for each cluster."""
    yield span(f"{'NAME':24} {'READY':7} {'ACTIVE':16} {'NODES':6} REASON", DIM)
    for body in found:
        status = ClusterStatus.model_validate(body.get("status") or {})
        ready = status.condition(ConditionType.READY)
        word, reason = (str(ready.status), ready.reason) if ready else ("", "not looked at yet")
        nodes = (status.summary.nodes if status.summary else None) or ""
        left = f"{body['metadata']['name']!s:24} "
        yield (
            span(left)
            + span(f"{word:7} ", GOOD if word == "True" else ODD)
            + span(f"{status.active_node or '':16} {nodes:6} {reason}")
        )
