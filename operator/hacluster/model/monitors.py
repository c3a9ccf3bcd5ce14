"""Monitors and what happens when one is abnormal."""

from enum import StrEnum

from pydantic import Field

from hacluster.model.base import Noun
from hacluster.model.partition import Http, Ping


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


class StageScript(Noun):
    """A script that runs before a stage."""

    script: str
    timeout_seconds: float = Field(default=30, ge=1, le=3600)


class Recovery(Noun):
    """Script, then reactivations, then failovers, then the final action; absent numbers come from the preset."""

    preset: RecoveryPreset = RecoveryPreset.RESTART_THEN_FAILOVER
    target: str | None = None
    max_reactivations: int | None = Field(default=None, ge=0, le=99)
    max_failovers: int | None = Field(default=None, ge=0, le=99)
    final_action: FinalAction = FinalAction.NONE
    pre_reactivation: StageScript | None = None
    pre_failover: StageScript | None = None
    pre_final_action: StageScript | None = None


class PortCheck(Noun):
    """Whether a TCP port is listening."""

    host: str
    port: int = Field(ge=1, le=65535)


class Custom(Noun):
    """A script whose exit code 0 is normal, or a port check."""

    script: str | None = None
    port_check: PortCheck | None = None


class MultiTarget(Noun):
    """Abnormal when every member monitored on this node is abnormal, and at least one is."""

    monitors: tuple[str, ...] = Field(min_length=1)


class Process(Noun):
    """Whether a process with this command line runs."""

    command: str
    minimum: int = Field(default=1, ge=1)


class Monitor(Noun):
    """One check; the block named after ``type`` says what exactly."""

    name: str
    type: MonitorType
    resource: str | None = None
    interval_seconds: float = Field(default=30, ge=0.5, le=3600)
    timeout_seconds: float = Field(default=10, ge=0.1, le=3600)
    retries: int = Field(default=1, ge=0, le=100)
    start_delay_seconds: float = Field(default=0, ge=0, le=3600)
    timing: Timing | None = None
    nodes: tuple[str, ...] = ()
    recovery: Recovery = Recovery()
    custom: Custom | None = None
    ping: Ping | None = None
    http: Http | None = None
    multi_target: MultiTarget | None = None
    process: Process | None = None
