"""Heartbeats, the witness and the targets: how a node tells "the peer is down" from "I am cut off"."""

from enum import StrEnum

from pydantic import Field

from hacluster.model.base import Noun
from hacluster.model.network import Existing


class Heartbeat(Noun):
    """UDP between the nodes; the default time-out comes from the profile, or is A + B + C in the guide's mode."""

    interval_seconds: float = Field(default=1, ge=0.1, le=60)
    timeout_seconds: float | None = Field(default=None, ge=1, le=3600)
    port: int = Field(default=26002, ge=1, le=65535)


class PartitionMode(StrEnum):
    """Who gives the right to be active."""

    WITNESS = "Witness"
    GUIDE = "Guide"


class Profile(StrEnum):
    """A proven set of timings."""

    FASTEST = "Fastest"
    FAST = "Fast"
    BALANCED = "Balanced"
    RIDE_THROUGH = "RideThrough"


class Timings(Noun):
    """Explicit numbers instead of a profile, in seconds; every inequality of docs/protocol.md must hold."""

    lease_seconds: float = Field(gt=0, le=600)
    renew_seconds: float = Field(gt=0, le=60)
    request_timeout_seconds: float = Field(gt=0, le=60)
    retries: int = Field(ge=3, le=20)
    fence_seconds: float = Field(gt=0, le=120)
    slack_seconds: float = Field(default=0.3, gt=0, le=10)
    watchdog_seconds: float = Field(gt=0, le=600)
    contend_seconds: float = Field(gt=0, le=1200)
    poll_seconds: float = Field(gt=0, le=60)
    guard_seconds: float = Field(default=30.3, ge=0, le=600)
    clock_rate_error: float = Field(default=0.01, ge=0, le=0.1)


class WitnessType(StrEnum):
    """Where the witness record lives."""

    AZURE_BLOB = "AzureBlob"
    KUBERNETES_LEASE = "KubernetesLease"


class Ping(Noun):
    """ICMP echo; all addresses must stay silent for the target to count as lost."""

    addresses: tuple[str, ...] = Field(min_length=1)


class Tcp(Noun):
    """A TCP connection."""

    host: str
    port: int = Field(ge=1, le=65535)


class Http(Noun):
    """An HTTP HEAD request; any answer below 500 is healthy unless ``expected_status`` says otherwise."""

    url: str
    expected_status: int | None = Field(default=None, ge=100, le=599)


class TargetType(StrEnum):
    """How a target is asked."""

    PING = "Ping"
    TCP = "TCP"
    HTTP = "HTTP"


class Target(Noun):
    """A thing outside the cluster that a healthy node can reach; never a reason to take over."""

    name: str
    type: TargetType
    ping: Ping | None = None
    tcp: Tcp | None = None
    http: Http | None = None


class Partition(Noun):
    """Mode, profile or explicit timings, witness and targets."""

    mode: PartitionMode = PartitionMode.WITNESS
    profile: Profile = Profile.BALANCED
    timings: Timings | None = None
    witness: WitnessType = WitnessType.AZURE_BLOB
    targets: tuple[Target, ...] = ()


class StoreAccess(StrEnum):
    """How the nodes may reach the store."""

    MANAGED_IDENTITY = "ManagedIdentity"
    SAS = "SAS"


class Store(Noun):
    """The storage account that is the cluster's meeting place; the names default to names made from the cluster's."""

    storage_account: str | None = None
    container: str | None = None
    existing: Existing | None = None
    access: StoreAccess = StoreAccess.MANAGED_IDENTITY
