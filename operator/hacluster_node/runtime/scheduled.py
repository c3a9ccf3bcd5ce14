"""What is done about Azure's scheduled events; decided here, carried out by `runtime.azure`.

Rule 12 says that a node moves away from what it cannot ride through. Whether that helps, and when
the event may begin, depends on the other machines that it lists: one acknowledgement lets it begin
for all of them. So

- a group is moved only to a node that could take it and is not announced the same; until there is
  one, it stays: a stop without a successor would end the service before Azure does;
- an event is acknowledged only when all nodes that it lists run nothing and take nothing. While
  that is not known, Azure waits until the time that it has announced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, FrozenSet, List, Mapping, NamedTuple, Set, Tuple, Union

from hacluster_node.core import events, leaving, peers
from hacluster_node.core.heartbeat import Standing
from hacluster_node.core.state import Phase

if TYPE_CHECKING:
    from hacluster_node.core.peers import Peer
    from hacluster_node.core.state import NodeState

MOVED, AWAITED, RIDDEN = "MovedAway", "Awaited", "RiddenThrough"
"""What a node does about an event, for its status."""
_UNKNOWN_S = -1.0


class Announced(NamedTuple):
    """One event as the metadata service tells it.

    Args:
        event: Its id.
        kind: Freeze, Reboot, Redeploy, Preempt or Terminate.
        duration_s: How long it lasts; negative if unknown.
        machines: The machines that it lists, in small letters: Azure's spelling may be another.
        not_before: When it begins at the earliest, in Azure's words; "" once it has begun.
        has_begun: Nothing is to be acknowledged any more.
    """

    event: str
    kind: str
    duration_s: float
    machines: FrozenSet[str]
    not_before: str
    has_begun: bool


class Around(NamedTuple):
    """What the state machine knows at the moment of a look. Names are in small letters.

    Args:
        own: This node.
        nodes: All nodes.
        taken: The events that this node makes room for, or has.
        ridden: The events that it rides through.
        is_empty: Nothing runs here.
        able: The other nodes that live and could take every group that is held here.
        empty: The other nodes that live, run nothing, and say that they take nothing.
    """

    own: str
    nodes: FrozenSet[str]
    taken: FrozenSet[str]
    ridden: FrozenSet[str]
    is_empty: bool
    able: FrozenSet[str]
    empty: FrozenSet[str]


class Notice(NamedTuple):
    """Tell the state machine of an event."""

    announced: Announced


class Await(NamedTuple):
    """Tell people that an event is awaited in service."""

    event: str
    why: str


class Acknowledge(NamedTuple):
    """Let an event begin."""

    event: str


class End(NamedTuple):
    """Tell the state machine that an event is announced no more."""

    event: str


Act = Union[Notice, Await, Acknowledge, End]


def read(content: Mapping[str, Any]) -> Tuple[Announced, ...]:
    """Return what the metadata service announces.

    Raises:
        KeyError, TypeError, ValueError: It is not what Azure documents; then nothing is known.
    """
    return tuple(_announced(item) for item in content["Events"])


def _announced(item: Mapping[str, Any]) -> Announced:
    return Announced(
        str(item["EventId"]),
        str(item["EventType"]),
        float(item.get("DurationInSeconds", _UNKNOWN_S)),
        frozenset(str(name).lower() for name in item["Resources"]),
        str(item.get("NotBefore") or ""),
        item.get("EventStatus") == "Started",
    )


def around(node: NodeState, announced: Tuple[Announced, ...]) -> Around:
    """Return what matters of a state machine for what is announced."""
    alive = [peer for peer in node.peers.values() if peers.is_alive(node, peer)]
    return Around(
        own=node.config.node.lower(),
        nodes=frozenset(each.name.lower() for each in node.config.nodes),
        taken=frozenset(node.maintenance),
        ridden=frozenset(
            each.event
            for each in announced
            if leaving.is_ridden_through(node, noticed(each)(node.now))
        ),
        is_empty=all(leaving.is_empty(node, name) for name in node.rights),
        able=frozenset(peer.name.lower() for peer in alive if _could_take_all(node, peer)),
        empty=frozenset(peer.name.lower() for peer in alive if _is_empty(node, peer)),
    )


def noticed(announced: Announced) -> Any:
    """Return the maker of the state machine's event."""
    event, kind, duration_s = announced[:3]
    return lambda clocks: events.MaintenanceNoticed(clocks, event, kind, duration_s)


def _could_take_all(node: NodeState, peer: Peer) -> bool:
    held = (name for name, right in node.rights.items() if right.phase is not Phase.IDLE)
    reports = [peer.report(name) for name in held]
    return all(report is not None and report.eligible for report in reports)


def _is_empty(node: NodeState, peer: Peer) -> bool:
    reports = [peer.report(name) for name in node.rights]
    return all(
        report is not None and report.standing is Standing.INACTIVE and not report.eligible
        for report in reports
    )


class Calendar:
    """The events of one node: what was told of each, so that each is acted on once."""

    def __init__(self) -> None:
        self._known: Tuple[Announced, ...] = ()
        self._noticed: Set[str] = set()
        self._awaited: Set[str] = set()
        self._wanted: Set[str] = set()
        self._acknowledged: Set[str] = set()
        self._taken: FrozenSet[str] = frozenset()

    def want(self, event: str) -> None:
        """Note that this node is ready for an event."""
        self._wanted.add(event)

    def acknowledged(self, event: str) -> None:
        """Note that Azure has taken the acknowledgement."""
        self._acknowledged.add(event)

    def look(self, announced: Tuple[Announced, ...], seen: Around) -> List[Act]:
        """Return what is to be done now."""
        mine = tuple(each for each in announced if seen.own in each.machines)
        gone = (self._noticed | self._awaited) - {each.event for each in mine}
        self._forget(gone)
        self._known, self._taken = mine, seen.taken
        acts: List[Act] = [End(event) for event in sorted(gone & seen.taken)]
        for each in mine:
            acts += self._notice(each, seen)
            acts += self._acknowledge(each, seen)
        return acts

    def _forget(self, gone: Set[str]) -> None:
        for known in (self._noticed, self._awaited, self._wanted, self._acknowledged):
            known.difference_update(gone)

    def _notice(self, each: Announced, seen: Around) -> List[Act]:
        if each.event in self._noticed:
            return []
        if seen.is_empty or each.event in seen.ridden or seen.able - each.machines:
            self._noticed.add(each.event)
            self._awaited.discard(each.event)
            return [Notice(each)]
        if each.event in self._awaited:
            return []
        self._awaited.add(each.event)
        return [Await(each.event, _why_awaited(each, seen))]

    def _acknowledge(self, each: Announced, seen: Around) -> List[Act]:
        is_due = each.event in self._wanted and each.event not in self._acknowledged
        others = (each.machines & seen.nodes) - {seen.own}
        if not is_due or each.has_begun or not others <= seen.empty:
            return []
        return [Acknowledge(each.event)]

    def table(self) -> List[Dict[str, Any]]:
        """Return what is announced for this node, JSON-ready, and what it does about it."""
        return [
            {
                "event": each.event,
                "kind": each.kind,
                "notBefore": each.not_before,
                "durationSeconds": each.duration_s,
                "begun": each.has_begun,
                "acknowledged": each.event in self._acknowledged,
                "answer": self._answer(each),
            }
            for each in self._known
        ]

    def _answer(self, each: Announced) -> str:
        if each.event in self._awaited:
            return AWAITED
        return MOVED if each.event in self._taken or each.event in self._wanted else RIDDEN


def _why_awaited(each: Announced, seen: Around) -> str:
    others = seen.nodes - {seen.own}
    if others <= each.machines:
        return f"{each.kind} is announced for every node at once: there is none to move to"
    return f"{each.kind} is announced, and there is no node to move to"
