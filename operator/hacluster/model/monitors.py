"""Monitors and what happens when one is abnormal."""

from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import Field

from hacluster.model.base import Invariant, Noun, distinct
from hacluster.model.partition import Http, Ping
from hacluster.model.rules import service as service_rules
from hacluster.model.spellings import HostName, ItemName, MachineName


class MonitorType(StrEnum):
    """What a monitor checks."""

    PROBE_PORT = "ProbePort"
    LOAD_BALANCE = "LoadBalance"
    AZURE_DNS = "AzureDNS"
    MIRROR = "Mirror"
    CUSTOM = "Custom"
    PING = "Ping"
    HTTP = "HTTP"
    MULTI_TARGET = "MultiTarget"
    PROCESS = "Process"


class Timing(StrEnum):
    """When a monitor runs."""

    ALWAYS = "Always"
    ACTIVE = "Active"


class FinalAction(StrEnum):
    """The end of the recovery ladder."""

    NONE = "None"
    STOP_GROUP = "StopGroup"
    STOP_CLUSTER = "StopCluster"
    STOP_CLUSTER_AND_SHUTDOWN = "StopClusterAndShutdown"
    STOP_CLUSTER_AND_REBOOT = "StopClusterAndReboot"


class RecoveryPreset(StrEnum):
    """Ladders by name."""

    RESTART_THEN_FAILOVER = "RestartThenFailover"
    FAILOVER = "Failover"
    FINAL_ACTION_ONLY = "FinalActionOnly"


_REACTIVATIONS: Final = {RecoveryPreset.RESTART_THEN_FAILOVER: 3}
_FAILOVERS: Final = {RecoveryPreset.RESTART_THEN_FAILOVER: 1, RecoveryPreset.FAILOVER: 1}

ScriptText = Annotated[str, Field(min_length=1, max_length=32768)]


class StageScript(Noun):
    """A script that runs before a stage."""

    script: ScriptText
    """The script, with its interpreter in the first line."""
    timeout_seconds: float = Field(default=30, ge=1, le=3600)
    """After how long it is killed."""


class Recovery(Noun):
    """Script, then reactivations, then failovers, then the final action."""

    invariants: ClassVar[tuple[Invariant, ...]] = (service_rules.RECOVERY,)

    preset: RecoveryPreset = RecoveryPreset.RESTART_THEN_FAILOVER
    """The numbers that are not written: RestartThenFailover reactivates 3 times and fails over
    once, Failover fails over once, FinalActionOnly does neither."""
    target: ItemName | None = None
    """The resource or group that is reactivated or moved; by default the watched resource, or, if
    there is none, the node itself, for which only the final action applies."""
    max_reactivations: int | None = Field(default=None, ge=0, le=99)
    """How often the target is reactivated; by default the preset's number."""
    max_failovers: int | None = Field(default=None, ge=0, le=99)
    """How often the target's group is moved to another node; by default the preset's number."""
    final_action: FinalAction = FinalAction.NONE
    """What follows when that did not help: None, StopGroup, StopCluster (its service on this
    node), StopClusterAndShutdown or StopClusterAndReboot. It is suppressed and reported where it
    would stop the last healthy node."""
    pre_reactivation: StageScript | None = None
    """A script before each reactivation."""
    pre_failover: StageScript | None = None
    """A script before each failover."""
    pre_final_action: StageScript | None = None
    """A script before the final action."""

    @property
    def reactivations(self) -> int:
        """How often the target is reactivated, the preset considered."""
        written = self.max_reactivations
        return _REACTIVATIONS.get(self.preset, 0) if written is None else written

    @property
    def failovers(self) -> int:
        """How often the target's group is moved, the preset considered."""
        written = self.max_failovers
        return _FAILOVERS.get(self.preset, 0) if written is None else written


class PortCheck(Noun):
    """Whether a TCP port is listening."""

    host: HostName
    """The host's name or address."""
    port: int = Field(ge=1, le=65535)
    """The port."""


class Custom(Noun):
    """A script whose exit code 0 is normal, or a port check."""

    invariants: ClassVar[tuple[Invariant, ...]] = (service_rules.CUSTOM,)

    script: ScriptText | None = None
    """A script with its interpreter in the first line; exit code 0 is normal."""
    port_check: PortCheck | None = None
    """A TCP port that must be listening."""


class MultiTarget(Noun):
    """Abnormal when every member monitored on this node is abnormal, and at least one is."""

    monitors: Annotated[
        tuple[ItemName, ...],
        Field(min_length=1, max_length=32),
        distinct("write each monitor once"),
    ]
    """The members: names of other monitors."""


class Process(Noun):
    """Whether a process with this command line runs."""

    command: Annotated[str, Field(min_length=1, max_length=1024)]
    """The command line, as /proc shows it."""
    minimum: int = Field(default=1, ge=1, le=1024)
    """How many of them must run."""


class Monitor(Noun):
    """One check; the block named after ``type`` says what exactly."""

    invariants: ClassVar[tuple[Invariant, ...]] = service_rules.MONITOR
    list_keys: ClassVar[tuple[str, ...]] = ("name",)

    name: ItemName
    """The monitor's name."""
    type: MonitorType
    """What is checked: ProbePort, LoadBalance, AzureDNS, Mirror (these watch a resource), Custom,
    Ping, HTTP, MultiTarget or Process. The block of that name says what exactly."""
    resource: ItemName | None = None
    """The resource that is watched; with timing Active, the one whose node runs the check."""
    interval_seconds: float = Field(default=30, ge=0.5, le=3600)
    """How often the check runs."""
    timeout_seconds: float = Field(default=10, ge=0.1, le=3600)
    """After how long a check without an answer has failed."""
    retries: int = Field(default=1, ge=0, le=100)
    """How many further failures in a row, after the first, make the monitor abnormal."""
    start_delay_seconds: float = Field(default=0, ge=0, le=3600)
    """How long to wait before the first check."""
    timing: Timing | None = None
    """When the check runs: Always, or Active, only where the resource is active. By default
    Active for ProbePort and AzureDNS, else Always; LoadBalance runs where it is not active."""
    nodes: Annotated[
        tuple[MachineName, ...], Field(max_length=16), distinct("write each node once")
    ] = ()
    """The nodes that check; by default all."""
    recovery: Recovery = Recovery()
    """What follows when the monitor is abnormal."""
    custom: Custom | None = None
    """The check, for type Custom."""
    ping: Ping | None = None
    """Whom to ping, for type Ping."""
    http: Http | None = None
    """What to ask for, for type HTTP."""
    multi_target: MultiTarget | None = None
    """The members, for type MultiTarget."""
    process: Process | None = None
    """The process, for type Process."""

    @property
    def detection_seconds(self) -> float:
        """How long a lasting failure takes to make it abnormal: interval x (retries + 1)."""
        return self.interval_seconds * (self.retries + 1)

    @property
    def effective_timing(self) -> Timing:
        """When the check runs, the type's default considered."""
        if self.timing is not None:
            return self.timing
        is_active = self.type in {MonitorType.PROBE_PORT, MonitorType.AZURE_DNS}
        return Timing.ACTIVE if is_active else Timing.ALWAYS
