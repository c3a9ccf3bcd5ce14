"""The network provider's reads that are no resources: availability, usages, lists of neighbours."""

import ipaddress
from collections.abc import Iterable
from typing import Any, Final

from azuresim import ids
from azuresim.errors import bad_request, group_not_found, resource_not_found
from azuresim.resources import versions
from azuresim.resources.network import addresses, public_ips
from azuresim.resources.network.balancer_pools import configurations
from azuresim.resources.network.virtual_networks import prefixes
from azuresim.resources.present import present
from azuresim.resources.subscriptions import Route, Scene
from azuresim.state.records import Record

COUNTED: Final = (
    ("VirtualNetworks", "Virtual Networks", "virtualNetworks", 1000),
    ("PublicIPAddresses", "Public IP Addresses", "publicIPAddresses", 1000),
    ("NetworkInterfaces", "Network Interfaces", "networkInterfaces", 65536),
    ("LoadBalancers", "Load Balancers", "loadBalancers", 1000),
    ("NetworkSecurityGroups", "Network Security Groups", "networkSecurityGroups", 5000),
    ("NatGateways", "NAT Gateways", "natGateways", 500),
)
"""Names, types and usual limits of what is counted per region (source: document)."""

RESERVED: Final = addresses.RESERVED_FIRST + 1
"""Addresses of a prefix that Azure keeps for itself."""

SUGGESTED: Final = 5
"""Free addresses that are named instead of one that is taken."""


def _dns_name(scene: Scene) -> dict[str, Any]:
    label = scene.call.query.get("domainnamelabel", "")
    if not label:
        message = "The query parameter domainNameLabel is missing."
        raise bad_request("MissingQueryParameter", message, details=[])
    fqdn = public_ips.fqdn_of(label, scene.names["location"].lower())
    return {"available": not scene.call.tx.referrers(public_ips.name_key(fqdn))}


def _usages(scene: Scene) -> dict[str, Any]:
    call, region = scene.call, scene.names["location"].lower()
    holder = f"/subscriptions/{call.subscription}"
    value = []
    for name, words, short, limit in COUNTED:
        records = call.tx.members(holder, f"microsoft.network/{short.lower()}")
        value.append(
            {
                "currentValue": sum(_region(record) == region for record in records),
                "id": f"{holder}/providers/Microsoft.Network/locations/{region}/usages/{name}",
                "limit": limit,
                "name": {"localizedValue": words, "value": name},
                "unit": "Count",
            }
        )
    return {"value": value}


def _region(record: Record) -> str:
    return str(record.body()["location"])


def _found(scene: Scene, short: str) -> Record:
    group, name = scene.names["group"], scene.names["name"]
    holder = f"/subscriptions/{scene.call.subscription}/resourceGroups/{group}"
    if scene.call.get(holder) is None:
        raise group_not_found(group)
    record = scene.call.get(f"{holder}/providers/Microsoft.Network/{short}/{name}")
    if record is None:
        raise resource_not_found(f"Microsoft.Network/{short}", name, group)
    return record


def _network_usages(scene: Scene) -> dict[str, Any]:
    record = _found(scene, "virtualNetworks")
    value = []
    for item in record.body()["properties"]["subnets"]:
        subnet = f"{record.id}/subnets/{item['name']}"
        networks = [ipaddress.ip_network(each) for each in prefixes(item["properties"], subnet)]
        value.append(
            {
                "currentValue": len(_users(scene, subnet)),
                "id": subnet,
                "limit": sum(each.num_addresses - RESERVED for each in networks),
                "name": {"localizedValue": "Subnet size and usage", "value": "SubnetSpace"},
                "unit": "Count",
            }
        )
    return {"value": value}


def _users(scene: Scene, subnet: str) -> list[str]:
    links = scene.call.tx.referrers(ids.key(subnet))
    return [link.source for link in links if link.shows == "ipConfigurations"]


def _address(scene: Scene) -> dict[str, Any]:
    """Tell whether an address of a virtual network can be given to something, or which can."""
    record = _found(scene, "virtualNetworks")
    try:
        wanted = ipaddress.ip_address(scene.call.query.get("ipaddress", ""))
    except ValueError:
        message = "The query parameter ipAddress is not an IP address."
        raise bad_request("InvalidIPAddressFormat", message, details=[]) from None
    for item in record.body()["properties"]["subnets"]:
        subnet = f"{record.id}/subnets/{item['name']}"
        for prefix in prefixes(item["properties"], subnet):
            network = ipaddress.ip_network(prefix)
            if wanted in network:
                reserved = addresses.is_reserved(wanted, network)
                taken = _taken(scene, subnet, str(wanted))
                free = _free(scene, subnet, network) if reserved or taken else []
                return {
                    "available": not reserved and not taken,
                    "isPlatformReserved": reserved,
                    **({"availableIPAddresses": free} if free else {}),
                }
    message = f"The address {wanted} is not in any subnet of virtual network {record.id}."
    raise bad_request("PrivateIPAddressNotInAnySubnet", message, details=[])


def _taken(scene: Scene, subnet: str, address: str) -> bool:
    return bool(scene.call.tx.referrers(addresses.slot(subnet, address)))


def _free(scene: Scene, subnet: str, network: Any) -> list[str]:
    free: list[str] = []
    for address in network:
        if len(free) == SUGGESTED:
            break
        if not addresses.is_reserved(address, network) and not _taken(scene, subnet, str(address)):
            free.append(str(address))
    return free


def _balancers_of(scene: Scene) -> dict[str, Any]:
    record = _found(scene, "networkInterfaces")
    keys = {
        ids.parent_key(ids.key(reference["id"]))
        for item in record.body()["properties"]["ipConfigurations"]
        for name in ("loadBalancerBackendAddressPools", "loadBalancerInboundNatRules")
        for reference in item["properties"].get(name, ())
    }
    return _shown(scene, keys)


def _interfaces_of(scene: Scene) -> dict[str, Any]:
    record = _found(scene, "loadBalancers")
    properties = record.body()["properties"]
    keys = {
        ids.parent_key(ids.key(source))
        for pool in properties["backendAddressPools"]
        for source in configurations(scene.call, f"{record.id}/backendAddressPools/{pool['name']}")
    } | {
        ids.parent_key(ids.key(link.source))
        for rule in properties["inboundNatRules"]
        for link in scene.call.tx.referrers(ids.key(f"{record.id}/inboundNatRules/{rule['name']}"))
        if link.shows == "backendIPConfiguration"
    }
    return _shown(scene, keys)


def _shown(scene: Scene, keys: Iterable[str]) -> dict[str, Any]:
    records = [scene.call.tx.get(key) for key in sorted(keys)]
    return {"value": [present(scene.call, scene.catalog, each) for each in records if each]}


_REGION: Final = "/subscriptions/{subscription}/providers/Microsoft.Network/locations/{location}"
_IN: Final = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network"
_READS: Final = (
    (f"{_REGION}/CheckDnsNameAvailability", _dns_name),
    (f"{_REGION}/usages", _usages),
    (f"{_IN}/virtualNetworks/{{name}}/usages", _network_usages),
    (f"{_IN}/virtualNetworks/{{name}}/CheckIPAddressAvailability", _address),
    (f"{_IN}/networkInterfaces/{{name}}/loadBalancers", _balancers_of),
    (f"{_IN}/loadBalancers/{{name}}/networkInterfaces", _interfaces_of),
)
ROUTES: Final[tuple[Route, ...]] = tuple(
    Route(verb="GET", pattern=pattern, versions=versions.NETWORK, answer=answer)
    for pattern, answer in _READS
)
