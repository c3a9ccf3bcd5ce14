"""Failover groups, their resources, and the monitors that watch them."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from hacluster.model.base import Invariant, Noun, distinct
from hacluster.model.machines import SharedDiskSku
from hacluster.model.rules import service as service_rules
from hacluster.model.rules.machines import NO_SHRINKING
from hacluster.model.spellings import AbsolutePath, IPv4, ItemName, MachineName, UnitName


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
    """The number under which the machine sees it."""


class MirrorDisk(Noun):
    """A disk kept in step on both nodes, mounted where the group is active."""

    disk: DiskRef
    """The data disk; every node has one with this lun."""
    metadata_size_mib: int = Field(default=1024, ge=1024, le=65536)
    """How much of the disk is kept for the mirror's own records."""
    file_system: FileSystemKind = FileSystemKind.EXT4
    """What the rest is formatted with, when it is empty: ext4 or xfs."""
    mount_path: AbsolutePath
    """Where it is mounted."""
    port: int = Field(default=7788, ge=1, le=65535)
    """The TCP port that the nodes copy over."""


class SharedDiskMount(Noun):
    """A managed disk attached to all nodes, mounted where the group is active."""

    invariants: ClassVar[tuple[Invariant, ...]] = (NO_SHRINKING,)

    disk: DiskRef
    """The number under which every machine sees it."""
    size_gib: int = Field(ge=1, le=32767)
    """Its size; it can grow and not shrink."""
    sku: SharedDiskSku = SharedDiskSku.PREMIUM_SSD
    """What it is made of."""
    file_system: FileSystemKind = FileSystemKind.EXT4
    """What it is formatted with, when it is empty: ext4 or xfs."""
    mount_path: AbsolutePath
    """Where it is mounted."""


class ProbePort(Noun):
    """Answers the balancer's probe while active; the default port is the probe's."""

    port: int | None = Field(default=None, ge=1, le=65535)
    """The probe's port; by default taken from access.loadBalancer.probe."""


class AzureDns(Noun):
    """Makes the record hold this node's address; zone and record set are those of the access."""

    ttl_seconds: int | None = Field(default=None, ge=1, le=2147483647)
    """The record's TTL; by default taken from access.dns."""


class LoopbackAddress(Noun):
    """Carries the front-end address on the loopback interface while active."""

    address: IPv4 | None = None
    """The balancer's front-end address; by default taken from the balancer."""


ScriptText = Annotated[str, Field(min_length=1, max_length=32768)]


class Script(Noun):
    """Start and stop scripts, with HA_EPOCH in their environment."""

    start: ScriptText
    """The start script, with its interpreter in the first line; exit code 0 is success."""
    stop: ScriptText | None = None
    """The stop script."""


class Systemd(Noun):
    """A systemd unit."""

    unit: UnitName
    """The unit's name with its ending, for example app.service."""


class FileSystem(Noun):
    """A file system mounted while active."""

    device: AbsolutePath
    """The device, for example /dev/disk/azure/scsi1/lun0."""
    mount_path: AbsolutePath
    """Where it is mounted."""
    kind: Annotated[str, Field(min_length=1, max_length=32)] = "ext4"
    """Its type, as mount knows it."""
    options: Annotated[str, Field(max_length=1024)] = ""
    """Mount options, separated by commas."""


class Exhausted(StrEnum):
    """What follows when a resource's retries are used up."""

    FAILOVER = "Failover"
    STOP_GROUP = "StopGroup"
    IGNORE = "Ignore"


class Resource(Noun):
    """One part of a group; the block named after ``type`` says what exactly."""

    invariants: ClassVar[tuple[Invariant, ...]] = service_rules.RESOURCE
    list_keys: ClassVar[tuple[str, ...]] = ("name",)

    name: ItemName
    """The resource's name; no other resource or group of the cluster has it."""
    type: ResourceType
    """What it is: MirrorDisk, SharedDisk, ProbePort, AzureDNS, LoopbackAddress, Script, Systemd or
    FileSystem. The block of that name says what exactly."""
    depends_on: (
        Annotated[
            tuple[ItemName, ...],
            Field(max_length=8),
            distinct("write each resource once"),
        ]
        | None
    ) = None
    """The resources of the group that must be active before it; by default the one above it."""
    start_timeout_seconds: float = Field(default=60, ge=1, le=3600)
    """After how long a start has failed."""
    stop_timeout_seconds: float = Field(default=60, ge=1, le=3600)
    """After how long a stop has failed."""
    start_retries: int = Field(default=0, ge=0, le=100)
    """How often a failed start is tried again."""
    stop_retries: int = Field(default=0, ge=0, le=100)
    """How often a failed stop is tried again."""
    on_start_failure: Exhausted = Exhausted.FAILOVER
    """What follows when it does not start: Failover, StopGroup or Ignore."""
    mirror_disk: MirrorDisk | None = None
    """The disk, for type MirrorDisk."""
    shared_disk: SharedDiskMount | None = None
    """The disk, for type SharedDisk."""
    probe_port: ProbePort | None = None
    """The port, for type ProbePort; it may be left out."""
    azure_dns: AzureDns | None = Field(default=None, alias="azureDNS")
    """The record, for type AzureDNS; it may be left out."""
    loopback_address: LoopbackAddress | None = None
    """The address, for type LoopbackAddress; it may be left out."""
    script: Script | None = None
    """The scripts, for type Script."""
    systemd: Systemd | None = None
    """The unit, for type Systemd."""
    file_system: FileSystem | None = None
    """The mount, for type FileSystem."""


class FailoverGroup(Noun):
    """Resources that run on one node at a time, started in order and stopped in reverse."""

    invariants: ClassVar[tuple[Invariant, ...]] = service_rules.GROUP
    list_keys: ClassVar[tuple[str, ...]] = ("name",)

    name: ItemName
    """The group's name."""
    startup: Startup = Startup.AUTO
    """Whether it starts with the cluster: Auto or Manual."""
    failover: Failover = Failover.AUTO
    """Whether it moves by itself when its node fails: Auto or Manual."""
    failback: Failback = Failback.MANUAL
    """Whether it returns to its preferred node by itself: Auto or Manual."""
    node_order: Annotated[
        tuple[MachineName, ...], Field(max_length=16), distinct("write each node once")
    ] = ()
    """The nodes that may run it, the preferred one first; by default all, in the spec's order."""
    max_failovers: int = Field(default=5, ge=0, le=100)
    """How many failures within the period end in giving up instead of moving on."""
    failover_period_seconds: float = Field(default=3600, ge=60, le=86400)
    """The period in which failures are counted."""
    resources: tuple[Resource, ...] = Field(min_length=1, max_length=24)
    """What it consists of, in the order of starting."""
