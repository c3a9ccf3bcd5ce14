"""The agent's configuration as the state machine sees it: typed, frozen, already checked.

Defaults that the configuration guide gives are the guide's; the others are ours. ``options`` are
for the runtime (paths, addresses, units): the machine never looks into them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, Mapping, Tuple

from hacluster_node.timing import BALANCED, Timings


class Mode(str, enum.Enum):
    """Who gives the right to be active."""

    WITNESS = "Witness"
    """The witness's record alone."""
    GUIDE = "Guide"
    """Heartbeat timeout, targets and multi-target monitor; cannot exclude two active nodes."""


class Policy(str, enum.Enum):
    """Whether something happens by itself."""

    AUTOMATIC = "Automatic"
    MANUAL = "Manual"


class FinalAction(str, enum.Enum):
    """The last step of a recovery."""

    NONE = "None"
    STOP_GROUP = "StopGroup"
    STOP_SERVICE = "StopCluster"
    SHUT_DOWN = "StopClusterAndShutdown"
    REBOOT = "StopClusterAndReboot"


class When(str, enum.Enum):
    """When a monitor checks."""

    ALWAYS = "Always"
    ACTIVE = "Active"
    """While the watched resource (or group) is active here."""
    INACTIVE = "Inactive"
    """While it is not active here."""


@dataclass(frozen=True)
class Node:
    """A member of the cluster."""

    name: str
    address: str = ""
    """Where its heartbeats come from and go to."""


@dataclass(frozen=True)
class Resource:
    """Something a group starts and stops."""

    name: str
    kind: str = "Script"
    """MirrorDisk, SharedDisk, ProbePort, AzureDNS, LoopbackAddress, Script, Systemd, FileSystem."""
    depends_on: Tuple[str, ...] = ()
    """Names in the same group that are active before this one starts."""
    start_timeout_s: float = 60.0
    stop_timeout_s: float = 60.0
    start_retries: int = 1
    """Further attempts after the first one failed."""
    stop_retries: int = 1
    max_failovers: int = 1
    """How often a failed start moves the group to another node before ``final_action``."""
    final_action: FinalAction = FinalAction.STOP_GROUP
    """What follows when its start failed and every failover is used up."""
    stop_final_action: FinalAction = FinalAction.REBOOT
    """What follows when its stop failed: the group is fenced here but not cleanly stopped."""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """A failover group: resources that run on one node at a time."""

    name: str
    resources: Tuple[Resource, ...] = ()
    """In start order as far as ``depends_on`` says nothing else."""
    startup: Policy = Policy.AUTOMATIC
    failover: Policy = Policy.AUTOMATIC
    failback: Policy = Policy.MANUAL
    node_order: Tuple[str, ...] = ()
    """Preferred first; empty means the order of ``AgentConfig.nodes``. Others never run it."""
    max_failovers: int = 4
    """Failures in a row, cluster-wide, after which it is given up instead of moved again."""
    settled_after_s: float = 600.0
    """Online this long without failure, its failure counts start anew."""
    failback_after_s: float = 30.0
    """How long the preferred node must be seen well before an automatic failback."""


@dataclass(frozen=True)
class Recovery:
    """What follows when a monitor is abnormal: script, reactivate, fail over, final action."""

    target: str = ""
    """A resource or group; "" means the local node (only the final action applies)."""
    max_reactivations: int = 3
    max_failovers: int = 1
    final_action: FinalAction = FinalAction.NONE
    scripts: Mapping[str, float] = field(default_factory=dict)
    """Stage name (``effects.Stage``) to the time limit in seconds of the script before it."""


@dataclass(frozen=True)
class Monitor:
    """A check that repeats, or a rule over other monitors (``members``)."""

    name: str
    kind: str = "Custom"
    interval_s: float = 60.0
    timeout_s: float = 30.0
    retries: int = 1
    """Further failures in a row, after the first, before it is abnormal."""
    start_delay_s: float = 0.0
    when: When = When.ALWAYS
    watches: str = ""
    """The resource or group ``when`` speaks of."""
    nodes: Tuple[str, ...] = ()
    """Where it runs; empty means everywhere."""
    members: Tuple[str, ...] = ()
    """MultiTarget only: the monitors it looks at."""
    recovery: Recovery = field(default_factory=Recovery)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HeartbeatTimes:
    """How often nodes tell each other that they live."""

    interval_s: float = 1.0
    timeout_s: float = 10.0
    """Silence after which a peer counts as down. Guide mode: at least A + B + C."""


@dataclass(frozen=True)
class Partition:
    """How the cluster decides who may be active when nodes do not hear each other."""

    mode: Mode = Mode.WITNESS
    profile: str = "Balanced"
    """Fastest, Fast, Balanced, RideThrough, or Custom for explicit numbers."""
    timings: Timings = BALANCED
    failsafe: bool = True
    """With the witness away, stay active while every other node promises not to contend."""
    power_off: bool = False
    """Power the old holder off through ARM instead of waiting the freeze guard out."""
    live_probe: bool = False
    """Answer every probe only after a witness read begun after it arrived (clock-free)."""
    targets: Tuple[Monitor, ...] = ()
    """Ping, TCP or HTTP checks of this node's own reach; never a reason to take over."""
    grace_s: float = 30.0
    """Guide mode: C, the grace on top of A + B."""


@dataclass(frozen=True)
class AgentConfig:
    """All a node agent decides by."""

    cluster: str
    node: str
    """This node's name."""
    nodes: Tuple[Node, ...]
    groups: Tuple[Group, ...]
    monitors: Tuple[Monitor, ...] = ()
    partition: Partition = field(default_factory=Partition)
    heartbeat: HeartbeatTimes = field(default_factory=HeartbeatTimes)
    probe_interval_s: float = 5.0
    """How often the balancer probes; bounds the age of a 200 (rule 10)."""
    version: str = ""
    """Which configuration this is, for status."""

    def group(self, name: str) -> Group:
        """Return the group called ``name``.

        Raises:
            KeyError: There is none.
        """
        for group in self.groups:
            if group.name == name:
                return group
        raise KeyError(name)

    def order(self, group: Group) -> Tuple[str, ...]:
        """Return the nodes that may run ``group``, preferred first."""
        return group.node_order or tuple(node.name for node in self.nodes)

    @property
    def peers(self) -> Tuple[str, ...]:
        """Return the other nodes' names, in configured order."""
        return tuple(node.name for node in self.nodes if node.name != self.node)
