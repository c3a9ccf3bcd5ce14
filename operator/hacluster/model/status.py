"""What the operator reports: the status of an object, rebuilt from what was seen in every pass.

Nothing here is the only home of a fact, except the inventory: it tells which rules, probes, pools
and record sets of a shared parent are ours. Texts and lists that only inform are cut to their
bound here, so that no long message can make a status too big to write; the inventory never is.

An older or newer version's status can be read: fields not known here are dropped.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field

from hacluster.model.base import Noun

MAX_DRIFT: Final = 50
MAX_PLAN: Final = 50
MAX_FAILOVERS: Final = 10
MAX_ABNORMAL: Final = 32


def _cut(limit: int) -> Callable[[Any], Any]:
    def shortened(text: Any) -> Any:
        too_long = isinstance(text, str) and len(text) > limit
        return text[: limit - 1] + "…" if too_long else text

    return shortened


def _first(limit: int) -> Callable[[Any], Any]:
    def bounded(items: Any) -> Any:
        return items[:limit] if isinstance(items, (tuple, list)) else items

    return bounded


Sentence = Annotated[str, BeforeValidator(_cut(1024)), Field(max_length=1024)]
"""A text for people, cut at 1,024 characters."""

Word = Annotated[str, BeforeValidator(_cut(256)), Field(max_length=256)]
"""A name, an address, an id within a parent; cut at 256 characters."""

ResourceId = Annotated[str, Field(max_length=1024)]
"""An ARM id."""


class Report(Noun):
    """A noun of the status: read tolerantly, written exactly."""

    model_config = ConfigDict(extra="ignore")


class ConditionType(StrEnum):
    """What is judged. Degraded, Reconciling and Stalled are bad when True, the rest when False."""

    READY = "Ready"
    ACCEPTED = "Accepted"
    AZURE_RECONCILED = "AzureReconciled"
    NODES_CONFIGURED = "NodesConfigured"
    EXACTLY_ONE_ACTIVE = "ExactlyOneActive"
    SPLIT_BRAIN_SAFE = "SplitBrainSafe"
    DEGRADED = "Degraded"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


class Truth(StrEnum):
    """A condition's answer; Unknown is not False."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Report):
    """One judgement, in the form that kubectl wait, Argo CD and Flux read."""

    list_keys: ClassVar[tuple[str, ...]] = ("type",)

    type: str = Field(max_length=316)
    """What is judged: Ready, Accepted, AzureReconciled, NodesConfigured, ExactlyOneActive,
    SplitBrainSafe, Degraded, Reconciling or Stalled."""
    status: Truth
    """True, False, or Unknown where it could not be seen."""
    reason: str = Field(max_length=1024, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")
    """Why, in one word; docs/reasons.md has the cause and the remedy of each."""
    message: Annotated[str, BeforeValidator(_cut(4096)), Field(max_length=4096)]
    """Why, in a sentence: what was seen, what it means, what to do."""
    last_transition_time: AwareDatetime
    """When ``status`` last changed."""
    observed_generation: int | None = Field(default=None, ge=0)
    """The generation of the spec that was judged; kubectl wait passes over older ones."""


class GroupState(StrEnum):
    """Where a failover group stands."""

    OFFLINE = "Offline"
    STARTING = "Starting"
    ONLINE = "Online"
    STOPPING = "Stopping"
    FAILED = "Failed"
    UNKNOWN = "Unknown"


class GroupStatus(Report):
    """A failover group as its nodes report it."""

    list_keys: ClassVar[tuple[str, ...]] = ("name",)

    name: Word
    """The group."""
    node: Word | None = None
    """The node that it runs on, if any."""
    state: GroupState
    """Where it stands."""
    epoch: int | None = Field(default=None, ge=0)
    """The number of its activation; it only ever rises."""
    since: AwareDatetime | None = None
    """When this state began."""


class NodeRole(StrEnum):
    """What a node does now."""

    ACTIVE = "Active"
    STANDBY = "Standby"
    STOPPED = "Stopped"
    UNKNOWN = "Unknown"


class NodeHealth(StrEnum):
    """Whether the balancer sends traffic to the node."""

    UP = "Up"
    DOWN = "Down"
    UNKNOWN = "Unknown"


class NodeStatus(Report):
    """One node as its agent and the balancer report it."""

    list_keys: ClassVar[tuple[str, ...]] = ("name",)

    name: Word
    """The node."""
    role: NodeRole = NodeRole.UNKNOWN
    """What it does now."""
    ready: bool = False
    """Whether its machine runs, and its agent, if any, has applied the declared configuration."""
    power_state: Word | None = None
    """Azure's word for the machine: running, deallocated, ..."""
    agent_version: Word | None = None
    """The version of the agent that reports."""
    configuration_applied: Word | None = None
    """The hash of the configuration that the node runs."""
    heartbeat_age_seconds: float | None = Field(default=None, ge=0)
    """How old the node's last report was when this status was made."""
    boot_id: Word | None = None
    """The kernel's boot id: another one means that the machine has rebooted."""
    health: NodeHealth = NodeHealth.UNKNOWN
    """Whether the balancer sends traffic to it."""
    health_reason: Word | None = None
    """The balancer's own reason, for example Down_Probe_TcpProbeTimeout."""


class MonitorStatus(Report):
    """An abnormal monitor."""

    name: Word
    """The monitor."""
    node: Word
    """The node that it is abnormal on."""
    state: Word
    """What it reports: Abnormal, Suspended, SimulatedFailure."""
    message: Sentence | None = None
    """What the check said."""
    since: AwareDatetime | None = None
    """When it became abnormal."""


class Endpoint(Report):
    """Where clients reach the service."""

    address: Word | None = None
    """The balancer's address, or the address that the record holds."""
    fqdn: Word | None = None
    """The name, where there is a record set."""


class Drift(Report):
    """One difference between Azure and the spec."""

    id: ResourceId
    """The resource."""
    path: Word
    """Where in its body."""
    want: Word | None = None
    """What the spec asks for; left out where it is secret."""
    have: Word | None = None
    """What Azure has."""


class PlannedStep(Report):
    """One step that is under way, or held and why."""

    verb: Word
    """Create, Update, Delete, Start, Deallocate, Restart or Refuse."""
    id: ResourceId
    """The resource."""
    why: Sentence
    """The reason for the step."""
    held: Sentence | None = None
    """Why it is not done now, where it is not."""


class FailoverRecord(Report):
    """A move of the service from one node to another."""

    at: AwareDatetime
    """When it began."""
    group: Word | None = None
    """The group that moved."""
    origin: Word | None = Field(default=None, alias="from")
    """The node that it left, if any."""
    to: Word
    """The node that it went to."""
    why: Sentence
    """What caused it."""
    seconds: float | None = Field(default=None, ge=0)
    """From the cause to serving again."""


class InventoryItem(Report):
    """A resource, or a child of a shared parent, that the operator made."""

    id: ResourceId
    """Its ARM id."""


class Summary(Report):
    """What kubectl's columns show."""

    access: Word | None = None
    """The address or name that clients use."""
    nodes: Word | None = None
    """Ready nodes of all nodes, for example 2/2."""
    drift: int = Field(default=0, ge=0)
    """How many differences there are, also beyond those listed."""
    plan: int = Field(default=0, ge=0)
    """How many steps there are, also beyond those listed."""


class ClusterStatus(Report):
    """What was seen of the cluster in the last pass, and what is being done about it."""

    observed_generation: int | None = Field(default=None, ge=0)
    """The generation of the spec that this status is about."""
    conditions: tuple[Condition, ...] = Field(default=(), max_length=32)
    """The judgements; Ready sums them up."""
    summary: Summary | None = None
    """What kubectl's columns show."""
    active_node: Word | None = None
    """The node that serves."""
    groups: tuple[GroupStatus, ...] = Field(default=(), max_length=16)
    """Where each failover group runs."""
    nodes: tuple[NodeStatus, ...] = Field(default=(), max_length=16)
    """Each node as it reports itself and as the balancer sees it."""
    monitors: Annotated[
        tuple[MonitorStatus, ...],
        BeforeValidator(_first(MAX_ABNORMAL)),
        Field(max_length=MAX_ABNORMAL),
    ] = ()
    """The abnormal monitors, at most 32."""
    endpoints: tuple[Endpoint, ...] = Field(default=(), max_length=4)
    """Where clients reach the service."""
    drift: Annotated[
        tuple[Drift, ...], BeforeValidator(_first(MAX_DRIFT)), Field(max_length=MAX_DRIFT)
    ] = ()
    """Where Azure differs from the spec, at most 50; summary.drift is the whole number."""
    plan: Annotated[
        tuple[PlannedStep, ...], BeforeValidator(_first(MAX_PLAN)), Field(max_length=MAX_PLAN)
    ] = ()
    """What is being done, at most 50 steps; summary.plan is the whole number."""
    failovers: Annotated[
        tuple[FailoverRecord, ...],
        BeforeValidator(_first(MAX_FAILOVERS)),
        Field(max_length=MAX_FAILOVERS),
    ] = ()
    """The last 10 moves of the service, newest first."""
    inventory: tuple[InventoryItem, ...] = Field(default=(), max_length=8192)
    """Everything that the operator made and still owns, children of shared parents included."""
    last_handled_reconcile_at: Word | None = None
    """The last value of the annotation hacluster.dev/requested-at that a pass has answered."""

    def condition(self, kind: ConditionType) -> Condition | None:
        """Return the condition of a type, or None where it was not judged yet."""
        return next((found for found in self.conditions if found.type == kind), None)
