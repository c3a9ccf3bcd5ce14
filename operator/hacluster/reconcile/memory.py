"""What the loop of one object remembers between passes: hints only, all of it can be lost.

Whatever must not be forgotten stands in Azure itself or in the object's status.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hacluster.model import ids
from hacluster.model.assessment import BackendHealth
from hacluster.model.cluster import Cluster
from hacluster.model.ids import ArmId
from hacluster.model.observed import Absent, Present, Snapshot
from hacluster.model.parse import parse
from hacluster.plan.steps import Delete, Step
from hacluster.reconcile.nodes_seen import NodesMemory
from hacluster.reconcile.patience import Patience
from hacluster.reconcile.ports import Raw

HEALTH_TRIES: Final = 6
"""How often Azure is asked for one collection of the balancer's health."""


@dataclass(slots=True)
class Memory:
    """One object's. Times are monotonic seconds."""

    patience: Patience = field(default_factory=Patience)
    begun: dict[str, Step] = field(default_factory=dict)
    """What Azure has accepted and was not seen to end, by key."""
    moving: frozenset[ArmId] = frozenset()
    """What was under way when last seen."""
    is_following: bool = False
    """Whether the next pass only has to tell what became of the last one: old readings will do."""
    health: tuple[BackendHealth, ...] | None = None
    health_at: float = float("-inf")
    """When ``health`` was asked for last; long ago while Azure is still collecting it."""
    health_tries: int = 0
    """How often in a row it was asked for in vain."""
    record_wrong_since: float | None = None
    makes_room: bool = False
    """Whether groups are to be moved away from a node, or the evidence differs: then each pass
    looks at operations and clocks anew."""
    nodes: NodesMemory = field(default_factory=NodesMemory)
    looked_until: float = float("-inf")
    """Until when the last complete look at Azure serves passes that are made for the nodes."""
    told: str = ""
    """The sentence that was logged last."""
    settled: tuple[object, ...] | None = None
    """What the last pass that found nothing to do was made of: the same again needs no thought."""
    _newest: Raw | None = None
    _parsed: tuple[int, tuple[tuple[str, str], ...], Cluster] | None = None

    def cluster(self, raw: Raw) -> Cluster:
        """Return the parsed object; raises SpecInvalid as `parse` does."""
        notes = tuple(sorted(raw.annotations.items()))
        if self._parsed is None or self._parsed[:2] != (raw.generation, notes):
            self._parsed = (raw.generation, notes, parse(raw.body))
        return self._parsed[2]

    def status(self, raw: Raw) -> Mapping[str, Any]:
        """Return the object's status as it is now: our last writing, if the watch is behind it."""
        newest = self._newest
        return newest.status if newest and newest.version > raw.version else raw.status

    def version(self, raw: Raw) -> int:
        """Return the newest version of the object that is known here."""
        return max(raw.version, self._newest.version) if self._newest else raw.version

    def look_again(self) -> None:
        """Have the next pass ask Azure and the balancer, however new the last answers are."""
        self.health_at = self.looked_until = float("-inf")

    def asked_health(self, now: float, every: float) -> None:
        """Note that the balancer was asked; after a few tries in vain it is left alone again."""
        self.health_tries = 0 if self.health is not None else self.health_tries + 1
        is_settled = self.health is not None or self.health_tries >= HEALTH_TRIES
        self.health_at = now if is_settled else now - every

    @property
    def awaits_health(self) -> bool:
        """Whether the balancer was asked, and its answer should be there soon."""
        return 0 < self.health_tries < HEALTH_TRIES

    @property
    def is_health_vain(self) -> bool:
        """Whether the balancer was asked several times in a row and has not answered."""
        return self.health_tries >= HEALTH_TRIES

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing here changes by the mere passing of time."""
        is_waiting = self.awaits_health or self.record_wrong_since is not None
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
