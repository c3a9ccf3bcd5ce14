"""Private DNS zones: answered inside the virtual networks they are linked to."""

import base64
from typing import Any, Final

from azuresim.errors import ArmError
from azuresim.resources import versions
from azuresim.resources.call import Call, Draft
from azuresim.resources.contract import (
    Fact,
    IdForm,
    Placed,
    Reply,
    ResourceType,
    Source,
    Style,
)
from azuresim.resources.dns import records
from azuresim.resources.dns.habits import PRIVATE, PRIVATE_RECORDS
from azuresim.resources.schema import Flag, generated, read_only, shape
from azuresim.state.records import Record

KIND: Final = "Microsoft.Network/privateDnsZones"
LINK: Final = f"{KIND}/virtualNetworkLinks".casefold()
LOWER: Final = IdForm(lower_group=True)
"""Ids spell the resource group in small letters."""

DIALECT: Final = records.Dialect(
    zone=KIND,
    ttl="ttl",
    minimum="minimumTtl",
    types=("A", "AAAA", "CNAME", "MX", "PTR", "SOA", "SRV", "TXT"),
    spelled=lambda kind, single: f"{kind.lower()}Record{'' if single else 's'}",
    more={"isAutoRegistered": Flag(read_only=True, default=False)},
    family=PRIVATE_RECORDS,
    versions=versions.PRIVATE_DNS,
    id_form=LOWER,
    stateful=False,
)
SOA: Final = {
    "email": "azureprivatedns-host.microsoft.com",
    "expireTime": 2_419_200,
    "host": "azureprivatedns.net",
    "minimumTtl": 10,
    "refreshTime": 3_600,
    "retryTime": 300,
    "serialNumber": 1,
}


def _internal(call: Call) -> str:
    return base64.b64encode(f"ImmutableZoneIdentity;{call.new_guid()};0".encode()).decode()


def _check(call: Call, draft: Draft) -> None:
    if draft.is_new:
        call.tx.save(records.new_set(call, draft.id, DIALECT, "SOA", 3_600, SOA))


def _show(call: Call, record: Record, wire: dict[str, Any]) -> None:
    links = [link.body()["properties"] for link in call.tx.members(record.key, LINK)]
    registering = sum(link["registrationEnabled"] for link in links)
    wire["properties"]["numberOfRecordSets"] = records.count(call, record.key, DIALECT)
    wire["properties"]["numberOfVirtualNetworkLinks"] = len(links)
    wire["properties"]["numberOfVirtualNetworkLinksWithRegistration"] = registering


def _remove(call: Call, record: Record) -> None:
    links = call.tx.members(record.key, LINK)
    if links:
        path = f"{KIND}/{record.name}/virtualNetworkLinks/{links[0].name}"
        message = (
            "Cannot delete resource while nested resources exist. Some existing nested resource "
            f"IDs include: '{path}'. Please delete all nested resources before deleting this "
            "resource."
        )
        raise ArmError(409, "CannotDeleteResource", message)


ACCEPTED: Final = Reply(status=202, style=Style.BOTH, empty=True)

TYPE: Final = ResourceType(
    kind=KIND,
    family=PRIVATE,
    versions=versions.PRIVATE_DNS,
    properties=shape(
        internalId=generated(_internal),
        maxNumberOfRecordSets=read_only(default=25_000),
        maxNumberOfVirtualNetworkLinks=read_only(default=1_000),
        maxNumberOfVirtualNetworkLinksWithRegistration=read_only(default=100),
    ),
    placed=Placed.GLOBAL,
    create=ACCEPTED,
    update=ACCEPTED,
    patched=ACCEPTED,
    delete=Reply(status=202, style=Style.BOTH),
    creating="Creating",
    duration="private DNS zone",
    patch="merge",
    id_form=LOWER,
    name_pattern=r"(?:[A-Za-z0-9_-]{1,63}\.)+[A-Za-z0-9_-]{1,63}",
    check=_check,
    show=_show,
    remove=_remove,
    facts=(
        Fact("every PUT answers 202 with an empty object", Source.RECORDING),
        Fact("ids spell the resource group in small letters", Source.RECORDING),
        Fact("a zone with links cannot be deleted", Source.DOCUMENT),
    ),
    missing=("records registered by machines",),
)

RECORD_SETS: Final = records.types_of(DIALECT)
ROUTES: Final = tuple(records.lists_of(DIALECT, ("all",)))
