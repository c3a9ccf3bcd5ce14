"""NAT gateways."""

from typing import Final

from azuresim.errors import bad_request
from azuresim.resources import versions
from azuresim.resources.call import Call, Draft
from azuresim.resources.contract import Fact, Reply, ResourceType, Source, Style
from azuresim.resources.families import NETWORK
from azuresim.resources.network.rules import (
    echoed,
    refuse,
    refuse_sku_change,
    refuse_zone_change,
    sku,
    sku_name,
    sku_of,
    zones,
)
from azuresim.resources.schema import Choice, Items, Number, Ref, Shape, generated, shape
from azuresim.state.records import Record

MOST_ADDRESSES: Final = 16
"""Addresses of a gateway, those of its prefixes included (source: document)."""

ADDRESS: Final = Ref(kind="Microsoft.Network/publicIPAddresses", shows="natGateway", single=True)
PREFIX: Final = Ref(kind="Microsoft.Network/publicIPPrefixes", shows="natGateway", single=True)
ADDRESSES: Final = ("publicIpAddresses", "publicIpAddressesV6")
PREFIXES: Final = ("publicIpPrefixes", "publicIpPrefixesV6")

PROPERTIES: Final = Shape(
    members={
        "resourceGuid": generated(Call.new_guid),
        "idleTimeoutInMinutes": Number(low=4, high=120, default=4),
        "type": Choice(words=("Public", "Private"), default="Public", since="2024-10-01"),
        "nat64": Choice(words=("None", "Enabled", "Disabled")),
        "publicIpAddresses": Items(of=ADDRESS),
        "publicIpAddressesV6": Items(of=ADDRESS),
        "publicIpPrefixes": Items(of=PREFIX),
        "publicIpPrefixesV6": Items(of=PREFIX),
        "sourceVirtualNetwork": Ref(kind="Microsoft.Network/virtualNetworks"),
        **echoed("subnets"),
    }
)


def _check(call: Call, draft: Draft) -> None:
    refuse_sku_change(draft)
    refuse_zone_change(draft.id, draft.before, draft.body)
    count, kind = 0, sku_name(draft.body)
    for name in ADDRESSES:
        for reference in draft.properties.get(name, ()):
            count += 1
            if sku_of(call, reference) not in {kind, ""}:
                message = (
                    f"{kind} sku NAT gateway {draft.id} cannot reference "
                    f"{sku_of(call, reference)} sku publicIP {reference['id']}."
                )
                raise refuse("PublicIPAndNatGatewaySkuDoNotMatch", message)
    for name in PREFIXES:
        for reference in draft.properties.get(name, ()):
            record = call.get(reference["id"])
            if record is not None:
                properties = record.body()["properties"]
                bits = 128 if properties["publicIPAddressVersion"] == "IPv6" else 32
                count += 1 << (bits - properties["prefixLength"])
    if count > MOST_ADDRESSES:
        message = f"NAT gateway {draft.id} has {count} addresses; {MOST_ADDRESSES} are the most."
        raise refuse("NatGatewayPublicIpLimitReached", message)


def _remove(call: Call, record: Record) -> None:
    subnets = [link for link in call.tx.referrers(record.key) if link.shows == "subnets"]
    if subnets:
        message = (
            f"NAT Gateway {record.id} is still configured on {len(subnets)} subnets. Remove NAT "
            "Gateway from all referenced subnets and then delete NAT Gateway."
        )
        raise bad_request("CannotDeleteNatGatewayAssociatedToSubnet", message, details=[])


TYPE: Final = ResourceType(
    kind="Microsoft.Network/natGateways",
    family=NETWORK,
    versions=tuple(version for version in versions.NETWORK if version >= "2019-02-01"),
    properties=PROPERTIES,
    beside=shape(sku=sku("Standard", "StandardV2"), zones=zones()),
    create=Reply(status=201, style=Style.OPERATION, shown="Updating"),
    update=Reply(status=200, style=Style.OPERATION, shown="Updating"),
    unchanged=Reply(status=200, style=Style.OPERATION),
    delete=Reply(status=202, style=Style.BOTH),
    duration="NAT gateway",
    check=_check,
    remove=_remove,
    facts=(
        Fact("addresses must be of the gateway's SKU, sixteen at most", Source.DOCUMENT),
        Fact("a gateway of a subnet cannot be deleted", Source.DOCUMENT),
        Fact("the type is Public by default", Source.RECORDING),
    ),
    missing=("service gateways",),
)
