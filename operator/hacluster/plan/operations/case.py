"""One operation, all that is known of its cluster, and what may be decided about it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from hacluster.model.cluster import Cluster
from hacluster.model.operation import Operation, OperationPhase
from hacluster.model.status import ClusterStatus
from hacluster.plan.operations.words import NodeWord
from hacluster_wire.orders import Order

GRACE: Final = timedelta(seconds=15)
"""A node tells an end that came right at the deadline within so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An operation's object: what is asked, since when, and how far it is."""

    operation: Operation
    created: datetime
    phase: OperationPhase = OperationPhase.PENDING
    is_new: bool = False
    """Whether it was never looked at before."""

    @property
    def until(self) -> datetime:
        """When it has failed if it is not done."""
        return self.created + timedelta(seconds=self.operation.spec.deadline_seconds)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.phase in {OperationPhase.SUCCEEDED, OperationPhase.FAILED}

    @property
    def place(self) -> tuple[datetime, str]:
        """Where it stands in the order of coming; the name decides within a second."""
        return self.created, self.operation.name


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is known when an operation is decided about."""

    asked: Asked
    now: datetime
    cluster: Cluster | None
    trouble: str = ""
    """Why there is no cluster to act on, or why its nodes cannot be reached; or nothing."""
    status: ClusterStatus = field(default_factory=ClusterStatus)
    earlier: tuple[Operation, ...] = ()
    """Operations on the same cluster that came before and are not over."""
    words: tuple[NodeWord, ...] = ()
    posted: frozenset[str] = frozenset()
    """The nodes whose document in the store holds this operation's order."""

    @property
    def is_late(self) -> bool:
        """Whether its deadline is over."""
        return self.now >= self.asked.until

    @cached_property
    def fresh(self) -> dict[str, NodeWord]:
        """The nodes that tell about now, in the order of the spec."""
        found = {word.node: word for word in self.words if word.is_fresh}
        names = [node.name for node in self.cluster.spec.nodes] if self.cluster else []
        return {name: found[name] for name in names if name in found}

    def order(self) -> Order:
        """Return the operation as a node gets it."""
        spec = self.asked.operation.spec
        return Order(
            id=self.asked.operation.uid,
            type=str(spec.type),
            group="" if spec.monitor else spec.group or "",
            monitor=spec.monitor or "",
            node=spec.node or "",
            until=self.asked.until.timestamp(),
        )


@dataclass(frozen=True, slots=True)
class Send:
    """Give the order to these nodes."""

    nodes: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be done yet."""

    message: str


@dataclass(frozen=True, slots=True)
class Follow:
    """The nodes are at it."""

    message: str


@dataclass(frozen=True, slots=True)
class End:
    """It is over."""

    ok: bool
    message: str


Decision = Send | Wait | Follow | End
