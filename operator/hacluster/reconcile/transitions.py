"""What has turned since the last status: told as events, once each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hacluster.model.status import ClusterStatus, Condition, ConditionType, Truth
from hacluster.reconcile.ports import EventType

_TOLD: Final = (
    ConditionType.ACCEPTED,
    ConditionType.AZURE_RECONCILED,
    ConditionType.NODES_CONFIGURED,
    ConditionType.EXACTLY_ONE_ACTIVE,
    ConditionType.SPLIT_BRAIN_SAFE,
    ConditionType.DEGRADED,
    ConditionType.READY,
)
_BAD_WHEN_TRUE: Final = frozenset({ConditionType.DEGRADED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A condition that is not what it was."""

    kind: EventType
    reason: str
    message: str


def transitions(before: Mapping[str, Any], after: ClusterStatus) -> Iterator[Transition]:
    """Yield what to tell; ``before`` is the old status as the API server has it."""
    old = {str(one.get("type")): one for one in before.get("conditions") or ()}
    for kind in _TOLD:
        now = after.condition(kind)
        was = old.get(kind, {})
        if now is None or (was.get("status"), was.get("reason")) == (now.status, now.reason):
            continue
        if kind is ConditionType.READY and was.get("status") == now.status:
            continue  # why it is not ready is told by the condition that says so
        yield Transition(
            kind=_loudness(kind, now), reason=now.reason, message=f"{kind}: {now.message}"
        )


def _loudness(kind: ConditionType, now: Condition) -> EventType:
    bad = Truth.TRUE if kind in _BAD_WHEN_TRUE else Truth.FALSE
    is_quiet = now.status is not bad or now.reason in {"Progressing", "AwaitingAgent", "Deleting"}
    return EventType.NORMAL if is_quiet else EventType.WARNING
