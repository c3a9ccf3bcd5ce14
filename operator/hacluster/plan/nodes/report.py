"""What an agent's status means for the cluster (docs/node-status.md).

The document's signature was checked; its content is read tolerantly all the same, since an older or
newer agent may have written it. What is not understood is not taken for healthy.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hacluster.model.assessment import NodeReport, Turn
from hacluster.model.monitors import MonitorType
from hacluster.model.status import GroupState, GroupStatus, MonitorStatus, NodeRole
from hacluster.plan.nodes.keys import Confirmed
from hacluster.plan.view import View
from hacluster_wire.documents import Document

WITNESS_MISSED: Final = 2
"""After so many exchanges in a row that failed a node does not reach the witness."""
FIRST_HEARD_WITHIN_S: Final = 30.0
"""How long after the start of its agent a node may not have heard another one yet."""
_STATES: Final = {
    "Inactive": GroupState.OFFLINE,
    "Contending": GroupState.STARTING,
    "Starting": GroupState.STARTING,
    "Active": GroupState.ONLINE,
    "Stopping": GroupState.STOPPING,
    "Fenced": GroupState.OFFLINE,
}
_FOLLOWS: Final = {
    "MovedAway": "nothing runs there, and it takes no group until that is over",
    "Awaited": "no other node could take over now, so the service is interrupted with it",
}
"""What a node does about a scheduled event; one that it rides through needs no word."""
_HERE: Final = frozenset({GroupState.STARTING, GroupState.ONLINE, GroupState.STOPPING})
_TURNS: Final = frozenset({"Contending", "Online", "Stopping", "Fencing"})

ConfigurationOf = Callable[[int], str]
"""Names the configuration of a generation, for the status."""


def report_of(
    view: View, document: Document, age: timedelta, configuration_of: ConfigurationOf
) -> NodeReport:
    """Return what a node says."""
    said = document.content
    groups = tuple(_groups(said, document.node))
    return NodeReport(
        node=document.node,
        role=_role(said, groups),
        age=age,
        agent_version=_text(said, "agentVersion"),
        boot_id=_text(said, "bootId"),
        configuration=configuration_of(generation_in_force(said)),
        package=_text(said, "package"),
        refused=_text(said, "configurationRefused"),
        software=_text(said, "software"),
        unsafe="" if said.get("splitBrainSafe") is True else _text(said, "splitBrainReason"),
        epoch=max((one.epoch or 0 for one in groups), default=None),
        is_witness_reachable=not _misses_witness(said),
        is_in_step=not any(_mirrors_abnormal(view, said)),
        hears=frozenset(_peers(said, is_alive=True)),
        misses=frozenset(_peers(said, is_alive=False)),
        announced=tuple(_announced(said)),
        groups=groups,
        abnormal=tuple(_abnormal(said, document.node)),
        turns=tuple(_turns(said)),
        at=_time(said.get("at")),
    )


def holder_of(document: Document) -> str | None:
    """Return the one node that the witness names for all groups, as far as this node has read."""
    holders = {
        _text(one, "holder") for one in _list(document.content, "groups") if one.get("holder")
    }
    return holders.pop() if len(holders) == 1 else None


def generation_in_force(said: Mapping[str, Any]) -> int:
    """Return the generation of the configuration that a node runs; 0 where it does not tell."""
    text = str(said.get("configuration", ""))
    return int(text) if text.isdecimal() and len(text) < 19 else 0


def generation_time(document: Document) -> datetime | None:
    """Return when a report was written, by the node's clock; None where it does not tell."""
    return _time(document.content.get("at"))


def confirmed(document: Document, runs_signed_with: str) -> Confirmed:
    """Return what a node has confirmed about keys."""
    accepted = document.content.get("keys")
    ids = accepted if isinstance(accepted, list) else []
    return Confirmed(
        accepts=frozenset(str(one) for one in ids),
        signs_with=document.key,
        runs_signed_with=runs_signed_with,
    )


def _role(said: Mapping[str, Any], groups: tuple[GroupStatus, ...]) -> NodeRole:
    if any(one.state is GroupState.ONLINE for one in groups):
        return NodeRole.ACTIVE
    return NodeRole.STOPPED if said.get("leaving") else NodeRole.STANDBY


def _groups(said: Mapping[str, Any], node: str) -> Iterator[GroupStatus]:
    for one in _list(said, "groups"):
        state = _STATES.get(_text(one, "standing"), GroupState.UNKNOWN)
        resources = one.get("resources")
        is_broken = isinstance(resources, dict) and "Failed" in resources.values()
        if is_broken and state is not GroupState.ONLINE:
            state = GroupState.FAILED
        epoch = one.get("epoch")
        yield GroupStatus(
            name=_text(one, "name"),
            node=node if state in _HERE else None,
            state=state,
            epoch=epoch if isinstance(epoch, int) and epoch >= 0 else None,
        )


def _misses_witness(said: Mapping[str, Any]) -> bool:
    failures = [one.get("witnessFailures") for one in _list(said, "groups")]
    return any(isinstance(count, int) and count >= WITNESS_MISSED for count in failures)


def _mirrors_abnormal(view: View, said: Mapping[str, Any]) -> Iterator[str]:
    mirrors = {
        one.name for one in view.spec.cluster.effective_monitors if one.type is MonitorType.MIRROR
    }
    for one in _list(said, "monitors"):
        if _text(one, "name") in mirrors and _text(one, "health") == "Abnormal":
            yield _text(one, "name")


def _peers(said: Mapping[str, Any], *, is_alive: bool) -> Iterator[str]:
    """Yield the other nodes that are heard, or those that ought to be heard and are not."""
    run = said.get("runSeconds")
    is_young = isinstance(run, (int, float)) and run < FIRST_HEARD_WITHIN_S
    for one in _list(said, "peers"):
        is_early = is_young and one.get("secondsSinceHeard") is None
        is_missed = one.get("alive") is False and not one.get("leaving") and not is_early
        if one.get("alive") is True if is_alive else is_missed:
            yield _text(one, "name")


def _announced(said: Mapping[str, Any]) -> Iterator[str]:
    for one in _list(said, "scheduledEvents"):
        follows = _FOLLOWS.get(_text(one, "answer"), "")
        when = f", not before {_text(one, 'notBefore')}" if _text(one, "notBefore") else ""
        verb = "has begun" if one.get("begun") is True else f"is announced by Azure{when}"
        if follows:
            yield f"{_text(one, 'kind')} {verb}: {follows}"


def _abnormal(said: Mapping[str, Any], node: str) -> Iterator[MonitorStatus]:
    for one in _list(said, "monitors"):
        state = "Abnormal" if _text(one, "health") == "Abnormal" else ""
        state = "Suspended" if one.get("suspended") else state
        state = "SimulatedFailure" if one.get("simulated") else state
        if state:
            detail = _text(one, "detail") or None
            yield MonitorStatus(name=_text(one, "name"), node=node, state=state, message=detail)


def _turns(said: Mapping[str, Any]) -> Iterator[Turn]:
    for one in reversed(_list(said, "events")):
        what, at = _text(one, "what"), _time(one.get("at"))
        if at is not None and what in _TURNS:
            yield Turn(group=_text(one, "subject"), at=at, what=what, why=_text(one, "why"))


def _list(said: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = said.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _text(said: Mapping[str, Any], name: str) -> str:
    found = said.get(name)
    return found if isinstance(found, str) else ""


def _time(seconds: Any) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None
