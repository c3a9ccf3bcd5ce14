"""The rights that the operator's calls need: made from the calls, so that none is forgotten.

Every kind in `versions` is read, written and deleted; what else a call needs is added here: rights
on the things that a body refers to, the actions that are sent as POST, and operations' outcomes.
deploy/azure-role.json is printed from this by `hacluster permissions`, and a test holds each call
against it.
"""

from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import Any, Final

from hacluster.arm.versions import GROUP, KINDS, Kind
from hacluster.plan.steps import Verb


class Feature(StrEnum):
    """What a set of rights is for; leave out what no cluster of yours uses."""

    CORE = "core"
    """The group, the network and what hangs on it; reads of everything."""
    MACHINES = "machines"
    """Machines, disks, availability sets and their identity (machines.management: Managed)."""
    BALANCER = "balancer"
    """The load balancer, its address and its rule health (access.loadBalancer)."""
    PUBLIC_DNS = "public-dns"
    """Public zones and record sets (access.dns)."""
    PRIVATE_DNS = "private-dns"
    """Private zones, record sets and links (access.dns.visibility: Private)."""
    STORE = "store"
    """The storage account, its container, and the blobs in it (cluster.store)."""
    ROLES = "roles"
    """The nodes' role and its assignments; without it use cluster.store.access: SAS."""


_PREFIXES: Final = {
    "microsoft.resources/": Feature.CORE,
    "microsoft.compute/": Feature.MACHINES,
    "microsoft.managedidentity/": Feature.MACHINES,
    "microsoft.network/loadbalancers": Feature.BALANCER,
    "microsoft.network/dnszones": Feature.PUBLIC_DNS,
    "microsoft.network/privatednszones": Feature.PRIVATE_DNS,
    "microsoft.network/": Feature.CORE,
    "microsoft.storage/": Feature.STORE,
    "microsoft.authorization/": Feature.ROLES,
}
"""Features by the beginning of a kind's name; the first that fits counts."""

_READ_ONLY: Final = frozenset({"microsoft.network/dnszones/ns"})
_NAMED_OTHERWISE: Final = {GROUP.name: "Microsoft.Resources/subscriptions/resourceGroups"}

_FURTHER: Final = {
    Feature.CORE: (
        "Microsoft.Resources/subscriptions/resourceGroups/resources/read",
        "Microsoft.Network/virtualNetworks/join/action",
        "Microsoft.Network/virtualNetworks/subnets/join/action",
        "Microsoft.Network/networkSecurityGroups/join/action",
        "Microsoft.Network/natGateways/join/action",
        "Microsoft.Network/publicIPAddresses/join/action",
        "Microsoft.Network/locations/operations/read",
        "Microsoft.Network/locations/operationResults/read",
    ),
    Feature.MACHINES: (
        *(f"Microsoft.Compute/virtualMachines/{verb}/action" for verb in Verb),
        "Microsoft.Compute/virtualMachines/instanceView/read",
        "Microsoft.Compute/locations/operations/read",
        "Microsoft.Compute/locations/diskOperations/read",
        "Microsoft.Network/networkInterfaces/join/action",
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
    ),
    Feature.STORE: (
        "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
    ),
    Feature.PRIVATE_DNS: (
        "Microsoft.Network/privateDnsOperationStatuses/read",
        "Microsoft.Network/privateDnsOperationResults/read",
    ),
    Feature.BALANCER: (
        "Microsoft.Network/loadBalancers/backendAddressPools/join/action",
        "Microsoft.Network/loadBalancers/loadBalancingRules/health/action",
    ),
}


_DATA: Final = {
    Feature.STORE: (
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
    ),
}
"""What is done in the store itself: the nodes' configurations and reports, the agent's package."""


def data_actions(features: Collection[Feature] = tuple(Feature)) -> tuple[str, ...]:
    """Return the data actions that features need, sorted."""
    return tuple(sorted(one for feature in features for one in _DATA.get(feature, ())))


def actions(features: Collection[Feature] = tuple(Feature)) -> tuple[str, ...]:
    """Return the actions that features need, sorted."""
    return tuple(sorted({one for feature in features for one in _of(feature)}))


def role(features: Collection[Feature] = tuple(Feature)) -> dict[str, Any]:
    """Return a custom role as `az role definition create --role-definition @FILE` takes it."""
    return {
        "Name": "HA cluster operator",
        "IsCustom": True,
        "Description": "What the hacluster operator needs for: " + ", ".join(sorted(features)),
        "Actions": list(actions(features)),
        "NotActions": [],
        "DataActions": list(data_actions(features)),
        "NotDataActions": [],
        "AssignableScopes": ["/subscriptions/00000000-0000-0000-0000-000000000000"],
    }


def action_of(method: str, path: str) -> str:
    """Return the action that a call needs; lists need the same right as what they list."""
    if method == "POST":
        target, _, verb = path.rpartition("/")
        return f"{_name_of(target)}/{verb}/action"
    right = {"GET": "read", "DELETE": "delete"}.get(method, "write")
    return f"{_name_of(path)}/{right}"


def _of(feature: Feature) -> Iterator[str]:
    for kind in KINDS.values():
        if _feature(kind) is feature:
            name = _NAMED_OTHERWISE.get(kind.name, kind.name)
            yield f"{name}/read"
            if kind.name.casefold() not in _READ_ONLY:
                yield from (f"{name}/write", f"{name}/delete")
            yield f"{kind.name.partition('/')[0]}/register/action"
    yield from _FURTHER.get(feature, ())


def _feature(kind: Kind) -> Feature:
    name = kind.name.casefold()
    return next(feature for prefix, feature in _PREFIXES.items() if name.startswith(prefix))


def _name_of(path: str) -> str:
    """Return the action's resource type: of the resource, or of what a list holds."""
    scope, has_provider, rest = path.rpartition("/providers/")
    if not has_provider:
        is_members = scope == "" and path.casefold().endswith("/resources")
        base = _NAMED_OTHERWISE[GROUP.name]
        return f"{base}/resources" if is_members else base
    provider, *words = rest.split("/")
    name = "/".join([provider, *words[::2]])
    kind = KINDS.get(name.casefold())
    return kind.name if kind else name
