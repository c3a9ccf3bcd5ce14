"""Failover groups, their resources, and the monitors that watch them."""

from enum import StrEnum

from pydantic import Field

from hacluster.model.base import Noun


class Startup(StrEnum):
    """What a group does when the cluster starts."""

    AUTO = "Auto"
    MANUAL = "Manual"


class Failover(StrEnum):
    """Whether a group may move by itself."""

    AUTO = "Auto"
    MANUAL = "Manual"


class Failback(StrEnum):
    """Whether a group returns to its preferred node by itself."""

    AUTO = "Auto"
    MANUAL = "Manual"


class ResourceType(StrEnum):
    """What a resource is."""

    MIRROR_DISK = "MirrorDisk"
    SHARED_DISK = "SharedDisk"
    PROBE_PORT = "ProbePort"
    AZURE_DNS = "AzureDNS"
    LOOPBACK_ADDRESS = "LoopbackAddress"
    SCRIPT = "Script"
    SYSTEMD = "Systemd"
    FILE_SYSTEM = "FileSystem"


class FileSystemKind(StrEnum):
    """What a disk is formatted with."""

    EXT4 = "ext4"
    XFS = "xfs"


class DiskRef(Noun):
    """A data disk of the node, by its LUN."""

    lun: int = Field(ge=0, le=63)


class MirrorDisk(Noun):
    """A disk kept in step on all nodes, mounted where the group is active."""

    disk: DiskRef
    metadata_size_mib: int = Field(default=1024, ge=1024, le=65536)
    file_system: FileSystemKind = FileSystemKind.EXT4
    mount_path: str
    port: int = Field(default=7788, ge=1, le=65535)


class SharedDiskMount(Noun):
    """A managed disk attached to all nodes, mounted where the group is active."""

    disk: DiskRef
    size_gib: int = Field(ge=1, le=32767)
    sku: str = "Premium_LRS"
    file_system: FileSystemKind = FileSystemKind.EXT4
    mount_path: str


class ProbePort(Noun):
    """Answers the balancer's probe while active; the default port is the probe's."""

    port: int | None = Field(default=None, ge=1, le=65535)


class AzureDns(Noun):
    """Makes the record hold this node's address; zone and record set default to ``access.dns``."""

    ttl_seconds: int | None = Field(default=None, ge=1)


class LoopbackAddress(Noun):
    """Carries the front-end address on the loopback interface while active."""

    address: str


class Script(Noun):
    """Start and stop scripts, with HA_EPOCH in their environment."""

    start: str
    stop: str | None = None


class Systemd(Noun):
    """A systemd unit."""

    unit: str


class FileSystem(Noun):
    """A file system mounted while active."""

    device: str
    mount_path: str
    kind: str = "ext4"
    options: str = ""


class Exhausted(StrEnum):
    """What follows when a resource's retries are used up."""

    FAILOVER = "Failover"
    STOP_GROUP = "StopGroup"
    IGNORE = "Ignore"


class Resource(Noun):
    """One part of a group; the block named after ``type`` says what exactly."""

    name: str
    type: ResourceType
    depends_on: tuple[str, ...] | None = None
    start_timeout_seconds: float = Field(default=60, ge=1, le=3600)
    stop_timeout_seconds: float = Field(default=60, ge=1, le=3600)
    start_retries: int = Field(default=0, ge=0, le=100)
    stop_retries: int = Field(default=0, ge=0, le=100)
    on_start_failure: Exhausted = Exhausted.FAILOVER
    mirror_disk: MirrorDisk | None = None
    shared_disk: SharedDiskMount | None = None
    probe_port: ProbePort | None = None
    azure_dns: AzureDns | None = Field(default=None, alias="azureDNS")
    loopback_address: LoopbackAddress | None = None
    script: Script | None = None
    systemd: Systemd | None = None
    file_system: FileSystem | None = None


class FailoverGroup(Noun):
    """A set of resources that runs on one node at a time, started in order and stopped in reverse."""

    name: str
    startup: Startup = Startup.AUTO
    failover: Failover = Failover.AUTO
    failback: Failback = Failback.MANUAL
    node_order: tuple[str, ...] = ()
    max_failovers: int = Field(default=5, ge=0, le=100)
    failover_period_seconds: float = Field(default=3600, ge=60, le=86400)
    resources: tuple[Resource, ...] = Field(min_length=1)
