"""Virtual networks and their subnets."""

import ipaddress
from itertools import pairwise
from typing import Any, Final

from azuresim import ids
from azuresim.errors import bad_request
from azuresim.resources import versions
from azuresim.resources.call import Call, Draft
from azuresim.resources.children import Children
from azuresim.resources.contract import Fact, Reply, ResourceType, Source, Style
from azuresim.resources.dns import private_links
from azuresim.resources.families import NETWORK
from azuresim.resources.network.rules import echoed
from azuresim.resources.schema import (
    Anything,
    Choice,
    Flag,
    Items,
    Number,
    Ref,
    Shape,
    Text,
    Words,
    extended,
    generated,
    shape,
)

PRIVATE_SUBNETS_SINCE: Final = "2025-07-01"
"""From this api-version new subnets have no default outbound access (source: document)."""

SMALLEST_SUBNET: Final = {4: 29, 6: 64}
"""Longest prefix of a subnet by IP version; an IPv6 subnet is exactly /64."""

SUBNET: Final = extended(
    Shape(members=echoed("ipConfigurations", "privateEndpoints", "purpose")),
    addressPrefix=Text(),
    addressPrefixes=Items(of=Text()),
    networkSecurityGroup=Ref(kind="Microsoft.Network/networkSecurityGroups", shows="subnets"),
    routeTable=Ref(kind="Microsoft.Network/routeTables", shows="subnets"),
    natGateway=Ref(kind="Microsoft.Network/natGateways", shows="subnets"),
    serviceEndpoints=Items(of=Anything()),
    delegations=Items(of=Anything(), default=[]),
    privateEndpointNetworkPolicies=Choice(
        words=("Disabled", "Enabled", "NetworkSecurityGroupEnabled", "RouteTableEnabled"),
        default="Disabled",
    ),
    privateLinkServiceNetworkPolicies=Choice(words=("Enabled", "Disabled"), default="Enabled"),
    defaultOutboundAccess=Flag(sticky=True, since="2023-04-01"),
)

PROPERTIES: Final = shape(
    resourceGuid=generated(Call.new_guid),
    addressSpace=Shape(
        required=True, members={"addressPrefixes": Items(of=Text(), required=True, most=1000)}
    ),
    dhcpOptions=shape(dnsServers=Items(of=Text())),
    flowTimeoutInMinutes=Number(low=4, high=30),
    encryption=shape(
        enabled=Flag(), enforcement=Choice(words=("AllowUnencrypted", "DropUnencrypted"))
    ),
    privateEndpointVNetPolicies=Choice(
        words=("Disabled", "Basic"), default="Disabled", since="2024-03-01"
    ),
    subnets=Children(
        kind="Microsoft.Network/virtualNetworks/subnets",
        item=SUBNET,
        most=3_000,
        kept_since="2023-09-01",
        in_use=(
            "InUseSubnetCannotBeDeleted",
            "Subnet {name} is in use by {user} and cannot be deleted. In order to delete the "
            "subnet, delete all the resources within the subnet. See aka.ms/deletesubnet.",
        ),
    ),
    virtualNetworkPeerings=Items(of=Anything(), default=[]),
    enableDdosProtection=Flag(default=False),
)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _check(call: Call, draft: Draft) -> None:
    space = [_network(p, draft.id) for p in draft.properties["addressSpace"]["addressPrefixes"]]
    before = {item["name"] for item in (draft.before or {"properties": {}})["properties"].get(
        "subnets", ()
    )}  # fmt: skip
    taken: list[tuple[Network, str]] = []
    for subnet in draft.properties["subnets"]:
        properties = subnet["properties"]
        if subnet["name"] not in before and call.version >= PRIVATE_SUBNETS_SINCE:
            properties.setdefault("defaultOutboundAccess", False)
        for prefix in prefixes(properties, subnet["name"]):
            _fits(_network(prefix, subnet["name"]), subnet["name"], space, taken, draft)
    _require_apart(taken)
    _keep_allocations(call, draft)


def _keep_allocations(call: Call, draft: Draft) -> None:
    """Refuse to take a prefix away from a subnet while something has an address of it."""
    stays = {item["name"]: item["properties"] for item in draft.properties["subnets"]}
    for item in (draft.before or {"properties": {"subnets": []}})["properties"]["subnets"]:
        name = item["name"]
        if name not in stays:
            continue
        left = set(prefixes(stays[name], name))
        gone = [each for each in prefixes(item["properties"], name) if each not in left]
        for prefix in gone:
            if _is_allocated(call, f"{draft.id}/subnets/{name}", _network(prefix, name)):
                message = (
                    f"IpPrefix {prefix} on Subnet {name} has active allocations and cannot be "
                    "deleted."
                )
                raise bad_request("InUsePrefixCannotBeDeleted", message, details=[])


def _is_allocated(call: Call, subnet_id: str, network: Network) -> bool:
    for link in call.tx.referrers(ids.key(subnet_id)):
        record = call.get(ids.parent_key(ids.key(link.source)))
        collection = link.source.split("/")[-2]
        for item in record.body()["properties"].get(collection, ()) if record else ():
            address = item["properties"].get("privateIPAddress")
            is_it = item["name"].casefold() == ids.name_of(link.source).casefold()
            if is_it and address and ipaddress.ip_address(address) in network:
                return True
    return False


def prefixes(subnet: dict[str, Any], name: str) -> list[str]:
    """Return a subnet's address prefixes, however it states them.

    Raises:
        ArmError: If it states none.
    """
    stated = subnet.get("addressPrefixes") or [subnet.get("addressPrefix")]
    if not stated[0]:
        message = f"Subnet '{name}' has no address prefix."
        raise bad_request("NoAddressPrefixOrPoolProvided", message, details=[])
    return list(stated)


def _network(prefix: str, owner: str) -> Network:
    try:
        return ipaddress.ip_network(prefix)
    except ValueError:
        message = (
            f"The address prefix {prefix[:80]} in resource {owner} is not formatted correctly. It "
            "should follow CIDR notation, for example 10.0.0.0/24."
        )
        raise bad_request("InvalidCIDRNotation", message, details=[]) from None


def _fits(
    network: Network,
    name: str,
    space: list[Network],
    taken: list[tuple[Network, str]],
    draft: Draft,
) -> None:
    longest = SMALLEST_SUBNET[network.version]
    if network.prefixlen > longest:
        message = f"Subnet '{name}' is smaller than /{longest}, the smallest there is."
        raise bad_request("NetcfgInvalidSubnet", message, details=[])
    if not any(_inside(network, around) for around in space):
        message = (
            f"Subnet '{name}' is not valid because its IP address range is outside the IP address "
            f"range of virtual network '{draft.id.rsplit('/', 1)[1]}'."
        )
        raise bad_request("NetcfgSubnetRangeOutsideVnet", message, details=[])
    taken.append((network, name))


def _require_apart(taken: list[tuple[Network, str]]) -> None:
    """Refuse prefixes that overlap; in order of address, one that does begins in the one before."""
    ordered = sorted(taken, key=lambda each: (each[0].version, each[0]))
    for (one, name), (other, other_name) in pairwise(ordered):
        if one.overlaps(other):
            raise bad_request(
                "NetcfgSubnetRangesOverlap",
                f"Subnet '{other_name}' is not valid because its IP address range overlaps with "
                f"that of an existing subnet in virtual network '{name}'.",
                details=[],
            )


def _inside(network: Network, around: Network) -> bool:
    if isinstance(network, ipaddress.IPv4Network) and isinstance(around, ipaddress.IPv4Network):
        return network.subnet_of(around)
    if isinstance(network, ipaddress.IPv6Network) and isinstance(around, ipaddress.IPv6Network):
        return network.subnet_of(around)
    return False


TYPE: Final = ResourceType(
    kind="Microsoft.Network/virtualNetworks",
    family=NETWORK,
    versions=versions.NETWORK,
    properties=PROPERTIES,
    beside=shape(extendedLocation=Words()),
    create=Reply(status=201, style=Style.OPERATION, shown="Updating"),
    update=Reply(status=200, style=Style.OPERATION, shown="Updating"),
    unchanged=Reply(status=201, style=Style.OPERATION),
    delete=Reply(status=202, style=Style.BOTH),
    create_child=Reply(status=201, style=Style.OPERATION, shown="Updating", duration="subnet"),
    update_child=Reply(status=200, style=Style.OPERATION, shown="Updating", duration="subnet"),
    delete_child=Reply(status=202, style=Style.BOTH, duration="subnet"),
    duration="virtual network",
    check=_check,
    gone=private_links.unlink,
    facts=(
        Fact("a PUT that changes nothing answers 201 and shows Succeeded", Source.RECORDING),
        Fact("a PUT without subnets keeps them from 2023-09-01 on", Source.DOCUMENT),
        Fact("new subnets are private from 2025-07-01 on", Source.DOCUMENT),
        Fact("subnets must lie in the address space and not overlap", Source.DOCUMENT),
        Fact("a subnet that is used cannot be taken away", Source.DOCUMENT),
        Fact("a prefix with addresses in use cannot be taken away", Source.DOCUMENT),
    ),
    missing=("peerings as resources", "service tags"),
)
