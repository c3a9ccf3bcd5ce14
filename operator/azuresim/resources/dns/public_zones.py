"""Public DNS zones, on four name servers each."""

import zlib
from typing import Any, Final

from azuresim import ids
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
from azuresim.resources.dns.habits import PUBLIC
from azuresim.resources.schema import (
    Choice,
    Items,
    Ref,
    Shape,
    Text,
    generated,
    read_only,
    shape,
)
from azuresim.state.records import Record

KIND: Final = "Microsoft.Network/dnszones"
SERVER_SETS: Final = 9
"""Sets of name servers a zone may be put on, ns1-01 to ns1-09 (source: assumed)."""

NS_TTL: Final = 172_800
SOA_TTL: Final = 3_600

DIALECT: Final = records.Dialect(
    zone=KIND,
    ttl="TTL",
    minimum="minimumTTL",
    types=("A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"),
    spelled=lambda kind, single: (
        "caaRecords" if kind == "CAA" else f"{kind}Record" if single else f"{kind}Records"
    ),
    more={"targetResource": Shape(members={"id": Text()}, default={})},
    family=PUBLIC,
    versions=versions.PUBLIC_DNS,
    id_form=IdForm(),
    stateful=True,
)


def _servers(name: str) -> list[str]:
    """Return the servers of a zone: the same for its name each time."""
    number = zlib.crc32(name.casefold().encode()) % SERVER_SETS + 1
    ends = ("com", "net", "org", "info")
    return [f"ns{at}-{number:02}.azure-dns.{end}." for at, end in enumerate(ends, start=1)]


def _check(call: Call, draft: Draft) -> None:
    draft.body.setdefault("tags", {})  # always shown (source: recording)
    if not draft.is_new:
        return
    servers = _servers(ids.name_of(draft.id))
    draft.properties["nameServers"] = servers
    soa: dict[str, Any] = {
        "email": "azuredns-hostmaster.microsoft.com",
        "expireTime": 2_419_200,
        "host": servers[0],
        "minimumTTL": 300,
        "refreshTime": 3_600,
        "retryTime": 300,
        "serialNumber": 1,
    }
    names = [{"nsdname": server} for server in servers]
    call.tx.save(records.new_set(call, draft.id, DIALECT, "NS", NS_TTL, names))
    call.tx.save(records.new_set(call, draft.id, DIALECT, "SOA", SOA_TTL, soa))


def _show(call: Call, record: Record, wire: dict[str, Any]) -> None:
    wire["properties"]["numberOfRecordSets"] = records.count(call, record.key, DIALECT)


TYPE: Final = ResourceType(
    kind=KIND,
    family=PUBLIC,
    versions=versions.PUBLIC_DNS,
    properties=shape(
        maxNumberOfRecordSets=read_only(default=10_000),
        maxNumberOfRecordsPerRecordSet=generated(lambda _: None),
        nameServers=read_only(),
        zoneType=Choice(words=("Public", "Private"), default="Public"),
        registrationVirtualNetworks=Items(of=Ref(kind="Microsoft.Network/virtualNetworks")),
        resolutionVirtualNetworks=Items(of=Ref(kind="Microsoft.Network/virtualNetworks")),
    ),
    placed=Placed.GLOBAL,
    stateful=False,
    create=Reply(status=201, duration="at once"),
    update=Reply(status=200, duration="at once"),
    delete=Reply(status=202, style=Style.BOTH),
    duration="DNS zone",
    name_pattern=r"(?:[A-Za-z0-9_-]{1,63}\.)+[A-Za-z0-9_-]{1,63}",
    check=_check,
    show=_show,
    facts=(
        Fact("ids spell dnszones; writes are over at once", Source.RECORDING),
        Fact("a new zone has a SOA and an NS record set", Source.RECORDING),
        Fact("four name servers, one in each of com, net, org, info", Source.RECORDING),
        Fact("deleting takes all record sets along", Source.DOCUMENT),
    ),
    missing=("DNSSEC", "DS, TLSA and NAPTR record sets", "getDnsResourceReference"),
)

RECORD_SETS: Final = records.types_of(DIALECT)
ROUTES: Final = tuple(records.lists_of(DIALECT, ("recordsets", "all")))
