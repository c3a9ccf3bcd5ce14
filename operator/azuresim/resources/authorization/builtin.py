"""Azure's built-in roles, as far as clusters of machines meet them (source: document).

Ids, names and actions are Azure's own; they are the same in every tenant.
"""

from typing import Any, Final, NamedTuple

READ: Final = "*/read"
SUPPORT: Final = "Microsoft.Support/*"
COMMON: Final = (
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.ResourceHealth/availabilityStatuses/read",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    SUPPORT,
)
"""What most roles of a resource provider hold beside its own actions."""


class Builtin(NamedTuple):
    """One role: id, name, what it is for, what it allows and what not, and the same of data."""

    id: str
    name: str
    description: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()

    def properties(self) -> dict[str, Any]:
        """Return the role's properties as they are stored."""
        permission = {
            "actions": list(self.actions),
            "notActions": list(self.not_actions),
            "dataActions": list(self.data_actions),
            "notDataActions": [],
        }
        return {
            "roleName": self.name,
            "type": "BuiltInRole",
            "description": self.description,
            "assignableScopes": ["/"],
            "permissions": [permission],
        }


OWNER: Final = Builtin(
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Owner",
    "Grants full access to manage all resources, including the ability to assign roles.",
    ("*",),
)
BLOBS: Final = "Microsoft.Storage/storageAccounts/blobServices"
ROLES: Final[tuple[Builtin, ...]] = (
    OWNER,
    Builtin(
        "b24988ac-6180-42a0-ab88-20f7382dd24c",
        "Contributor",
        "Grants full access to manage all resources, but does not allow you to assign roles.",
        ("*",),
        (
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
        ),
    ),
    Builtin(
        "acdd72a7-3385-48ef-bd42-f606fba81ae7",
        "Reader",
        "View all resources, but does not allow you to make any changes.",
        (READ,),
    ),
    Builtin(
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        "User Access Administrator",
        "Lets you manage user access to Azure resources.",
        (READ, "Microsoft.Authorization/*", SUPPORT),
    ),
    Builtin(
        "4d97b98b-1d4f-4787-a291-c67834d212e7",
        "Network Contributor",
        "Lets you manage networks, but not access to them.",
        ("Microsoft.Network/*", *COMMON),
    ),
    Builtin(
        "9980e02c-c2be-4d73-94e8-173b1dc7cf3c",
        "Virtual Machine Contributor",
        "Create and manage virtual machines, manage disks, and run commands.",
        (
            "Microsoft.Compute/availabilitySets/*",
            "Microsoft.Compute/locations/*",
            "Microsoft.Compute/virtualMachines/*",
            "Microsoft.Compute/virtualMachineScaleSets/*",
            "Microsoft.Compute/disks/write",
            "Microsoft.Compute/disks/read",
            "Microsoft.Compute/disks/delete",
            "Microsoft.Network/loadBalancers/backendAddressPools/join/action",
            "Microsoft.Network/loadBalancers/probes/join/action",
            "Microsoft.Network/loadBalancers/read",
            "Microsoft.Network/locations/*",
            "Microsoft.Network/networkInterfaces/*",
            "Microsoft.Network/networkSecurityGroups/join/action",
            "Microsoft.Network/networkSecurityGroups/read",
            "Microsoft.Network/publicIPAddresses/join/action",
            "Microsoft.Network/publicIPAddresses/read",
            "Microsoft.Network/virtualNetworks/read",
            "Microsoft.Network/virtualNetworks/subnets/join/action",
            "Microsoft.Storage/storageAccounts/listKeys/action",
            "Microsoft.Storage/storageAccounts/read",
            *COMMON,
        ),
    ),
    Builtin(
        "befefa01-2a29-4197-83a8-272ff33ce314",
        "DNS Zone Contributor",
        "Lets you manage DNS zones and record sets in Azure DNS.",
        ("Microsoft.Network/dnsZones/*", *COMMON),
    ),
    Builtin(
        "b12aa53e-6015-4669-85d0-8515ebb3ae7f",
        "Private DNS Zone Contributor",
        "Lets you manage private DNS zone resources.",
        (
            "Microsoft.Network/privateDnsZones/*",
            "Microsoft.Network/privateDnsOperationResults/*",
            "Microsoft.Network/privateDnsOperationStatuses/*",
            "Microsoft.Network/virtualNetworks/read",
            "Microsoft.Network/virtualNetworks/join/action",
            *COMMON,
        ),
    ),
    Builtin(
        "17d1049b-9a84-46fb-8f53-869881c3d3ab",
        "Storage Account Contributor",
        "Lets you manage storage accounts, including their keys.",
        ("Microsoft.Storage/storageAccounts/*", *COMMON),
    ),
    Builtin(
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        "Storage Blob Data Contributor",
        "Allows for read, write and delete access to Azure Storage blob containers and data.",
        (
            f"{BLOBS}/containers/delete",
            f"{BLOBS}/containers/read",
            f"{BLOBS}/containers/write",
            f"{BLOBS}/generateUserDelegationKey/action",
        ),
        (),
        (
            f"{BLOBS}/containers/blobs/delete",
            f"{BLOBS}/containers/blobs/read",
            f"{BLOBS}/containers/blobs/write",
            f"{BLOBS}/containers/blobs/move/action",
            f"{BLOBS}/containers/blobs/add/action",
        ),
    ),
    Builtin(
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        "Storage Blob Data Reader",
        "Allows for read access to Azure Storage blob containers and data.",
        (f"{BLOBS}/containers/read", f"{BLOBS}/generateUserDelegationKey/action"),
        (),
        (f"{BLOBS}/containers/blobs/read",),
    ),
    Builtin(
        "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59",
        "Managed Identity Contributor",
        "Create, read, update and delete user-assigned identities.",
        ("Microsoft.ManagedIdentity/userAssignedIdentities/*", *COMMON),
    ),
    Builtin(
        "f1a07417-d97a-45cb-824c-7a7467783830",
        "Managed Identity Operator",
        "Read and assign user-assigned identities.",
        (
            "Microsoft.ManagedIdentity/userAssignedIdentities/*/read",
            "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
            *COMMON,
        ),
    ),
)
