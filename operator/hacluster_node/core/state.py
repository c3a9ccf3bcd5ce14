"""What one agent knows: shared by the rule modules, changed only by them, copied as a whole.

``NodeState`` is the node; it has one ``Right`` per failover group (what it knows and holds of the
witness's record) and one ``GroupRun`` (what of the group runs here), one ``Peer`` per other node
and one ``MonitorRun`` per monitor. The rules read ``node.now`` and append to ``node.out``.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple, Optional

from hacluster_node.core.clocks import Clocks

if TYPE_CHECKING:
    from hacluster_node.core.config import AgentConfig, Group
    from hacluster_node.core.effects import Effect
    from hacluster_node.core.group_run import GroupRun
    from hacluster_node.core.heartbeat import Ask
    from hacluster_node.core.monitor import MonitorRun
    from hacluster_node.core.order_kinds import Followed
    from hacluster_node.core.peers import Peer
    from hacluster_node.core.record import Record
    from hacluster_node.timing import Timings

NEVER = float("inf")
"""A due time that does not come."""
TICK_S = 0.001
"""Less than this is no time: what is due is looked at just after it, and is then past."""


class Phase(enum.Enum):
    """How far this node is with a group's right."""

    __hash__ = object.__hash__  # asked several times in every step; Enum's own is a Python function

    IDLE = "Idle"
    """It holds nothing and watches the record."""
    CONTENDING = "Contending"
    """Its conditional write is out."""
    WAITING = "Waiting"
    """Acquired and renewed, but the freeze guard does not let it activate yet."""
    HELD = "Held"
    """It may serve."""
    FENCING = "Fencing"
    """It must not serve any more; the fence is under way."""
    RELEASING = "Releasing"
    """The fence is complete; the release is being written."""


class Purpose(enum.Enum):
    """Why a request to the witness was made."""

    POLL = "Poll"
    ACQUIRE = "Acquire"
    RENEW = "Renew"
    REREAD = "Reread"
    """A holder's one look after a conflict."""
    RELEASE = "Release"


class Pending(NamedTuple):
    """A request to the witness whose reply counts. ``stamp`` was read before it was sent."""

    request: int
    purpose: Purpose
    stamp: Clocks
    record: Optional[Record]


class Right:
    """What this node knows and holds of one group's right to be active."""

    __slots__ = (
        "acquired",
        "asked",
        "contend_at",
        "due",
        "epoch",
        "failures",
        "fence",
        "forced",
        "group",
        "highest",
        "known",
        "next_at",
        "nonce_floor",
        "pending",
        "phase",
        "promised",
        "promised_for_s",
        "promises_for_s",
        "promises_from",
        "promises_next_at",
        "promises_nonce",
        "promises_sent",
        "promises_stamp",
        "record",
        "round_trip",
        "seen",
        "seen_held",
        "stamp",
        "thawed",
        "unsure",
        "version",
    )

    def __init__(self, group: str, started: Clocks) -> None:
        self.group = group
        self.phase = Phase.IDLE
        self.record: Optional[Record] = None
        self.version: Optional[str] = None
        """The record's version; None: there is none, or none was read (see ``known``)."""
        self.known = False
        """Whether the record, or its absence, was ever read."""
        self.seen = started
        """When this version was first received (rule 5)."""
        self.seen_held = False
        """The group was held by some node since this agent started (startup Manual)."""
        self.highest = 0
        """The highest epoch heard of, from the witness or a peer."""
        self.pending: Optional[Pending] = None
        self.next_at = started.raw
        """Raw time of the next read or write, if none is pending."""
        self.due = started.raw
        """Raw time at which something must be decided; kept by ``machine``."""
        self.contend_at = NEVER
        """Raw time at which this node may contend, if nothing changes; NEVER if it should not."""
        self.failures = 0
        """Attempts in a row whose outcome is unknown."""
        self.unsure: Optional[Clocks] = None
        """Stamp of a contending write whose outcome is unknown."""
        self.forced = ""
        """An administrator states that this node is off (forced activation)."""
        self.asked = False
        """An administrator asked this node to start the group."""
        self.fence = 0
        """Number of the fence under way."""
        self.epoch = 0
        """The epoch held, from CONTENDING's success on."""
        self.stamp: Clocks = started
        """Holder: clocks before the last confirmed write was sent (rules 1 and 2)."""
        self.round_trip: Clocks = started
        """Clocks before the last confirmed exchange with the witness or all peers (rule 10)."""
        self.acquired: Clocks = started
        """When the acquiring write was confirmed (rule 6)."""
        self.nonce_floor = 0
        """Only echoes of later nonces are evidence about the present record."""
        self.thawed = ""
        """Why traffic is held until the witness confirmed the right again (rule 11), or ""."""
        self.promised: Optional[Clocks] = None
        """Peer side: when this node promised not to contend, and for how long."""
        self.promised_for_s = 0.0
        self.promises_stamp: Optional[Clocks] = None
        """Holder side: clocks before the last round that every peer answered was begun."""
        self.promises_sent: Optional[Clocks] = None
        """Holder side: when the present round was begun."""
        self.promises_for_s = 0.0
        """Holder side: the P asked for in that round."""
        self.promises_nonce = ""
        self.promises_from: set[str] = set()
        self.promises_next_at = NEVER


class NodeState:
    """Everything one agent run knows. ``now`` is the clock reading of the event in hand."""

    def __init__(
        self, config: AgentConfig, boot_id: str, incarnation: str, previous: frozenset[str]
    ) -> None:
        self.config = config
        self.timings: Timings = config.partition.timings
        """The partition's numbers."""
        self.coming: Optional[AgentConfig] = None
        """A newer configuration that cannot be used yet."""
        self.boot_id = boot_id
        self.incarnation = incarnation
        self.previous = previous
        """Earlier incarnations of this agent on this machine."""
        self.now = Clocks(0.0, 0.0, 0.0)
        self.started = self.now
        self.out: list[Effect] = []
        self.last_number = 0
        self.nonces = 0
        """How many nonces were made; a nonce is ``incarnation:number``."""
        self.rights: dict[str, Right] = {}
        self.runs: dict[str, GroupRun] = {}
        self.peers: dict[str, Peer] = {}
        self.monitors: dict[str, MonitorRun] = {}
        self.heartbeat_due = NEVER
        self.watchdog_due = NEVER
        self.petted = -NEVER
        """Raw time at which the watchdog was petted last; plus W it is when it resets."""
        self.monitors_due = NEVER
        self.probe_reads: dict[int, tuple[str, int, Clocks]] = {}
        """Reads made to answer a probe: request to group, probe, stamp."""
        self.asks: dict[str, tuple[Ask, float]] = {}
        """Commands handed on, until which raw time they are repeated."""
        self.asks_done: dict[str, None] = {}
        """Commands of others already done here, oldest first."""
        self.followed: dict[str, Followed] = {}
        """Orders that were begun and have not come to an end, by id."""
        self.leaving = ""
        """Why the cluster service stops or is stopped here, or ""."""
        self.leave_how = ""
        """What to do once everything is released: ``Service``, ``ShutDown``, ``Reboot``."""
        self.maintenance: dict[str, str] = {}
        """Scheduled events that ask this node to be empty: id to kind."""
        self.acknowledged: set[str] = set()
        self.unsaved = False
        """Something worth keeping over a restart changed in this step."""

    @property
    def stated_lease_s(self) -> float:
        """D as a record states it: the longer one, while other numbers are coming."""
        coming = self.coming
        lease_s = self.timings.lease_s
        return lease_s if coming is None else max(lease_s, coming.partition.timings.lease_s)

    @property
    def stated_promise_s(self) -> float:
        """P as a record states it: likewise."""
        coming = self.coming
        promise_s = self.timings.promise_s
        return promise_s if coming is None else max(promise_s, coming.partition.timings.promise_s)

    def number(self) -> int:
        """Return a number not used before in this agent run."""
        self.last_number += 1
        return self.last_number

    def nonce(self) -> str:
        """Return a nonce not used before by anyone."""
        self.nonces += 1
        return f"{self.incarnation}:{self.nonces}"

    def group(self, name: str) -> Group:
        """Return a group's configuration."""
        return self.runs[name].config
