"""Everything the state machine can ask for. The runtime does each as soon as it can, in order.

Numbers such as ``request`` or ``fence`` are unique within one agent run; the event that reports
the outcome carries the same number. Seconds are relative to the clocks of the event that caused
the effect.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Mapping, NamedTuple, Optional, Union

if TYPE_CHECKING:
    from hacluster_node.core.clocks import Clocks
    from hacluster_node.core.config import AgentConfig
    from hacluster_node.core.heartbeat import Heartbeat
    from hacluster_node.core.record import Record


class ReadWitness(NamedTuple):
    """Read a group's record; give up after ``timeout_s`` with ``UNKNOWN``."""

    request: int
    group: str
    timeout_s: float


class WriteWitness(NamedTuple):
    """Write a group's record if its version is still ``expect``.

    One attempt, never repeated by the transport: a repeated write is a decision.

    Args:
        request: Answered by ``WitnessAnswered``.
        group: The group.
        record: What to store.
        expect: The version it must have now; None means it must not exist (If-None-Match: *).
        timeout_s: T. After it the outcome is ``UNKNOWN``.
    """

    request: int
    group: str
    record: Record
    expect: Optional[str]
    timeout_s: float


class SendHeartbeat(NamedTuple):
    """Send ``body`` to the node ``to``, once, now."""

    to: str
    body: Heartbeat


class SetDeadline(NamedTuple):
    """Tell the guard until when the group may serve (rule 3); replaces an earlier deadline.

    The guard fences by itself as soon as ``clocks.longest(stamp, now) >= fence_after_s``, even if
    the agent hangs. Doing this before anything of the group serves is part of the effect.

    Args:
        group: The group.
        epoch: Under which it serves.
        stamp: The clocks from which to count.
        fence_after_s: V - S - J.
    """

    group: str
    epoch: int
    stamp: Clocks
    fence_after_s: float


class ClearDeadline(NamedTuple):
    """The group is fenced here; the guard need not watch it."""

    group: str


class Fence(NamedTuple):
    """Stop the group from serving within S, whatever it takes (stage one of two).

    Probe non-200 and listener closed, addresses away, sockets cut, mirror demoted, application
    frozen or killed. A ``StartResource`` or ``StopResource`` of the group still under way is ended
    first, and its ``ResourceDone`` does not matter any more. Answered by ``FenceDone``. Orderly
    stops follow as ``StopResource``.
    """

    fence: int
    group: str
    epoch: int
    reason: str


class HoldTraffic(NamedTuple):
    """Let no traffic of the group in or out for now; reversible, cuts nothing (rule 11)."""

    group: str
    reason: str


class OpenTraffic(NamedTuple):
    """End a fence or hold of the group: it may serve under ``epoch``."""

    group: str
    epoch: int


class PetWatchdog(NamedTuple):
    """Pet the kernel watchdog (rule 4)."""


class StartResource(NamedTuple):
    """Activate a resource; ``epoch`` goes along with every outside effect (rule 9)."""

    action: int
    group: str
    resource: str
    epoch: int
    timeout_s: float


class StopResource(NamedTuple):
    """Deactivate a resource. Must succeed if it is not active. May come after a fence."""

    action: int
    group: str
    resource: str
    epoch: int
    timeout_s: float


class AnswerProbe(NamedTuple):
    """Answer a probe: 200 with the epoch in a header if ``ok``, else 503 with the reason."""

    probe: int
    ok: bool
    epoch: int
    reason: str


class RunCheck(NamedTuple):
    """Run one check of a monitor or target."""

    check: int
    monitor: str
    timeout_s: float


class Stage(str, enum.Enum):
    """The steps of a monitor's recovery ladder."""

    REACTIVATE = "Reactivate"
    FAIL_OVER = "FailOver"
    FINAL_ACTION = "FinalAction"


class RunScript(NamedTuple):
    """Run the recovery script a monitor has before ``stage``; HA_* say why."""

    run: int
    monitor: str
    stage: Stage
    group: str
    epoch: int
    timeout_s: float


class StopNode(NamedTuple):
    """Everything is stopped and released: end the service, or the machine.

    Args:
        how: ``Service``, ``ShutDown`` or ``Reboot``.
        reason: For people.
    """

    how: str
    reason: str


class PowerOffPeer(NamedTuple):
    """Ask ARM to power ``node`` off and watch its instance view; ``PeerPoweredOff`` follows."""

    node: str
    reason: str


class AcknowledgeMaintenance(NamedTuple):
    """Let the scheduled event start now: nothing is active here."""

    event: str


class UseConfig(NamedTuple):
    """From now on this configuration is in force; the guard must know it before anything else.

    It is the one of the newest ``ConfigChanged``. Until then the one before it is in force.
    """

    config: AgentConfig


class SaveState(NamedTuple):
    """Write ``state`` (JSON-ready) to disk, atomically, with fsync.

    A failure must be reported but changes nothing: no rule rests on what is on disk.
    """

    state: Mapping[str, Any]


class Reply(NamedTuple):
    """The answer to a ``Commanded``: taken up or refused, and why."""

    command_id: str
    ok: bool
    text: str


class Decided(NamedTuple):
    """A decision worth a line in the event log, with its reason.

    Args:
        subject: A group, monitor or node.
        what: CamelCase: Acquired, Fenced, Released, FailedOver, ...
        why: One plain sentence.
        epoch: The group's epoch, or 0.
    """

    subject: str
    what: str
    why: str
    epoch: int = 0


Effect = Union[
    ReadWitness,
    WriteWitness,
    SendHeartbeat,
    SetDeadline,
    ClearDeadline,
    Fence,
    HoldTraffic,
    OpenTraffic,
    PetWatchdog,
    StartResource,
    StopResource,
    AnswerProbe,
    RunCheck,
    RunScript,
    StopNode,
    PowerOffPeer,
    AcknowledgeMaintenance,
    UseConfig,
    SaveState,
    Reply,
    Decided,
]
