"""Placement, virtual machines, disks and the nodes themselves."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from hacluster.model.azure import SecretKey
from hacluster.model.base import Invariant, Noun, distinct
from hacluster.model.rules import machines as machine_rules
from hacluster.model.spellings import (
    IPv4,
    MachineName,
    MachineSize,
    ResourceName,
    SshKey,
    UserName,
    ZoneNumber,
)


class PlacementType(StrEnum):
    """How the nodes are kept from failing together."""

    ZONES = "Zones"
    AVAILABILITY_SET = "AvailabilitySet"
    NONE = "None"


class AvailabilitySet(Noun):
    """The set; a machine's membership can be chosen only when it is created."""

    name: ResourceName | None = None
    """The set's name; by default <cluster>-avset."""
    update_domains: int = Field(default=5, ge=1, le=20)
    """In how many groups Azure updates hosts one after the other."""
    fault_domains: int = Field(default=2, ge=1, le=3)
    """Over how many racks the machines are spread."""


class Placement(Noun):
    """Zones, an availability set, or nothing."""

    invariants: ClassVar[tuple[Invariant, ...]] = (machine_rules.PLACED_ONCE,)

    type: PlacementType = PlacementType.ZONES
    """How the nodes are kept from failing together: Zones, AvailabilitySet or None."""
    availability_set: AvailabilitySet | None = None
    """The availability set, for type AvailabilitySet."""


class MachineManagement(StrEnum):
    """Whether we make the virtual machines or only look them up by node name."""

    MANAGED = "Managed"
    EXISTING = "Existing"


class OperatingSystem(StrEnum):
    """What runs on the nodes."""

    LINUX = "Linux"
    WINDOWS = "Windows"


class DiskSku(StrEnum):
    """What a disk is made of."""

    STANDARD_HDD = "Standard_LRS"
    STANDARD_SSD = "StandardSSD_LRS"
    STANDARD_SSD_ZRS = "StandardSSD_ZRS"
    PREMIUM_SSD = "Premium_LRS"
    PREMIUM_SSD_ZRS = "Premium_ZRS"
    PREMIUM_SSD_V2 = "PremiumV2_LRS"
    ULTRA = "UltraSSD_LRS"


class OsDiskSku(StrEnum):
    """What a disk to boot from may be made of."""

    STANDARD_HDD = "Standard_LRS"
    STANDARD_SSD = "StandardSSD_LRS"
    STANDARD_SSD_ZRS = "StandardSSD_ZRS"
    PREMIUM_SSD = "Premium_LRS"
    PREMIUM_SSD_ZRS = "Premium_ZRS"


class SharedDiskSku(StrEnum):
    """What a disk that several machines attach may be made of."""

    STANDARD_SSD = "StandardSSD_LRS"
    STANDARD_SSD_ZRS = "StandardSSD_ZRS"
    PREMIUM_SSD = "Premium_LRS"
    PREMIUM_SSD_ZRS = "Premium_ZRS"
    PREMIUM_SSD_V2 = "PremiumV2_LRS"
    ULTRA = "UltraSSD_LRS"


ImageWord = Annotated[str, Field(min_length=1, max_length=128)]


class Image(Noun):
    """A platform image, or ``id`` of an image or gallery image version."""

    invariants: ClassVar[tuple[Invariant, ...]] = (machine_rules.ONE_IMAGE,)

    publisher: ImageWord | None = None
    """The platform image's publisher, for example Debian."""
    offer: ImageWord | None = None
    """Its offer, for example debian-12."""
    sku: ImageWord | None = None
    """Its sku, for example 12-gen2."""
    version: ImageWord = "latest"
    """Its version; latest is settled when a machine is made, and never changes one."""
    id: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    """The id of an image or of a gallery's image version, instead of a platform image."""


class OsDisk(Noun):
    """The operating system's disk."""

    sku: OsDiskSku = OsDiskSku.PREMIUM_SSD
    """What the disk is made of."""
    size_gib: int | None = Field(default=None, ge=1, le=4095)
    """Its size; by default the image's."""


class Admin(Noun):
    """The administrator's account: SSH keys (Linux) or a password from a Secret."""

    invariants: ClassVar[tuple[Invariant, ...]] = machine_rules.ADMIN

    username: UserName
    """The account's name."""
    password_secret_ref: SecretKey | None = None
    """The key of a Secret that holds the password."""
    ssh_public_keys: Annotated[
        tuple[SshKey, ...], Field(max_length=16), distinct("write each key once")
    ] = ()
    """Public keys that may log in, in the form of authorized_keys."""


class BootDiagnostics(Noun):
    """Serial console and screenshot; kept in the cluster's storage account where there is one."""

    enabled: bool = True
    """Whether they are kept."""


class Machines(Noun):
    """What all nodes share; a node may override its size."""

    invariants: ClassVar[tuple[Invariant, ...]] = machine_rules.MACHINES

    management: MachineManagement = MachineManagement.MANAGED
    """Managed makes the machines; Existing looks machines up by the nodes' names and changes
    none. It never changes."""
    operating_system: OperatingSystem = OperatingSystem.LINUX
    """Linux or Windows. It never changes."""
    size: MachineSize | None = None
    """The machines' size, for example Standard_B2s."""
    image: Image | None = None
    """What the machines are made from."""
    os_disk: OsDisk = OsDisk()
    """The disk that they boot from."""
    admin: Admin | None = None
    """The administrator's account."""
    boot_diagnostics: BootDiagnostics = BootDiagnostics()
    """Serial console and screenshot."""


class DataDisk(Noun):
    """An empty managed disk of one node."""

    invariants: ClassVar[tuple[Invariant, ...]] = (machine_rules.NO_SHRINKING,)
    list_keys: ClassVar[tuple[str, ...]] = ("name",)

    name: ResourceName
    """The disk's name in Azure; no other disk of the resource group has it."""
    size_gib: int = Field(ge=1, le=32767)
    """Its size; it can grow and not shrink."""
    sku: DiskSku = DiskSku.STANDARD_SSD
    """What it is made of."""
    lun: int = Field(ge=0, le=63)
    """The number under which the machine sees it."""


class Node(Noun):
    """One member of the cluster: its machine has the same name."""

    list_keys: ClassVar[tuple[str, ...]] = ("name",)

    name: MachineName
    """The node's name, its machine's and its host's."""
    private_ip_address: IPv4
    """The node's address, static, in the subnet."""
    zone: ZoneNumber | None = None
    """The availability zone, for placement in zones."""
    size: MachineSize | None = None
    """The machine's size, instead of the one that all share."""
    data_disks: Annotated[tuple[DataDisk, ...], Field(max_length=16), machine_rules.LUNS] = ()
    """The node's own disks."""
