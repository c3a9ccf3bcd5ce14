"""Heartbeats, witness and targets: how a node tells "the peer is down" from "I am cut off"."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from hacluster.model.base import Invariant, Noun, distinct
from hacluster.model.network import Existing
from hacluster.model.rules import partition as partition_rules
from hacluster.model.spellings import (
    ContainerName,
    HostName,
    IPv4,
    ItemName,
    StorageAccountName,
    Url,
)
from hacluster.model.timings import HEARTBEAT_TIMEOUT_S, PROFILES, Profile, Timings


class Heartbeat(Noun):
    """Messages between the nodes that tell who lives; alone they never move a group."""

    invariants: ClassVar[tuple[Invariant, ...]] = (partition_rules.HEARTBEAT,)

    interval_seconds: float = Field(default=1, ge=0.1, le=60)
    """How often a node tells the others that it lives."""
    timeout_seconds: float | None = Field(default=None, ge=1, le=3600)
    """After which silence a node counts as down. By default the profile's, or A + B + C in mode
    Guide, where a shorter one is refused."""
    port: int = Field(default=26002, ge=1, le=65535)
    """The UDP port that the nodes talk on."""


class PartitionMode(StrEnum):
    """Who gives the right to be active."""

    WITNESS = "Witness"
    GUIDE = "Guide"


class WitnessType(StrEnum):
    """Where the witness record lives."""

    AZURE_BLOB = "AzureBlob"
    KUBERNETES_LEASE = "KubernetesLease"


class Ping(Noun):
    """ICMP echo; all addresses must stay silent for the target to count as lost."""

    addresses: Annotated[
        tuple[IPv4, ...],
        Field(min_length=1, max_length=16),
        distinct("write each address once"),
    ]
    """The addresses that are pinged; one answer is enough."""


class Tcp(Noun):
    """A TCP connection."""

    host: HostName
    """The host's name or address."""
    port: int = Field(ge=1, le=65535)
    """The port."""


class Http(Noun):
    """An HTTP HEAD request; any answer below 500 is healthy unless a status is expected."""

    url: Url
    """What is asked for."""
    expected_status: int | None = Field(default=None, ge=100, le=599)
    """The one status that is healthy; by default any below 500."""


class TargetType(StrEnum):
    """How a target is asked."""

    PING = "Ping"
    TCP = "TCP"
    HTTP = "HTTP"


class Target(Noun):
    """A thing outside the cluster that a healthy node can reach; never a reason to take over."""

    invariants: ClassVar[tuple[Invariant, ...]] = partition_rules.TARGET
    list_keys: ClassVar[tuple[str, ...]] = ("name",)

    name: ItemName
    """The target's name."""
    type: TargetType
    """How it is asked: Ping, TCP or HTTP. The block of that name says whom."""
    ping: Ping | None = None
    """Whom to ping, for type Ping."""
    tcp: Tcp | None = None
    """Where to connect, for type TCP."""
    http: Http | None = None
    """What to ask for, for type HTTP."""


class Partition(Noun):
    """Mode, profile or explicit timings, witness and targets."""

    invariants: ClassVar[tuple[Invariant, ...]] = partition_rules.PARTITION_KEEPS

    mode: PartitionMode = PartitionMode.WITNESS
    """Witness: a record that only one node can hold gives the right to be active. Guide: heartbeat
    time-out, targets and multi-target monitor, which cannot exclude two active nodes; the status
    then says SplitBrainSafe=False."""
    profile: Profile = Profile.BALANCED
    """How fast to fail over, and how much of a pause to bear: Fastest, Fast, Balanced or
    RideThrough."""
    timings: Timings | None = None
    """Explicit numbers instead of the profile's; a set that breaks an inequality is refused."""
    witness: WitnessType = WitnessType.AZURE_BLOB
    """Where the record is kept: AzureBlob, in the cluster's storage account, or KubernetesLease."""
    targets: tuple[Target, ...] = Field(default=(), max_length=16)
    """What a healthy node can reach; a node that cannot gives up and does not start."""

    @property
    def effective_timings(self) -> Timings:
        """The explicit numbers, or the profile's."""
        return self.timings or PROFILES[self.profile]

    @property
    def profile_timeout_seconds(self) -> float:
        """The heartbeat time-out that goes with the profile."""
        return HEARTBEAT_TIMEOUT_S[self.profile]


class StoreAccess(StrEnum):
    """How the nodes may reach the store."""

    MANAGED_IDENTITY = "ManagedIdentity"
    SAS = "SAS"


class Store(Noun):
    """The storage account that is the cluster's meeting place."""

    invariants: ClassVar[tuple[Invariant, ...]] = (
        partition_rules.STORE,
        *partition_rules.STORE_KEEPS,
    )

    storage_account: StorageAccountName | None = None
    """The account's name, unique in all of Azure; by default made from the cluster's."""
    container: ContainerName | None = None
    """The container's name; by default made from the cluster's."""
    existing: Annotated[Existing, partition_rules.EXISTING_STORE] | None = None
    """An account, or a container of one, that is there already; it is used and never changed."""
    access: StoreAccess = StoreAccess.MANAGED_IDENTITY
    """How the nodes get in: ManagedIdentity, by a role assignment on the container, or SAS, where
    the operator may not assign roles."""
