"""A one-time act on a cluster as an object of its own, so that it leaves a trail and a result."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import AwareDatetime, Field

from hacluster.model.base import Invariant, Noun
from hacluster.model.spellings import ItemName, MachineName, SecretNameText
from hacluster.model.status import Report, Sentence


class OperationType(StrEnum):
    """What is done."""

    MOVE = "Move"
    START = "Start"
    STOP = "Stop"
    SUSPEND = "Suspend"
    RESUME = "Resume"
    SIMULATE_FAILURE = "SimulateFailure"
    CLEAR_SIMULATED_FAILURE = "ClearSimulatedFailure"
    RESTART = "Restart"
    FORCE_ACTIVATE = "ForceActivate"


_OF_GROUPS: Final = ("Move", "ForceActivate")
_OF_MONITORS: Final = ("Suspend", "Resume", "SimulateFailure", "ClearSimulatedFailure")


def _names_group(spec: "OperationSpec") -> bool:
    return spec.type not in _OF_GROUPS or spec.group is not None


def _names_monitor(spec: "OperationSpec") -> bool:
    return (spec.type in _OF_MONITORS) == (spec.monitor is not None)


def _names_something(spec: "OperationSpec") -> bool:
    if spec.type not in {"Start", "Stop", "Restart"}:
        return True
    return spec.group is not None or spec.node is not None


def _is_sure(spec: "OperationSpec") -> bool:
    is_stated = spec.node is not None and spec.others_are_off
    return spec.type != "ForceActivate" or is_stated


class OperationSpec(Noun):
    """What to do, to what, and until when. It never changes: another act is another object."""

    invariants: ClassVar[tuple[Invariant, ...]] = (
        Invariant(
            message="an operation cannot change: make a new object for another act",
            cel="self == oldSelf",
        ),
        Invariant(
            message="Move and ForceActivate are about a group: write its name in group",
            holds=_names_group,
            cel=f"!(self.type in {list(_OF_GROUPS)}) || has(self.group)",
            field="group",
        ),
        Invariant(
            message="Suspend, Resume, SimulateFailure and ClearSimulatedFailure are about a "
            "monitor, and nothing else is: write its name in monitor, or leave it out",
            holds=_names_monitor,
            cel=f"(self.type in {list(_OF_MONITORS)}) == has(self.monitor)",
            field="monitor",
        ),
        Invariant(
            message="write what to start, stop or restart: a group, a node, or a group on a node",
            holds=_names_something,
            cel="!(self.type in ['Start', 'Stop', 'Restart']) || has(self.group) || has(self.node)",
        ),
        Invariant(
            message="ForceActivate may let two nodes serve: make sure that every other node is "
            "off, and write node, and othersAreOff: true",
            holds=_is_sure,
            cel="self.type != 'ForceActivate' || (has(self.node) && self.othersAreOff)",
        ),
    )

    cluster: SecretNameText
    """The name of the HAClusterSpec object, in the same namespace."""
    type: OperationType
    """What is done: Move (a group, to a node or the next one), Start, Stop, Restart (a group or the
    cluster's service on a node), Suspend, Resume (a monitor), SimulateFailure,
    ClearSimulatedFailure (of a monitor), or ForceActivate (a group, on a node, without the
    witness)."""
    group: ItemName | None = None
    """The failover group."""
    monitor: ItemName | None = None
    """The monitor, a written one or one that comes with a resource."""
    node: MachineName | None = None
    """The node: where to, or the only one that is meant."""
    deadline_seconds: int = Field(default=300, ge=1, le=3600)
    """After how long the operation has failed if it is not done."""
    others_are_off: bool = False
    """Your statement, for ForceActivate, that every other node is powered off."""


class OperationPhase(StrEnum):
    """How far an operation is."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class OperationStatus(Report):
    """How far the operation is, and how it ended."""

    phase: OperationPhase = OperationPhase.PENDING
    """Pending, Running, Succeeded or Failed."""
    requested_by: Annotated[str, Field(max_length=256)] | None = None
    """Who asked, as the API server knows them, where the annotation hacluster.dev/requested-by says
    so: the policy of deploy/base/requested-by.yaml lets nobody write another name than their own.
    """
    started_at: AwareDatetime | None = None
    """When it began."""
    finished_at: AwareDatetime | None = None
    """When it ended."""
    message: Sentence | None = None
    """What was done, or why it was not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One HAClusterOperation object: its identity in Kubernetes and its parsed spec."""

    namespace: str
    name: str
    uid: str
    spec: OperationSpec
