"""The one table of what is asked of Azure: each type, its API version, how it is read and guarded.

Versions are pinned because a newer one changes behaviour: from Microsoft.Network 2025-07-01 the
subnets of new networks are private unless told otherwise. A test compares every address made from
this table with the one that Azure's own typed client makes.
"""

from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Final


class Listing(Enum):
    """Where a type can be listed."""

    SUBSCRIPTION = auto()
    """By one call for the whole subscription, and by one per group."""
    SUBSCRIPTION_ONLY = auto()
    """By one call for the whole subscription; a group has no list of its own."""
    PARENT = auto()
    """Only under each parent."""
    EMBEDDED = auto()
    """In the parent's own body; never listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is known of a resource type."""

    name: str
    """Provider and type as Azure spells them, without parents' names."""
    version: str
    listing: Listing = Listing.SUBSCRIPTION
    embedded_in: str = ""
    """For EMBEDDED: the property of the parent's body that holds it."""
    guards_creation: bool = False
    """Whether a creation is sent with If-None-Match, so that it never overwrites: documented for
    machines and DNS; the network provider ignores it at worst."""
    single_reads: tuple[tuple[str, str], ...] = ()
    """Query parameters of a GET: what a list cannot tell."""
    list_reads: tuple[tuple[str, str], ...] = ()
    """Query parameters of a list over the subscription or a parent."""
    group_reads: tuple[tuple[str, str], ...] = ()
    """Query parameters of a list over a group."""
    overlay: tuple[tuple[str, str], ...] = ()
    """Query parameters of a second list over the subscription, that has the instance views."""


_NETWORK: Final = "2025-05-01"
_COMPUTE: Final = "2025-04-01"
_DISKS: Final = "2025-01-02"
_STORAGE: Final = "2024-01-01"
_PUBLIC_DNS: Final = "2018-05-01"
_PRIVATE_DNS: Final = "2024-06-01"
_AUTHORIZATION: Final = "2022-04-01"

GROUP: Final = Kind(name="Microsoft.Resources/resourceGroups", version="2021-04-01")

_KINDS: Final = (
    GROUP,
    Kind(name="Microsoft.Network/virtualNetworks", version=_NETWORK, guards_creation=True),
    Kind(
        name="Microsoft.Network/virtualNetworks/subnets",
        version=_NETWORK,
        listing=Listing.EMBEDDED,
        embedded_in="subnets",
        guards_creation=True,
    ),
    Kind(name="Microsoft.Network/networkSecurityGroups", version=_NETWORK, guards_creation=True),
    Kind(name="Microsoft.Network/natGateways", version=_NETWORK, guards_creation=True),
    Kind(name="Microsoft.Network/publicIPAddresses", version=_NETWORK, guards_creation=True),
    Kind(name="Microsoft.Network/loadBalancers", version=_NETWORK, guards_creation=True),
    Kind(name="Microsoft.Network/networkInterfaces", version=_NETWORK, guards_creation=True),
    Kind(name="Microsoft.Network/dnsZones", version=_PUBLIC_DNS, guards_creation=True),
    Kind(
        name="Microsoft.Network/dnsZones/A",
        version=_PUBLIC_DNS,
        listing=Listing.PARENT,
        guards_creation=True,
    ),
    Kind(
        name="Microsoft.Network/dnsZones/NS",
        version=_PUBLIC_DNS,
        listing=Listing.PARENT,
        guards_creation=True,
    ),
    Kind(name="Microsoft.Network/privateDnsZones", version=_PRIVATE_DNS, guards_creation=True),
    Kind(
        name="Microsoft.Network/privateDnsZones/A",
        version=_PRIVATE_DNS,
        listing=Listing.PARENT,
        guards_creation=True,
    ),
    Kind(
        name="Microsoft.Network/privateDnsZones/virtualNetworkLinks",
        version=_PRIVATE_DNS,
        listing=Listing.PARENT,
        guards_creation=True,
    ),
    Kind(name="Microsoft.Compute/availabilitySets", version=_COMPUTE),
    Kind(name="Microsoft.Compute/disks", version=_DISKS),
    Kind(
        name="Microsoft.Compute/virtualMachines",
        version=_COMPUTE,
        guards_creation=True,
        single_reads=(("$expand", "instanceView"),),
        group_reads=(("$expand", "instanceView"),),
        overlay=(("statusOnly", "true"),),
    ),
    Kind(
        name="Microsoft.Compute/virtualMachines/runCommands",
        version=_COMPUTE,
        listing=Listing.PARENT,
        single_reads=(("$expand", "instanceView"),),
    ),
    Kind(name="Microsoft.Storage/storageAccounts", version=_STORAGE),
    Kind(
        name="Microsoft.Storage/storageAccounts/blobServices/containers",
        version=_STORAGE,
        listing=Listing.PARENT,
    ),
    Kind(name="Microsoft.ManagedIdentity/userAssignedIdentities", version="2024-11-30"),
    Kind(
        name="Microsoft.Authorization/roleDefinitions",
        version=_AUTHORIZATION,
        listing=Listing.SUBSCRIPTION_ONLY,
        list_reads=(("$filter", "type eq 'CustomRole'"),),
    ),
    Kind(
        name="Microsoft.Authorization/roleAssignments",
        version=_AUTHORIZATION,
        listing=Listing.SUBSCRIPTION_ONLY,
    ),
)

KINDS: Final = MappingProxyType({kind.name.casefold(): kind for kind in _KINDS})
"""Every kind by its casefolded name."""
