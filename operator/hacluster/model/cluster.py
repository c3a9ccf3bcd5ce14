"""The spec as a whole, and the object that carries it."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import Field

from hacluster.model.access import Access
from hacluster.model.azure import Azure, Management, SecretKey
from hacluster.model.base import Noun
from hacluster.model.groups import FailoverGroup
from hacluster.model.machines import Machines, Node, Placement
from hacluster.model.monitors import Monitor
from hacluster.model.network import Network
from hacluster.model.partition import Heartbeat, Partition, Store


class NodeAgent(StrEnum):
    """Who decides which node is active."""

    MANAGED = "Managed"
    EXTERNAL = "External"


class NodeFile(Noun):
    """A file on every node; its content inline, or from a ConfigMap or a Secret."""

    path: str
    mode: str = "0644"
    owner: str = "root"
    content: str | None = None
    config_map_key_ref: SecretKey | None = None
    secret_key_ref: SecretKey | None = None


class NodeCommand(Noun):
    """A command; ``check`` exits 0 where it is not needed."""

    run: str
    check: str


class NodeConfiguration(Noun):
    """What the application needs on every node."""

    packages: tuple[str, ...] = ()
    files: tuple[NodeFile, ...] = ()
    commands: tuple[NodeCommand, ...] = ()


class ClusterService(Noun):
    """What runs on the nodes and how it fails over; ``name`` defaults to the object's."""

    name: str | None = None
    node_agent: NodeAgent = NodeAgent.MANAGED
    node_configuration: NodeConfiguration = NodeConfiguration()
    heartbeat: Heartbeat = Heartbeat()
    partition: Partition = Partition()
    store: Store = Store()
    failover_groups: tuple[FailoverGroup, ...] = Field(default=(), max_length=16)
    monitors: tuple[Monitor, ...] = ()


class ClusterSpec(Noun):
    """The declared state: Azure's side, the nodes, and the service they keep."""

    azure: Azure
    management: Management = Management()
    network: Network = Network()
    placement: Placement = Placement()
    machines: Machines = Machines()
    nodes: tuple[Node, ...] = Field(min_length=2, max_length=16)
    access: Access
    cluster: ClusterService


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One HAClusterSpec object: its identity in Kubernetes and its parsed spec."""

    namespace: str
    name: str
    uid: str
    generation: int
    spec: ClusterSpec
    annotations: tuple[tuple[str, str], ...] = ()
