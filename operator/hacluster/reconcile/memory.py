"""What the loop of one object remembers between passes: hints only, all of it can be lost.

Whatever must not be forgotten stands in Azure itself or in the object's status.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hacluster.model import ids
from hacluster.model.assessment import Signals
from hacluster.model.cluster import Cluster
from hacluster.model.ids import ArmId
from hacluster.model.observed import Absent, Present, Snapshot
from hacluster.model.parse import parse
from hacluster.plan.steps import Delete, Step
from hacluster.plan.view import View
from hacluster.reconcile.health import Watch
from hacluster.reconcile.nodes_seen import NodesMemory, NodesSeen
from hacluster.reconcile.patience import Patience
from hacluster.reconcile.ports import Raw
from hacluster.reconcile.preparing import PreparationMemory, Prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What the last pass that found nothing to do was made of: the same again needs no thought."""

    asked: tuple[object, ...]
    """The object's version, its generation, and the annotation that asks for a pass."""
    tag: tuple[int, ...]
    """What was seen of Azure."""
    rule: ArmId | None
    """The rule whose health tells who serves, if there is one."""
    signals: Signals
    basis: View | None = None
    """What the nodes' part looks at; None where no agent of ours runs them."""
    nodes: NodesSeen | None = None
    """What was read about the nodes, without what follows from it."""
    runs: View | None = None
    """What tells when nodes were last looked at that the operator configures itself."""
    prepared: Prepared | None = None
    """What was read for them."""


@dataclass(slots=True)
class Memory:
    """One object's. Times are monotonic seconds."""

    patience: Patience = field(default_factory=Patience)
    begun: dict[str, Step] = field(default_factory=dict)
    """What Azure has accepted and was not seen to end, by key."""
    moving: frozenset[ArmId] = frozenset()
    """What was under way when last seen."""
    running: frozenset[ArmId] = frozenset()
    """The machines under way whose operations were asked, and still run."""
    is_following: bool = False
    """Whether the next pass only has to tell what became of the last one: old readings will do."""
    health: Watch = field(default_factory=Watch)
    """What the balancer says of who serves."""
    record_wrong_since: float | None = None
    makes_room: bool = False
    """Whether groups are to be moved away from a node, or the evidence differs: then each pass
    looks at operations and clocks anew."""
    nodes: NodesMemory = field(default_factory=NodesMemory)
    preparation: PreparationMemory = field(default_factory=PreparationMemory)
    looked_until: float = float("-inf")
    """Until when the last complete look at Azure serves passes that are made for the nodes."""
    told: str = ""
    """The sentence that was logged last."""
    settled: Settled | None = None
    _newest: Raw | None = None
    _parsed: tuple[int, tuple[tuple[str, str], ...], Cluster] | None = None
    _watched: tuple[tuple[object, ...], frozenset[ArmId]] | None = None

    def cluster(self, raw: Raw) -> Cluster:
        """Return the parsed object; raises SpecInvalid as `parse` does."""
        notes = tuple(sorted(raw.annotations.items()))
        if self._parsed is None or self._parsed[:2] != (raw.generation, notes):
            self._parsed = (raw.generation, notes, parse(raw.body))
        return self._parsed[2]

    def status(self, raw: Raw) -> Mapping[str, Any]:
        """Return the object's status as it is now: our last writing, if the watch is behind it."""
        newest = self._newest
        if newest is None or newest.version <= raw.version:
            self._newest = newest = raw  # So that no second copy is kept.
        return newest.status

    def version(self, raw: Raw) -> int:
        """Return the newest version of the object that is known here."""
        return max(raw.version, self._newest.version) if self._newest else raw.version

    def watched(
        self, key: tuple[object, ...], make: Callable[[], Iterable[ArmId]]
    ) -> frozenset[ArmId]:
        """Return what to look at; it is made again whenever its ``key`` is another one."""
        if self._watched is None or self._watched[0] != key:
            self._watched = (key, frozenset(make()))
        return self._watched[1]

    def look_again(self) -> None:
        """Have the next pass ask Azure and the balancer, however new the last answers are."""
        self.looked_until = float("-inf")
        self.health.ask_again()

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing here changes by the mere passing of time."""
        is_asked = self.health.is_awaited or self.health.is_eager
        is_waiting = is_asked or self.record_wrong_since is not None
        has_failed = self.nodes.failed is not None
        is_waiting = is_waiting or self.makes_room
        return not (self.moving or self.patience.all() or is_waiting or has_failed)

    def wrote(self, written: Raw) -> None:
        """Note the object as our writing left it."""
        self._newest = written

    def saw(self, seen: Snapshot) -> tuple[ArmId, ...]:
        """Note what has ended and what is under way; return of what only Azure's operation tells.

        Such is a creation of what is not there yet, a deletion of what still is, and a failure.
        """
        asked: list[ArmId] = []
        for key, step in tuple(self.begun.items()):
            found = seen.get(step.id)
            is_gone = isinstance(found, Absent)
            is_there = isinstance(found, Present) and found.is_settled and found.has_succeeded
            if is_gone if isinstance(step, Delete) else is_there:
                del self.begun[key]
            elif is_gone or (isinstance(found, Present) and found.is_settled):
                asked.append(step.id)
        unsettled = {one.id for one in seen.present() if not one.is_settled}
        self.moving = frozenset(unsettled) | {step.id for step in self.begun.values()}
        return tuple(asked)

    def ended(self, resource: ArmId) -> None:
        """Note that the operation on a resource is over."""
        step = self.begun.pop(ids.key(resource), None)
        if step is not None:
            self.moving -= {step.id}

    def is_begun(self, resource: ArmId) -> bool:
        """Say whether Azure has accepted something on a resource that was not seen to end."""
        return ids.key(resource) in self.begun

    def began(self, step: Step) -> None:
        """Note what Azure has accepted."""
        self.looked_until = float("-inf")
        self.begun[ids.key(step.id)] = step
        self.moving |= {step.id}
