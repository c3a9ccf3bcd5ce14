"""Every address in our table is the one that Azure's own typed clients ask."""

import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hacluster.arm import address
from hacluster.arm.versions import KINDS

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
GROUP = "web-ha"
ROOT = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers"
ZONE = f"{ROOT}/Microsoft.Network/dnsZones/a.example"
PRIVATE_ZONE = f"{ROOT}/Microsoft.Network/privateDnsZones/a.example"
ACCOUNT = f"{ROOT}/Microsoft.Storage/storageAccounts/account"
MACHINE = f"{ROOT}/Microsoft.Compute/virtualMachines/vm"
AUTHORIZATION = "azure.mgmt.authorization.v2022_04_01.operations"

IDS: dict[str, tuple[str, str, dict[str, str]]] = {
    # id: module, the builders' common stem, names of the path's parts
    f"/subscriptions/{SUBSCRIPTION}/resourcegroups/{GROUP}": (
        "azure.mgmt.resource.resources.operations._operations",
        "resource_groups",
        {"resource_group_name": GROUP},
    ),
    **{
        f"{ROOT}/Microsoft.Network/{kind}/x": (
            "azure.mgmt.network.operations._operations",
            stem,
            {"resource_group_name": GROUP, argument: "x"},
        )
        for kind, stem, argument in (
            ("virtualNetworks", "virtual_networks", "virtual_network_name"),
            ("networkSecurityGroups", "network_security_groups", "network_security_group_name"),
            ("natGateways", "nat_gateways", "nat_gateway_name"),
            ("publicIPAddresses", "public_ip_addresses", "public_ip_address_name"),
            ("loadBalancers", "load_balancers", "load_balancer_name"),
            ("networkInterfaces", "network_interfaces", "network_interface_name"),
        )
    },
    f"{ROOT}/Microsoft.Network/virtualNetworks/vnet/subnets/x": (
        "azure.mgmt.network.operations._operations",
        "subnets",
        {"resource_group_name": GROUP, "virtual_network_name": "vnet", "subnet_name": "x"},
    ),
    **{
        f"{ROOT}/Microsoft.Compute/{kind}/x": (
            "azure.mgmt.compute.operations._operations",
            stem,
            {"resource_group_name": GROUP, argument: "x"},
        )
        for kind, stem, argument in (
            ("availabilitySets", "availability_sets", "availability_set_name"),
            ("disks", "disks", "disk_name"),
            ("virtualMachines", "virtual_machines", "vm_name"),
        )
    },
    f"{MACHINE}/runCommands/x": (
        "azure.mgmt.compute.operations._operations",
        "virtual_machine_run_commands_",
        {"resource_group_name": GROUP, "vm_name": "vm", "run_command_name": "x"},
    ),
    ACCOUNT: (
        "azure.mgmt.storage.operations._operations",
        "storage_accounts",
        {"resource_group_name": GROUP, "account_name": "account"},
    ),
    f"{ACCOUNT}/blobServices/default/containers/x": (
        "azure.mgmt.storage.operations._operations",
        "blob_containers",
        {"resource_group_name": GROUP, "account_name": "account", "container_name": "x"},
    ),
    ZONE: (
        "azure.mgmt.dns.operations._zones_operations",
        "",
        {"resource_group_name": GROUP, "zone_name": "a.example"},
    ),
    **{
        f"{ZONE}/{kind}/x": (
            "azure.mgmt.dns.operations._record_sets_operations",
            "",
            {
                "resource_group_name": GROUP,
                "zone_name": "a.example",
                "record_type": kind,
                "relative_record_set_name": "x",
            },
        )
        for kind in ("A", "NS")
    },
    f"{PRIVATE_ZONE}/A/x": (
        "azure.mgmt.privatedns.operations._operations",
        "record_sets",
        {
            "resource_group_name": GROUP,
            "private_zone_name": "a.example",
            "record_type": "A",
            "relative_record_set_name": "x",
        },
    ),
    f"{ROOT}/Microsoft.ManagedIdentity/userAssignedIdentities/x": (
        "azure.mgmt.msi.v2024_11_30.operations._user_assigned_identities_operations",
        "",
        {"resource_group_name": GROUP, "resource_name": "x"},
    ),
    f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/x": (
        f"{AUTHORIZATION}._role_definitions_operations",
        "",
        {"scope": f"subscriptions/{SUBSCRIPTION}", "role_definition_id": "x"},
    ),
    f"{ACCOUNT}/providers/Microsoft.Authorization/roleAssignments/x": (
        f"{AUTHORIZATION}._role_assignments_operations",
        "",
        {"scope": ACCOUNT.removeprefix("/"), "role_assignment_name": "x"},
    ),
    PRIVATE_ZONE: (
        "azure.mgmt.privatedns.operations._operations",
        "private_zones",
        {"resource_group_name": GROUP, "private_zone_name": "a.example"},
    ),
    f"{PRIVATE_ZONE}/virtualNetworkLinks/x": (
        "azure.mgmt.privatedns.operations._operations",
        "virtual_network_links",
        {
            "resource_group_name": GROUP,
            "private_zone_name": "a.example",
            "virtual_network_link_name": "x",
        },
    ),
}


def builders(module: str, stem: str) -> Iterator[Callable[..., Any]]:
    """Yield the functions with which the typed client makes its requests."""
    found = vars(importlib.import_module(module))
    by_machine = "_by_virtual_machine" if stem.endswith("run_commands_") else ""
    for verb in (f"get{by_machine}", "get_properties", "create_or_update", "create", "delete"):
        name = "_".join(part for part in (stem.rstrip("_"), verb) if part)
        if builder := found.get(f"build_{name}_request"):
            yield builder


@pytest.mark.parametrize("resource", IDS, ids=lambda one: address.parse(one).kind.name)
def test_our_address_is_the_sdks(resource: str) -> None:
    module, stem, names = IDS[resource]
    asked = list(builders(module, stem))
    assert len(asked) >= 2
    for builder in asked:
        given = {"subscription_id": SUBSCRIPTION, **names}
        known = inspect.signature(builder).parameters
        request = builder(**{name: given[name] for name in given if name in known})
        assert request.url.partition("?")[0].casefold() == resource.casefold()


def test_every_kind_is_compared() -> None:
    assert {address.parse(one).kind for one in IDS} == set(KINDS.values())
