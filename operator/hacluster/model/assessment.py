"""What the operator knows beside Azure's resources, and what it makes of all it knows.

Signals come from the balancer's data plane and from the nodes' agents; each of them may be missing.
A missing signal is never read as "down" and never as "up".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from hacluster.model.status import GroupStatus, MonitorStatus, NodeRole


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendHealth:
    """One backend address as the balancer's data plane sees it through one rule."""

    address: str
    """The node's private address."""
    is_up: bool
    why: str
    """Azure's own word, such as ``Up_Probe_Success`` or ``Down_Probe_TcpProbeTimeout``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReport:
    """What one node's agent says, its signature checked; from the cluster's store."""

    node: str
    role: NodeRole
    age: timedelta
    """How old the report was when it was read."""
    agent_version: str
    boot_id: str
    configuration: str
    """The hash of the configuration that the agent has applied."""
    package: str = ""
    """The first 16 digits of the hash of the agent's program; empty where it does not tell."""
    refused: str = ""
    """Why the agent refuses a newer configuration, or nothing."""
    software: str = ""
    """What of packages, files and commands is not in place, or nothing."""
    unsafe: str = ""
    """Why two active nodes are not excluded by its own settings, or nothing."""
    epoch: int | None = None
    is_witness_reachable: bool = True
    is_in_step: bool = True
    """Whether its data, if the cluster keeps any, is the newest."""
    hears: frozenset[str] = frozenset()
    """The other nodes whose heartbeats it receives."""
    misses: frozenset[str] = frozenset()
    """The other nodes that have not said goodbye, and whose heartbeats do not reach it."""
    announced: tuple[str, ...] = ()
    """Azure's scheduled events that the node cannot ride through, each with what it does."""
    groups: tuple[GroupStatus, ...] = ()
    abnormal: tuple[MonitorStatus, ...] = ()
    turns: tuple["Turn", ...] = ()
    """What became of groups on this node, the newest first."""
    at: datetime | None = field(default=None, compare=False)
    """When it was written, by the node's clock; not what it says, so that two may say the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A moment in a group's life on a node, as its agent has noted it."""

    group: str
    at: datetime
    what: str
    """Contending, Online, Stopping or Fencing."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """All that a pass knows beside the snapshot; None means that it could not be learned."""

    health: tuple[BackendHealth, ...] | None = None
    """Every backend of the first rule, or None: there is no balancer, or it did not answer."""
    health_within: timedelta = timedelta()
    """How far apart the balancer is asked at rest, where that is more than a period."""
    reports: tuple[NodeReport, ...] = ()
    configuration: str | None = None
    """The hash of the configuration that the agents should run; None where none was published."""
    witness_holder: str | None = None
    """The node that the witness record names."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """By node, why its report is not believed: forged, replayed, or not understood."""
    record_wrong_for: timedelta = timedelta()
    """How long the record set has not held the active node's address, as far as is remembered."""


class Severity(StrEnum):
    """What a finding means for the service."""

    UNSAFE = "Unsafe"
    """Two nodes may serve, or traffic goes where it must not."""
    DEGRADED = "Degraded"
    """It serves, but could not survive another failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong; ``reason`` is one of `reasons.Reason`, ``why`` a sentence for the status."""

    severity: Severity
    reason: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """Who serves, and what is wrong. The default knows nothing, and so allows no disruption."""

    active: str | None = None
    """The one node that serves by all evidence, or None: nobody, several, or it is not known."""
    serving: tuple[str, ...] | None = None
    """Every node that some evidence shows serving, in the order of the spec; None where there is
    no evidence at all. Groups may be active on several nodes, and rightly so."""
    findings: tuple[Finding, ...] = ()
    record_address: str | None = None
    """What the operator must write into the record set, because the nodes had their time and did
    not; None as long as its content is left to them."""
    is_record_wrong: bool = False
    """Whether the record set does not hold the active node's address now."""

    is_contradictory: bool = False
    """Whether the balancer and the agents name different nodes: a failover is on its way."""

    agents: Mapping[str, str] = field(default_factory=dict)
    """By node, the program that its agent says it runs; only those that have reported lately."""

    is_silent: bool = False
    """Whether agents run the nodes and none has reported: nobody knows who could take over."""

    @property
    def is_degraded(self) -> bool:
        """Whether another failure might end the service."""
        return any(found.severity is Severity.DEGRADED for found in self.findings)

    @property
    def is_unsafe(self) -> bool:
        """Whether two nodes may serve."""
        return any(found.severity is Severity.UNSAFE for found in self.findings)

    def may_disrupt(self, node: str) -> bool:
        """Say whether a node is known to be a standby of a cluster that can spare it.

        Where no agent runs, the balancer and the machines are the only judges of that.
        """
        is_standby = bool(self.serving) and node not in (self.serving or ())
        return is_standby and not (self.is_degraded or self.is_unsafe or self.is_silent)
