"""The spec as a whole, and the object that carries it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from hacluster.model import implied
from hacluster.model.access import Access
from hacluster.model.azure import Azure, Management, SecretKey
from hacluster.model.base import Invariant, Noun, distinct
from hacluster.model.groups import FailoverGroup
from hacluster.model.machines import Machines, Node, Placement
from hacluster.model.monitors import Monitor
from hacluster.model.network import Network
from hacluster.model.partition import Heartbeat, Partition, PartitionMode, Store
from hacluster.model.rules import addresses, reach, references
from hacluster.model.rules import machines as machine_rules
from hacluster.model.rules import service as service_rules
from hacluster.model.spellings import (
    ClusterName,
    FileMode,
    NodePath,
    PackageName,
    SystemName,
)
from hacluster.model.timings import guide_timeout


class NodeAgent(StrEnum):
    """Who decides which node is active."""

    MANAGED = "Managed"
    EXTERNAL = "External"


class NodeFile(Noun):
    """A file on every node; its content inline, or from a ConfigMap or a Secret."""

    invariants: ClassVar[tuple[Invariant, ...]] = (service_rules.NODE_FILE,)
    list_keys: ClassVar[tuple[str, ...]] = ("path",)

    path: NodePath
    """Where it is on the nodes."""
    mode: FileMode = "0644"
    """Its mode, in quotes. On Windows one that leaves nothing to others, such as "0600", makes it
    a file of the system and the administrators alone; any other leaves the folder's rights."""
    owner: SystemName = "root"
    """Its owner; not on Windows."""
    content: Annotated[str, Field(max_length=65536)] | None = None
    """The content itself."""
    config_map_key_ref: SecretKey | None = None
    """The key of a ConfigMap that holds the content."""
    secret_key_ref: SecretKey | None = None
    """The key of a Secret that holds the content."""


CommandLine = Annotated[str, Field(min_length=1, max_length=4096)]


class NodeCommand(Noun):
    """A command; ``check`` exits 0 where it is not needed."""

    run: CommandLine
    """What is run, by the shell; on Windows by PowerShell."""
    check: CommandLine
    """What tells whether it is needed: exit code 0 means that it is not."""


class NodeConfiguration(Noun):
    """What the application needs on every node."""

    packages: Annotated[
        tuple[PackageName, ...], Field(max_length=128), distinct("write each package once")
    ] = ()
    """Packages of the nodes' distribution; on Windows, features of Windows Server."""
    files: tuple[NodeFile, ...] = Field(default=(), max_length=64)
    """Files."""
    commands: tuple[NodeCommand, ...] = Field(default=(), max_length=64)
    """Commands, run in this order after packages and files."""

    @property
    def is_stated(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.packages or self.files or self.commands)


class ClusterService(Noun):
    """What runs on the nodes and how it fails over."""

    invariants: ClassVar[tuple[Invariant, ...]] = (service_rules.NODE_AGENT,)

    name: ClusterName | None = None
    """The cluster's name for people and on its nodes; by default the object's."""
    node_agent: NodeAgent = NodeAgent.MANAGED
    """Who decides which node is active: Managed, our agent, which the operator installs; or
    External, software of your own, while the operator keeps Azure and the nodes' configuration
    and watches the balancer's health. External can become Managed, and not the other way round."""
    node_configuration: NodeConfiguration = NodeConfiguration()
    """What the application needs on every node."""
    heartbeat: Heartbeat = Heartbeat()
    """How the nodes tell who lives."""
    partition: Partition = Partition()
    """How two nodes are kept from serving at once."""
    store: Store = Store()
    """The storage account that holds the witness, the nodes' configuration and their reports."""
    failover_groups: tuple[FailoverGroup, ...] = Field(default=(), max_length=8)
    """What runs on one node at a time."""
    monitors: tuple[Monitor, ...] = Field(default=(), max_length=32)
    """Checks of your own; those that come with resources need no line here."""

    @property
    def effective_monitors(self) -> tuple[Monitor, ...]:
        """The written monitors, then those that come with resources."""
        return implied.monitors_of(self.failover_groups, self.monitors)

    @property
    def guide_timeout_seconds(self) -> float:
        """A + B + C, the shortest heartbeat time-out of the guide's mode."""
        return guide_timeout(self)

    @property
    def heartbeat_timeout_seconds(self) -> float:
        """The heartbeat time-out: as written, or A + B + C in mode Guide, or the profile's."""
        if self.heartbeat.timeout_seconds is not None:
            return self.heartbeat.timeout_seconds
        if self.partition.mode is PartitionMode.GUIDE:
            return self.guide_timeout_seconds
        return max(self.partition.profile_timeout_seconds, 2 * self.heartbeat.interval_seconds)


class ClusterSpec(Noun):
    """The declared state: Azure's side, the nodes, and the service they keep."""

    invariants: ClassVar[tuple[Invariant, ...]] = (
        *machine_rules.SPEC,
        *addresses.ADDRESSES,
        *reach.ACCESS,
        reach.OUTBOUND,
        *references.NODES,
        *references.SERVICE,
        references.PATIENCE,
    )

    azure: Azure
    """Where in Azure the cluster lives."""
    management: Management = Management()
    """How far the operator may go."""
    network: Network
    """The virtual network, the subnet, the security group and the way out."""
    placement: Placement = Placement()
    """How the nodes are kept from failing together."""
    machines: Machines
    """What all virtual machines share."""
    nodes: Annotated[tuple[Node, ...], Field(min_length=2, max_length=16), *machine_rules.NODES]
    """The cluster's members, two at least."""
    access: Access
    """How clients reach the active node."""
    cluster: ClusterService
    """What runs on the nodes and how it fails over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One HAClusterSpec object: its identity in Kubernetes and its parsed spec."""

    namespace: str
    name: str
    uid: str
    generation: int
    spec: ClusterSpec
    annotations: tuple[tuple[str, str], ...] = ()
