"""What an administrator can ask of a node. Each answers with one ``effects.Reply``."""

from __future__ import annotations

from typing import NamedTuple, Union


class MoveGroup(NamedTuple):
    """Move a group to ``to`` ("" means the best other node). Handed on if active elsewhere."""

    group: str
    to: str = ""


class StartGroup(NamedTuple):
    """Start a stopped or given-up group on this node; clears its failure counts."""

    group: str


class StopGroup(NamedTuple):
    """Stop a group everywhere until it is started by hand. Handed on if active elsewhere."""

    group: str


class RestartGroup(NamedTuple):
    """Stop and start every resource of a group that is active here; the right is kept."""

    group: str


class StartResource(NamedTuple):
    """Activate one resource of a group that is active here."""

    group: str
    resource: str


class StopResource(NamedTuple):
    """Deactivate one resource of a group that is active here; its own monitors pause."""

    group: str
    resource: str


class SuspendMonitor(NamedTuple):
    """Stop checking until resumed; a suspended monitor counts as normal. "" means all."""

    monitor: str = ""


class ResumeMonitor(NamedTuple):
    """Check again. "" means all."""

    monitor: str = ""


class SimulateFailure(NamedTuple):
    """Verification mode: the monitor is abnormal from its next check on; the recovery is real."""

    monitor: str


class ClearFailure(NamedTuple):
    """End a simulated failure. "" means all."""

    monitor: str = ""


class StartService(NamedTuple):
    """Take part in the cluster again after ``StopService``."""


class StopService(NamedTuple):
    """Stop this node's groups in order, release them, and take part in nothing."""


class ShutDown(NamedTuple):
    """As ``StopService``, then power the machine off, or restart it."""

    reboot: bool = False


class ForceActivate(NamedTuple):
    """Take a group without waiting for its lease.

    Args:
        group: The group.
        other_is_off: The node the administrator states to be off; it must be the record's holder.
    """

    group: str
    other_is_off: str


Command = Union[
    MoveGroup,
    StartGroup,
    StopGroup,
    RestartGroup,
    StartResource,
    StopResource,
    SuspendMonitor,
    ResumeMonitor,
    SimulateFailure,
    ClearFailure,
    StartService,
    StopService,
    ShutDown,
    ForceActivate,
]
