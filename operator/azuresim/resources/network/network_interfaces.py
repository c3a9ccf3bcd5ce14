"""Network interfaces and their IP configurations."""

from collections.abc import Mapping
from typing import Any, Final

from azuresim import ids
from azuresim.resources import versions
from azuresim.resources.call import Call, Draft
from azuresim.resources.children import Children
from azuresim.resources.contract import Fact, Reply, ResourceType, Source, Style
from azuresim.resources.families import NETWORK
from azuresim.resources.network import addresses
from azuresim.resources.network.rules import echoed, refuse, sku_of
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
    generated,
    read_only,
    shape,
)
from azuresim.state.records import Record

JOINED: Final = ("loadBalancerBackendAddressPools", "loadBalancerInboundNatRules")
"""What a configuration belongs to at balancers."""

WAS_ATTACHED: Final = "wasAttached"
"""Never shown: a machine had the interface and is gone."""

CONFIGURATION: Final = addresses.Addressed(
    members={
        "privateIPAddress": Text(longest=45),
        "privateIPAddressPrefixLength": Number(low=0, high=128),
        "privateIPAllocationMethod": Choice(words=("Dynamic", "Static"), default="Dynamic"),
        "privateIPAddressVersion": Choice(words=("IPv4", "IPv6"), default="IPv4"),
        "subnet": Ref(kind="Microsoft.Network/virtualNetworks/subnets", shows="ipConfigurations"),
        "primary": Flag(),
        "publicIPAddress": Ref(
            kind="Microsoft.Network/publicIPAddresses", shows="ipConfiguration", single=True
        ),
        "loadBalancerBackendAddressPools": Items(
            of=Ref(
                kind="Microsoft.Network/loadBalancers/backendAddressPools",
                shows="backendIPConfigurations",
            )
        ),
        "loadBalancerInboundNatRules": Items(
            of=Ref(
                kind="Microsoft.Network/loadBalancers/inboundNatRules",
                shows="backendIPConfiguration",
                single=True,
            )
        ),
        "applicationSecurityGroups": Items(of=Anything()),
        "applicationGatewayBackendAddressPools": Items(of=Anything()),
        "gatewayLoadBalancer": Ref(optional=True),
        **echoed("privateLinkConnectionProperties", "virtualNetworkTaps"),
    }
)


def _suffix(call: Call) -> str:
    return f"{call.new_guid().replace('-', '')[:26]}.bx.internal.cloudapp.net"


PROPERTIES: Final = Shape(
    members={
        "resourceGuid": generated(Call.new_guid),
        "ipConfigurations": Children(
            kind="Microsoft.Network/networkInterfaces/ipConfigurations",
            item=CONFIGURATION,
            writable=False,
        ),
        "dnsSettings": shape(
            dnsServers=Items(of=Text(longest=45), default=[]),
            appliedDnsServers=read_only([]),
            internalDnsNameLabel=Text(longest=63),
            internalDomainNameSuffix=generated(_suffix),
            internalFqdn=read_only(),
        ),
        "networkSecurityGroup": Ref(
            kind="Microsoft.Network/networkSecurityGroups", shows="networkInterfaces"
        ),
        "enableAcceleratedNetworking": Flag(default=False),
        "vnetEncryptionSupported": read_only(default=False),
        "enableIPForwarding": Flag(default=False),
        "disableTcpStateTracking": Flag(default=False),
        "hostedWorkloads": read_only([]),
        "tapConfigurations": read_only([]),
        "nicType": Choice(words=("Standard", "Elastic"), default="Standard"),
        "workloadType": Text(),
        "allowPort25Out": read_only(default=True),
        "defaultOutboundConnectivityEnabled": read_only(default=False),
        "auxiliaryMode": Choice(
            words=("None", "MaxConnections", "Floating", "AcceleratedConnections"), default="None"
        ),
        "auxiliarySku": Choice(words=("None", "A1", "A2", "A4", "A8"), default="None"),
        **echoed(
            "virtualMachine", "macAddress", "primary", "privateEndpoint", "dscpConfiguration",
            "privateLinkService", "migrationPhase",
        ),
        WAS_ATTACHED: read_only(secret=True),
    }
)  # fmt: skip


def _check(call: Call, draft: Draft) -> None:
    configurations = draft.properties["ipConfigurations"]
    if not configurations:
        message = f"Network interface {draft.id} must have one or more IP configurations."
        raise refuse("NetworkInterfaceMustHaveIpConfigurations", message)
    seats = _seats(draft, configurations)
    _check_networks(call, draft, seats)
    _choose_primary(draft, configurations)
    addresses.allot(call, draft.id, seats)
    for seat in seats:
        for name in JOINED:
            if not seat.properties.get(name, True):
                del seat.properties[name]
        _check_pools(call, seat)


def _seats(draft: Draft, configurations: list[dict[str, Any]]) -> list[addresses.Seat]:
    before = {
        item["name"]: item["properties"]
        for item in (draft.before or {"properties": {}})["properties"].get("ipConfigurations", ())
    }
    seats = []
    for item in configurations:
        seat_id = f"{draft.id}/ipConfigurations/{item['name']}"
        if "subnet" not in item["properties"]:
            message = f"IP configuration {seat_id} does not reference a subnet."
            raise refuse("IpConfigurationMustReferenceSubnet", message)
        seats.append(
            addresses.Seat(
                id=seat_id, properties=item["properties"], before=before.get(item["name"], {})
            )
        )
    return seats


def _check_networks(call: Call, draft: Draft, seats: list[addresses.Seat]) -> None:
    """Keep an interface in one virtual network, and an attached one where it is."""
    networks = {ids.parent_key(ids.key(seat.subnet)) for seat in seats}
    if len(networks) > 1:
        message = f"The subnets of network interface {draft.id} are in several virtual networks."
        raise refuse("SubnetsNotInSameVnet", message)
    old = next((seat.before["subnet"]["id"] for seat in seats if "subnet" in seat.before), None)
    if old and ids.parent_key(ids.key(old)) not in networks and machine_of(call, draft.id):
        message = (
            f"Network interface {draft.id} is attached to a virtual machine and cannot move to "
            "another virtual network."
        )
        raise refuse("NicAttachedToVmCannotMoveToAnotherVnet", message)


def _choose_primary(draft: Draft, configurations: list[dict[str, Any]]) -> None:
    flagged = [item for item in configurations if item["properties"].get("primary")]
    if len(flagged) > 1:
        message = f"Network interface {draft.id} has more than one primary IP configuration."
        raise refuse("NetworkInterfaceCannotHaveMultiplePrimaryIpConfigurations", message)
    chosen = flagged[0] if flagged else configurations[0]
    for item in configurations:
        item["properties"]["primary"] = item is chosen


def _check_pools(call: Call, seat: addresses.Seat) -> None:
    """Let a configuration join pools of balancers of its address's SKU, with interfaces only."""
    own = sku_of(call, seat.properties.get("publicIPAddress"))
    for reference in seat.properties.get("loadBalancerBackendAddressPools", ()):
        balancer = call.get(ids.parent_key(ids.key(reference["id"])))
        if balancer is None:
            continue
        theirs = balancer.body()["sku"]["name"]
        if own and (own == "Basic") != (theirs == "Basic"):
            message = (
                "Different basic sku and standard sku load balancer or public Ip resources are "
                f"not allowed {balancer.id} and {seat.properties['publicIPAddress']['id']}."
            )
            raise refuse("DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed", message)
        _check_members(balancer, reference["id"], seat)


def _check_members(balancer: Record, pool_id: str, seat: addresses.Seat) -> None:
    for pool in balancer.body()["properties"]["backendAddressPools"]:
        is_it = pool["name"].casefold() == ids.name_of(pool_id).casefold()
        members = pool["properties"]["loadBalancerBackendAddresses"] if is_it else ()
        if any("ipAddress" in member["properties"] for member in members):
            message = (
                f"IP configuration {seat.id} cannot join backend pool {pool_id}, whose members "
                "are specified with IP addresses."
            )
            raise refuse("BackendPoolCannotMixIpAddressesAndIpConfigurations", message)


def machine_of(call: Call, interface_id: str) -> str:
    """Return the id of the machine an interface is attached to, or nothing."""
    for link in call.tx.referrers(ids.key(interface_id)):
        if link.shows == "virtualMachine":
            return link.source
    return ""


def _show(call: Call, record: Record, wire: dict[str, Any]) -> None:
    """Show what an interface has only while a machine has it."""
    del record
    properties = wire["properties"]
    if "virtualMachine" in properties:
        digits = properties["resourceGuid"].replace("-", "")[-6:].upper()
        properties["macAddress"] = f"00-0D-3A-{digits[:2]}-{digits[2:4]}-{digits[4:]}"
        machine = call.get(properties["virtualMachine"]["id"])
        properties["primary"] = _is_primary(machine.body() if machine else {}, wire["id"])


def _is_primary(machine: Mapping[str, Any], interface_id: str) -> bool:
    profile = machine.get("properties", {}).get("networkProfile", {})
    interfaces = profile.get("networkInterfaces", ())
    for each in interfaces:
        if ids.key(each.get("id", "")) == ids.key(interface_id):
            return bool(each.get("properties", {}).get("primary", len(interfaces) == 1))
    return True


def _deletion(call: Call, record: Record) -> Reply:
    """Take longer over an interface that a machine had (source: recording, reason assumed)."""
    del call
    had = record.body()["properties"].get(WAS_ATTACHED)
    return Reply(status=202 if had else 200, style=Style.BOTH)


TYPE: Final = ResourceType(
    kind="Microsoft.Network/networkInterfaces",
    family=NETWORK,
    versions=versions.NETWORK,
    properties=PROPERTIES,
    beside=shape(kind=read_only("Regular"), extendedLocation=Words()),
    create=Reply(status=201),
    update=Reply(status=200),
    delete=Reply(status=200, style=Style.BOTH),
    choose_delete=_deletion,
    duration="network interface",
    in_use=(
        "NicInUse",
        "Network Interface {id} is used by existing resource {user}. In order to delete the "
        "network interface, it must be dissociated from the resource. To learn more, see "
        "aka.ms/deletenic.",
    ),
    taken=(
        "NicInUse",
        "Network Interface {id} is used by existing resource {user}.",
    ),
    check=_check,
    show=_show,
    facts=(
        Fact("a PUT answers without headers for polling", Source.RECORDING),
        Fact("dynamic addresses are allotted, the fifth of the subnet first", Source.RECORDING),
        Fact("a dynamic address stays while the subnet does", Source.DOCUMENT),
        Fact("static addresses: in the subnet, not reserved, not taken", Source.DOCUMENT),
        Fact("all configurations in one virtual network, one of them primary", Source.DOCUMENT),
        Fact("a pool has members of one kind, of one SKU", Source.DOCUMENT),
        Fact("one machine at a time, and no deletion while it has it", Source.DOCUMENT),
    ),
    missing=(
        "effective rules and routes", "taps", "application security groups as resources",
        "reservation for 180 s after a failed machine",
    ),
)  # fmt: skip
