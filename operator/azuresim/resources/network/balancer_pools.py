"""Who is in a load balancer's pools: interfaces that say so themselves, and bare addresses.

A pool's own list has the bare addresses, and of the interfaces only what somebody
overruled: their admin state. What it shows is both.
"""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from azuresim import ids
from azuresim.resources.call import Call, Draft
from azuresim.resources.network.network_interfaces import JOINED, machine_of
from azuresim.resources.network.rules import refuse, sku_name
from azuresim.state.records import Record

LIST: Final = "loadBalancerBackendAddresses"


class Member(NamedTuple):
    """One backend of a pool.

    Attributes:
        address: Its IP address.
        configuration: Id of the interface's IP configuration; empty for a bare address.
        admin: `None`, `Up` or `Down`.
        attached: A machine has the interface; of a bare address nothing is known, so it counts.
    """

    address: str
    configuration: str
    admin: str
    attached: bool


def check(call: Call, draft: Draft) -> None:
    """Keep what a pool's list may hold, and refuse the rest.

    Raises:
        ArmError: If a member is malformed, or of another kind than those there are.
    """
    for pool in draft.properties["backendAddressPools"]:
        pool_id = f"{draft.id}/backendAddressPools/{pool['name']}"
        properties = pool["properties"]
        joined = {ids.key(source) for source in configurations(call, pool_id)}
        kept, seen = [], set[str]()
        for member in properties[LIST]:
            inner = member.setdefault("properties", {})
            if _is_interface(inner, member, joined):
                if inner.get("adminState", "None") != "None":
                    kept.append(member)
                continue
            if "ipAddress" not in inner and "loadBalancerFrontendIPConfiguration" not in inner:
                continue
            _check_bare(draft, pool, member, has_interfaces=bool(joined))
            place = inner.get("ipAddress") or inner["loadBalancerFrontendIPConfiguration"]["id"]
            if place in seen:
                message = f"Backend pool {pool_id} has the address {place} twice."
                raise refuse("DuplicateIpAddressOnBackendAddressPool", message)
            seen.add(place)
            kept.append(member)
        properties[LIST] = kept


def _is_interface(properties: dict[str, Any], member: Mapping[str, Any], joined: set[str]) -> bool:
    """Whether a member stands for an interface, by reference or by the name it is shown under."""
    reference = properties.get("networkInterfaceIPConfiguration")
    if reference is not None:
        return True
    for key in joined:
        if member.get("name", "").casefold() == _member_name(key).casefold():
            properties["networkInterfaceIPConfiguration"] = {"id": key}
            properties.pop("ipAddress", None)
            return True
    return False


def _check_bare(
    draft: Draft, pool: Mapping[str, Any], member: dict[str, Any], *, has_interfaces: bool
) -> None:
    pool_id = f"{draft.id}/backendAddressPools/{pool['name']}"
    properties = member["properties"]
    if has_interfaces:
        message = (
            f"Operation on backend pool {pool_id} not allowed since it adds/modifies/deletes "
            "backend address pool members that are specified with a network interface IP "
            "configuration."
        )
        raise refuse("ModificationOfNICIpConfigBackendPoolNotSupported", message)
    if sku_name(draft.body) == "Basic":
        message = f"Backend addresses of {pool_id} need a Standard SKU load balancer."
        raise refuse("LoadBalancerFeatureNotSupportedForBasicSku", message)
    if not member.get("name"):
        raise refuse("BackendAddressNameMissing", f"A backend address of {pool_id} has no name.")
    if "ipAddress" not in properties:
        return
    if not (pool["properties"].keys() | properties.keys()) & {"virtualNetwork", "subnet"}:
        message = (
            f"Backend address {member['name']} of {pool_id} needs a virtual network or a subnet."
        )
        raise refuse("BackendAddressVirtualNetworkMissing", message)
    try:
        properties["ipAddress"] = str(ipaddress.ip_address(properties["ipAddress"]))
    except ValueError:
        message = f"Backend address {member['name']} of {pool_id} is not an IP address."
        raise refuse("InvalidIPAddressFormat", message) from None


def show(call: Call, record: Record, wire: dict[str, Any]) -> None:
    """Show the interfaces of each pool among its addresses."""
    del call, record
    for pool in wire["properties"]["backendAddressPools"]:
        properties = pool["properties"]
        joined = [each["id"] for each in properties.get("backendIPConfigurations", ())]
        if LIST not in properties:
            continue
        bare = [m for m in properties[LIST] if not _reference(m)]
        states = {ids.key(_reference(m)): m["properties"] for m in properties[LIST]}
        properties[LIST] = [*bare, *(_shown(each, states) for each in joined)]


def _shown(configuration: str, states: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    properties: dict[str, Any] = {"networkInterfaceIPConfiguration": {"id": configuration}}
    state = states.get(ids.key(configuration), {}).get("adminState")
    if state:
        properties["adminState"] = state
    return {"name": _member_name(configuration), "properties": properties}


def _member_name(configuration: str) -> str:
    parts = configuration.split("/")  # cheaper than ids.parse, and lists show thousands
    return f"{parts[4]}_{parts[-3]}{parts[-1]}"


def _reference(member: Mapping[str, Any]) -> str:
    reference = member["properties"].get("networkInterfaceIPConfiguration") or {"id": ""}
    return str(reference["id"])


def configurations(call: Call, pool_id: str) -> list[str]:
    """Return the ids of the IP configurations that joined a pool."""
    links = call.tx.referrers(ids.key(pool_id))
    return sorted(link.source for link in links if link.shows == "backendIPConfigurations")


def members(call: Call, record: Record, pool_id: str) -> Iterator[Member]:
    """Yield the backends of one of a balancer's pools."""
    name = ids.name_of(pool_id).casefold()
    pools = record.body()["properties"]["backendAddressPools"]
    listed = [m for pool in pools if pool["name"].casefold() == name
              for m in pool["properties"][LIST]]  # fmt: skip
    states = {ids.key(_reference(m)): m["properties"].get("adminState", "None") for m in listed}
    for source in configurations(call, pool_id):
        interface = ids.parent_key(ids.key(source))
        attached = bool(machine_of(call, interface))
        admin = states.get(ids.key(source), "None")
        yield Member(_address(call, interface, source), source, admin, attached)
    for member in listed:
        if "ipAddress" in member["properties"]:
            admin = member["properties"].get("adminState", "None")
            yield Member(member["properties"]["ipAddress"], "", admin, attached=True)


def _address(call: Call, interface: str, configuration: str) -> str:
    record = call.get(interface)
    for item in record.body()["properties"]["ipConfigurations"] if record else ():
        if item["name"].casefold() == ids.name_of(configuration).casefold():
            return str(item["properties"]["privateIPAddress"])
    return ""


def release(call: Call, gone: set[str]) -> None:
    """Let interfaces leave pools and rules that are no more.

    Args:
        call: The request that takes them away.
        gone: Keys of the pools and rules.
    """
    sources = {
        ids.parent_key(ids.key(link.source))
        for key in gone
        for link in call.tx.referrers(key)
        if link.shows in {"backendIPConfigurations", "backendIPConfiguration"}
    }
    for interface in sorted(sources):
        record = call.get(interface)
        if record is None:
            continue
        body = record.body()
        for item in body["properties"]["ipConfigurations"]:
            _leave(item["properties"], gone)
        call.tx.save(record.with_body(body, etag=call.new_guid()))


def _leave(properties: dict[str, Any], gone: set[str]) -> None:
    for name in JOINED:
        left = [each for each in properties.get(name, ()) if ids.key(each["id"]) not in gone]
        properties.pop(name, None)
        if left:
            properties[name] = left
