"""Public IP addresses."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from azuresim.resources import versions
from azuresim.resources.call import Call, Draft
from azuresim.resources.clouds import cloud_of
from azuresim.resources.contract import Fact, Reply, ResourceType, Source, Style
from azuresim.resources.families import NETWORK
from azuresim.resources.network import public_ip_prefixes, public_ranges
from azuresim.resources.network.addresses import slot
from azuresim.resources.network.rules import (
    echoed,
    refuse,
    refuse_sku_change,
    refuse_zone_change,
    sku,
    sku_name,
    zones,
)
from azuresim.resources.schema import (
    Anything,
    Choice,
    Field,
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
from azuresim.state.records import Link, Operation, Record

LABEL: Final = re.compile(r"[a-z][a-z0-9-]{1,61}[a-z0-9]")


@dataclass(frozen=True, kw_only=True)
class _Properties(Shape):
    """The properties, which also hold a place in a prefix and a name in the region."""

    def links(self, value: Any, owner: str) -> Iterator[Link]:
        """Yield the members' references, and those to the place and the name."""
        yield from super().links(value, owner)
        if "publicIPPrefix" in value and "drawnAddress" in value:
            key = slot(value["publicIPPrefix"]["id"], value["drawnAddress"])
            yield Link(key, owner, "", single=False, optional=True)
        fqdn = value.get("dnsSettings", {}).get("fqdn")
        if fqdn:
            yield Link(name_key(fqdn), owner, "", single=False, optional=True)


MEMBERS: Final[dict[str, Field]] = {
    "resourceGuid": generated(Call.new_guid),
    "ipAddress": read_only(),
    "drawnAddress": Anything(read_only=True, secret=True),
    "publicIPAddressVersion": Choice(words=("IPv4", "IPv6"), default="IPv4"),
    "publicIPAllocationMethod": Choice(words=("Dynamic", "Static"), default="Dynamic"),
    "idleTimeoutInMinutes": Number(low=4, high=30, default=4),
    "ipTags": Items(of=Anything(), default=[]),
    "dnsSettings": shape(
        domainNameLabel=Text(longest=63),
        domainNameLabelScope=Choice(
            words=("TenantReuse", "SubscriptionReuse", "ResourceGroupReuse", "NoReuse")
        ),
        fqdn=read_only(),
        reverseFqdn=Text(longest=255),
    ),
    "ddosSettings": Shape(
        members={
            "protectionMode": Choice(words=("VirtualNetworkInherited", "Enabled", "Disabled")),
            "ddosProtectionPlan": Ref(optional=True),
        }
    ),
    "publicIPPrefix": Ref(
        kind="Microsoft.Network/publicIPPrefixes", shows="publicIPAddresses", optional=False
    ),
    "deleteOption": Choice(words=("Delete", "Detach")),
    **echoed("ipConfiguration", "natGateway", "servicePublicIPAddress", "migrationPhase"),
}


def name_key(fqdn: str) -> str:
    """Return the key that stands for a DNS name in a region."""
    return f"/dns/{fqdn.casefold()}"


def fqdn_of(label: str, location: str) -> str:
    """Return the name a label gives in a region."""
    return f"{label}.{location}.{cloud_of(location).addresses}"


def _check(call: Call, draft: Draft) -> None:
    properties, standard = draft.properties, sku_name(draft.body) != "Basic"
    _check_sku(call, draft)
    refuse_zone_change(draft.id, draft.before, draft.body)
    if standard and properties["publicIPAllocationMethod"] != "Static":
        code = "StandardAndStandardV2SkuPublicIPAddressesMustBeStatic"
        message = (
            f"{sku_name(draft.body)} sku publicIp {draft.id} must have AllocationMethod set to "
            "Static."
        )
        raise refuse(code, message)
    if not standard:
        _check_basic(draft)
    elif "ddosSettings" not in properties:
        properties["ddosSettings"] = {"protectionMode": "VirtualNetworkInherited"}
    _name(call, draft)
    _draw(call, draft)


def _check_sku(call: Call, draft: Draft) -> None:
    """Let only a Basic address that nobody uses become a Standard one (source: document)."""
    before = draft.before
    upgrades = before is not None and (sku_name(before), sku_name(draft.body)) == (
        "Basic",
        "Standard",
    )
    if not upgrades or any(link.single for link in call.tx.referrers(draft.id.casefold())):
        refuse_sku_change(draft)


def _check_basic(draft: Draft) -> None:
    properties = draft.properties
    if draft.body.get("zones"):
        message = f"Basic sku publicIp {draft.id} cannot have availability zones."
        raise refuse("BasicSkuPublicIPAddressCannotHaveZones", message)
    is_static = properties["publicIPAllocationMethod"] == "Static"
    if properties["publicIPAddressVersion"] == "IPv6" and is_static:
        raise refuse(
            "CannotSpecifyPublicIpAllocationMethodAsStaticForIpV6PublicIp",
            "Cannot specify publicIpAllocationMethod as Static for IPv6 PublicIp",
        )
    if "publicIPPrefix" in properties:
        message = f"Basic sku publicIp {draft.id} cannot come from a public IP prefix."
        raise refuse("PublicIPAddressAndPublicIPPrefixSkuDoNotMatch", message)


def _name(call: Call, draft: Draft) -> None:
    settings = draft.properties.get("dnsSettings")
    if settings is None:
        return
    settings.pop("fqdn", None)
    label = settings.get("domainNameLabel")
    if not label:
        return
    if not LABEL.fullmatch(label):
        message = (
            f"The domain name label {label} is invalid. It must conform to the following regular "
            f"expression: ^{LABEL.pattern}$."
        )
        raise refuse("InvalidDomainNameLabel", message)
    fqdn = fqdn_of(label, draft.body["location"])
    for link in call.tx.referrers(name_key(fqdn)):
        if link.source.casefold() != draft.id.casefold():
            message = f"DNS record {fqdn} is already used by another public IP."
            raise refuse("DnsRecordInUse", message)
    settings["fqdn"] = fqdn


def _draw(call: Call, draft: Draft) -> None:
    """Choose the address of a new resource; it shows once it is ready."""
    properties, before = draft.properties, (draft.before or {}).get("properties", {})
    if draft.before is not None:
        for name in ("publicIPPrefix", "publicIPAddressVersion"):
            if before.get(name) != properties.get(name):
                message = f"Property {name} of {draft.id} is set at creation and cannot be changed."
                raise refuse("PropertyChangeNotAllowed", message)
    elif "publicIPPrefix" in properties:
        prefix = properties["publicIPPrefix"]["id"]
        properties["drawnAddress"] = public_ip_prefixes.free_address(call, prefix, draft.id)
    else:
        version = 6 if properties["publicIPAddressVersion"] == "IPv6" else 4
        properties["drawnAddress"] = public_ranges.single(call, version)
    if properties["publicIPAllocationMethod"] == "Dynamic":
        properties.pop("ipAddress", None)


def _settle(call: Call, record: Record, operation: Operation) -> Record:
    """Give a static address to what is ready."""
    body = record.body()
    properties = body["properties"]
    is_static = properties["publicIPAllocationMethod"] == "Static"
    if operation.error or not is_static or "ipAddress" in properties:
        return record
    properties["ipAddress"] = properties["drawnAddress"]
    return record.with_body(body, etag=call.new_guid())


def _show(call: Call, record: Record, wire: dict[str, Any]) -> None:
    """Show a dynamic address while something has it."""
    del call
    properties = wire["properties"]
    is_dynamic = properties["publicIPAllocationMethod"] == "Dynamic"
    if is_dynamic and "ipConfiguration" in properties:
        properties["ipAddress"] = record.body()["properties"]["drawnAddress"]


TYPE: Final = ResourceType(
    kind="Microsoft.Network/publicIPAddresses",
    family=NETWORK,
    versions=versions.NETWORK,
    properties=_Properties(members=MEMBERS),
    beside=shape(
        sku=sku("Basic", "Standard", "StandardV2"), zones=zones(), extendedLocation=Words()
    ),
    create=Reply(status=201, style=Style.OPERATION, shown="Updating"),
    update=Reply(status=200, style=Style.OPERATION, shown="Updating"),
    unchanged=Reply(status=200, style=Style.OPERATION),
    delete=Reply(status=202, style=Style.BOTH),
    duration="public IP",
    in_use=(
        "PublicIPAddressCannotBeDeleted",
        "Public IP address {id} can not be deleted since it is still allocated to resource {user}. "
        "In order to delete the public IP, disassociate/detach the Public IP address from the "
        "resource.  To learn how to do this, see aka.ms/deletepublicip.",
    ),
    taken=(
        "PublicIPAddressInUse",
        "IP configuration {source} is referencing public IP address {id} that is already "
        "allocated to resource {user}.",
    ),
    check=_check,
    settle=_settle,
    show=_show,
    facts=(
        Fact("a new one has no address until it is ready", Source.RECORDING),
        Fact("a Basic one is dynamic by default, and Basic is the default", Source.RECORDING),
        Fact("Standard ones must be static", Source.DOCUMENT),
        Fact("zones and SKU stay; an unused Basic one can become Standard", Source.DOCUMENT),
        Fact("a dynamic address shows while something has it", Source.ASSUMED),
        Fact("addresses come from ranges kept for documentation, none twice", Source.ASSUMED),
        Fact("a DNS label is unique in its region", Source.DOCUMENT),
        Fact("one user at a time, and no deletion while it is used", Source.DOCUMENT),
    ),
    missing=(
        "ddosProtectionStatus", "reserveCloudServicePublicIpAddress", "disassociate",
        "the hash of a label's scope",
    ),
)  # fmt: skip
