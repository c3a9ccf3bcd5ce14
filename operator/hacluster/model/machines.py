"""Placement, virtual machines, disks and the nodes themselves."""

from enum import StrEnum

from pydantic import Field

from hacluster.model.azure import SecretKey
from hacluster.model.base import Noun


class PlacementType(StrEnum):
    """How the nodes are kept from failing together."""

    ZONES = "Zones"
    AVAILABILITY_SET = "AvailabilitySet"
    NONE = "None"


class AvailabilitySet(Noun):
    """The set; a machine's membership can be chosen only when it is created."""

    name: str | None = None
    update_domains: int = Field(default=5, ge=1, le=20)
    fault_domains: int = Field(default=2, ge=1, le=3)


class Placement(Noun):
    """Zones, an availability set, or nothing."""

    type: PlacementType = PlacementType.ZONES
    availability_set: AvailabilitySet | None = None


class MachineManagement(StrEnum):
    """Whether we make the virtual machines or only look them up by node name."""

    MANAGED = "Managed"
    EXISTING = "Existing"


class OperatingSystem(StrEnum):
    """What runs on the nodes."""

    LINUX = "Linux"
    WINDOWS = "Windows"


class Image(Noun):
    """A platform image, or ``id`` of an image or gallery image version."""

    publisher: str | None = None
    offer: str | None = None
    sku: str | None = None
    version: str = "latest"
    id: str | None = None


class OsDisk(Noun):
    """The operating system's disk."""

    sku: str = "Premium_LRS"
    size_gib: int | None = Field(default=None, ge=1, le=4095)


class Admin(Noun):
    """The administrator's account: SSH keys (Linux) or a password from a Secret."""

    username: str
    password_secret_ref: SecretKey | None = None
    ssh_public_keys: tuple[str, ...] = ()


class BootDiagnostics(Noun):
    """Serial console and screenshot; kept in the cluster's storage account where there is one."""

    enabled: bool = True


class Machines(Noun):
    """What all nodes share; a node may override size and image."""

    management: MachineManagement = MachineManagement.MANAGED
    operating_system: OperatingSystem = OperatingSystem.LINUX
    size: str | None = None
    image: Image | None = None
    os_disk: OsDisk = OsDisk()
    admin: Admin | None = None
    boot_diagnostics: BootDiagnostics = BootDiagnostics()


class DataDisk(Noun):
    """An empty managed disk of one node."""

    name: str
    size_gib: int = Field(ge=1, le=32767)
    sku: str = "StandardSSD_LRS"
    lun: int = Field(ge=0, le=63)


class Node(Noun):
    """One member of the cluster: its machine has the same name."""

    name: str
    private_ip_address: str
    zone: str | None = None
    size: str | None = None
    data_disks: tuple[DataDisk, ...] = ()


class SharedDisk(Noun):
    """A managed disk attached to every node (``maxShares`` is the number of nodes)."""

    name: str
    size_gib: int = Field(ge=1, le=32767)
    sku: str = "Premium_LRS"
    lun: int = Field(ge=0, le=63)
