"""Everything the state machine can be told. Each event carries the clocks at which it happened.

The runtime reads the clocks when it hands the event over (after receipt), never before it: for
what a contender waits, later is safe; what a holder counts, it counts from the clocks of the event
that *caused* the request (rule 1), so later is safe there too.

Outcomes that cannot be known are said as such: ``WitnessOutcome.UNKNOWN`` covers timeouts, resets,
5xx and 429. The machine never takes unknown for "held" nor for "free".
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple, Optional, Union

if TYPE_CHECKING:
    from hacluster_node.core.clocks import Clocks
    from hacluster_node.core.commands import Command
    from hacluster_node.core.config import AgentConfig
    from hacluster_node.core.heartbeat import Heartbeat
    from hacluster_node.core.record import Record


class WitnessOutcome(str, enum.Enum):
    """What came of one request to the witness."""

    OK = "Ok"
    """Read: ``record`` and ``version`` are what is stored. Write: it was applied as ``version``."""
    ABSENT = "Absent"
    """Read only: there is no record yet (404)."""
    CONFLICT = "Conflict"
    """Write only: the condition failed (409, 412); this very write was not applied."""
    UNKNOWN = "Unknown"
    """Anything else. The write may have been applied, or may yet be."""


class Started(NamedTuple):
    """The agent began. Always the first event."""

    clocks: Clocks


class Woke(NamedTuple):
    """The time the machine asked for with ``Machine.wake_at`` has come (by the raw clock)."""

    clocks: Clocks


class WitnessAnswered(NamedTuple):
    """A ``ReadWitness`` or ``WriteWitness`` ended; at most once per ``request``.

    Args:
        clocks: Read after the reply was received.
        request: The effect's ``request``.
        outcome: See ``WitnessOutcome``.
        record: What is stored, if ``OK``. For a write the written record.
        version: Its version, if ``OK``; compared for equality only.
        detail: For people: status code, error text. Never a secret.
    """

    clocks: Clocks
    request: int
    outcome: WitnessOutcome
    record: Optional[Record] = None
    version: str = ""
    detail: str = ""


class HeartbeatReceived(NamedTuple):
    """An authenticated, not replayed heartbeat from a configured address.

    The transport checks the message code, the key id, the address, and that the sequence rises
    within ``(sender, incarnation)``. Whether a *new* incarnation counts, the machine decides: only
    once it echoed a nonce of ours.
    """

    clocks: Clocks
    sender: str
    boot_id: str
    incarnation: str
    body: Heartbeat


class FenceDone(NamedTuple):
    """A ``Fence`` is complete: nothing of the group serves here any more."""

    clocks: Clocks
    group: str
    fence: int


class GuardFenced(NamedTuple):
    """The guard fenced the group by itself, because its deadline passed; the fence is complete."""

    clocks: Clocks
    group: str
    reason: str


class ThawSuspected(NamedTuple):
    """Something outside the machine (guard, kernel log) saw that this node stood still."""

    clocks: Clocks
    reason: str


class ResourceDone(NamedTuple):
    """A ``StartResource`` or ``StopResource`` ended, with ``detail`` for people if it failed.

    Attributes:
        is_early: What it lacked is on another node and may still come; nothing is broken here.
    """

    clocks: Clocks
    action: int
    ok: bool
    detail: str = ""
    is_early: bool = False


class CheckDone(NamedTuple):
    """A ``RunCheck`` ended; ``ok`` means normal. A check that could not run is not ok."""

    clocks: Clocks
    check: int
    ok: bool
    detail: str = ""


class ScriptDone(NamedTuple):
    """A ``RunScript`` ended. The recovery stage follows whatever the exit code was."""

    clocks: Clocks
    run: int
    exit_code: int
    detail: str = ""


class ProbeAsked(NamedTuple):
    """A health probe arrived for ``group``; exactly one ``AnswerProbe`` follows, now or later."""

    clocks: Clocks
    probe: int
    group: str


class Commanded(NamedTuple):
    """An administrator (or the operator) asks for something; one ``Reply`` follows at once."""

    clocks: Clocks
    command_id: str
    command: Command


class Order(NamedTuple):
    """Something asked for through the cluster's store; docs/operations.md has its meaning.

    Args:
        id: Unique for ever.
        type: ``Move``, ``Start``, ``Stop``, ``Restart``, ``Suspend``, ``Resume``,
            ``SimulateFailure``, ``ClearSimulatedFailure`` or ``ForceActivate``.
        group: The group, or "": then the node's service is meant.
        monitor: The monitor, or "".
        node: Where to, or the only node that is meant, or "".
        until: By the wall clock, when it has failed if it is not done.
    """

    id: str
    type: str
    group: str = ""
    monitor: str = ""
    node: str = ""
    until: float = 0.0


class OrderGiven(NamedTuple):
    """An order came; that it did is on disk already.

    Args:
        clocks: Read when it is handed over.
        order: The order.
        begun: An earlier run of this agent has begun it: it is only followed to its end.
        epoch: With ``begun``, the group's epoch when it was begun.
    """

    clocks: Clocks
    order: Order
    begun: bool = False
    epoch: int = 0


class MaintenanceNoticed(NamedTuple):
    """Azure announces a scheduled event that concerns *this* node.

    Args:
        clocks: When it was read.
        event: Azure's event id.
        kind: Freeze, Reboot, Redeploy, Preempt or Terminate.
        duration_s: DurationInSeconds; negative if unknown.
    """

    clocks: Clocks
    event: str
    kind: str
    duration_s: float


class MaintenanceEnded(NamedTuple):
    """A scheduled event is no longer announced."""

    clocks: Clocks
    event: str


class PeerPoweredOff(NamedTuple):
    """ARM's instance view says stopped or deallocated, after our own ``PowerOffPeer`` for it."""

    clocks: Clocks
    node: str


class ConfigChanged(NamedTuple):
    """A new configuration, already checked. Names that stay keep their state.

    It is in force from the effect ``UseConfig`` on, which may have to wait for a renewal.
    """

    clocks: Clocks
    config: AgentConfig


Event = Union[
    Started,
    Woke,
    WitnessAnswered,
    HeartbeatReceived,
    FenceDone,
    GuardFenced,
    ThawSuspected,
    ResourceDone,
    CheckDone,
    ScriptDone,
    ProbeAsked,
    Commanded,
    OrderGiven,
    MaintenanceNoticed,
    MaintenanceEnded,
    PeerPoweredOff,
    ConfigChanged,
]
