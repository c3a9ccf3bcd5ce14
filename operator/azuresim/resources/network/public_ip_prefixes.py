"""Public IP prefixes: ranges that public addresses, gateways and balancers draw from."""

import ipaddress
from typing import Any, Final

from azuresim.resources import versions
from azuresim.resources.call import Call, Draft
from azuresim.resources.contract import Fact, Reply, ResourceType, Source, Style
from azuresim.resources.families import NETWORK, missing_reference
from azuresim.resources.network import public_ranges
from azuresim.resources.network.addresses import slot
from azuresim.resources.network.rules import (
    echoed,
    refuse,
    refuse_sku_change,
    refuse_zone_change,
    sku,
    zones,
)
from azuresim.resources.schema import (
    Anything,
    Choice,
    Items,
    Number,
    Ref,
    Shape,
    Words,
    generated,
    read_only,
    shape,
)

LENGTHS: Final = {4: (28, 31), 6: (124, 127)}
"""Shortest and longest prefix by IP version (source: document)."""

PROPERTIES: Final = Shape(
    members={
        "resourceGuid": generated(Call.new_guid),
        "prefixLength": Number(low=21, high=127, required=True),
        "publicIPAddressVersion": Choice(words=("IPv4", "IPv6"), default="IPv4"),
        "ipTags": Items(of=Anything(), default=[]),
        "ipPrefix": read_only(),
        "customIPPrefix": Ref(optional=True),
        **echoed("publicIPAddresses", "loadBalancerFrontendIpConfiguration", "natGateway"),
    }
)


def free_address(call: Call, prefix_id: str, source_id: str) -> str:
    """Return an address of a prefix that nobody has.

    Raises:
        ArmError: If there is no such prefix, or none of its addresses is left.
    """
    record = call.get(prefix_id)
    if record is None:
        raise missing_reference(prefix_id, source_id)
    for address in ipaddress.ip_network(record.body()["properties"]["ipPrefix"]):
        if not call.tx.referrers(slot(prefix_id, str(address))):
            return str(address)
    message = f"Public IP prefix {record.id} has no address left for {source_id}."
    raise refuse("PublicIPPrefixOutOfIpAddresses", message)


def _check(call: Call, draft: Draft) -> None:
    properties: dict[str, Any] = draft.properties
    refuse_sku_change(draft)
    refuse_zone_change(draft.id, draft.before, draft.body)
    if draft.before is not None:
        for name in ("prefixLength", "publicIPAddressVersion"):
            if draft.before["properties"][name] != properties[name]:
                message = f"Property {name} of {draft.id} is set at creation and cannot be changed."
                raise refuse("PropertyChangeNotAllowed", message)
        return
    version = 6 if properties["publicIPAddressVersion"] == "IPv6" else 4
    low, high = LENGTHS[version]
    length = properties["prefixLength"]
    if not low <= length <= high:
        message = f"The prefix length {length} of {draft.id} must be between {low} and {high}."
        raise refuse("PublicIPPrefixLengthNotSupported", message)
    properties["ipPrefix"] = public_ranges.block(call, version, length)


TYPE: Final = ResourceType(
    kind="Microsoft.Network/publicIPPrefixes",
    family=NETWORK,
    versions=tuple(version for version in versions.NETWORK if version >= "2018-07-01"),
    properties=PROPERTIES,
    beside=shape(sku=sku("Standard", "StandardV2"), zones=zones(), extendedLocation=Words()),
    create=Reply(status=201, style=Style.OPERATION, shown="Updating"),
    update=Reply(status=200, style=Style.OPERATION, shown="Updating"),
    unchanged=Reply(status=200, style=Style.OPERATION),
    delete=Reply(status=202, style=Style.BOTH),
    duration="public IP prefix",
    in_use=(
        "PublicIpPrefixCannotBeDeleted",
        "Public IP prefix {id} can not be deleted since it is still used by resource {user}.",
    ),
    taken=(
        "PublicIpPrefixInUse",
        "Resource {source} is referencing public IP prefix {id} that is already used by resource "
        "{user}.",
    ),
    check=_check,
    facts=(
        Fact("prefixes are /28 to /31, or /124 to /127", Source.DOCUMENT),
        Fact("addresses of a prefix are given out lowest first", Source.ASSUMED),
    ),
    missing=("custom IP prefixes",),
)
