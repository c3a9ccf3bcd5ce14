"""Record sets: one type of resource for each type of record, in public and in private zones.

The set of a name is written as a whole, guarded by its etag. The sets at the apex
that make a zone a zone, SOA and NS, come and go with it.
"""

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from azuresim import ids
from azuresim.errors import ArmError
from azuresim.resources.call import Call, Draft
from azuresim.resources.contract import Fact, IdForm, Placed, Reply, ResourceType, Source
from azuresim.resources.dns.habits import no_record, wrong
from azuresim.resources.families import Family
from azuresim.resources.schema import (
    MISSING,
    Field,
    Items,
    Number,
    Place,
    Shape,
    Text,
    Words,
    read_only,
    shape,
)
from azuresim.resources.subscriptions import Listing, Route, Scene
from azuresim.state.records import Record

APEX: Final = "@"
LONGEST_TTL: Final = 2**31 - 1
NAME: Final = r"@|(?:\*|[A-Za-z0-9_-]{1,63})(?:\.[A-Za-z0-9_-]{1,63})*"


@dataclass(frozen=True, kw_only=True)
class Address(Text):
    """An IP address of one version."""

    version: int

    def accept(self, given: Any, kept: Any, place: Place) -> Any:
        """Refuse what is no such address."""
        text = super().accept(given, kept, place)
        try:
            if ipaddress.ip_address(text).version == self.version:
                return text
        except ValueError:
            pass
        raise wrong(f"The value '{ascii(text)[1:81]}' is not a valid IPv{self.version} address.")


SHORT: Final = Number(low=0, high=65_535)
LONG: Final = Number(low=0, high=LONGEST_TTL)
ITEMS: Final[dict[str, Shape]] = {
    "A": shape(ipv4Address=Address(version=4, required=True)),
    "AAAA": shape(ipv6Address=Address(version=6, required=True)),
    "CAA": shape(flags=Number(low=0, high=255), tag=Text(), value=Text(longest=1024)),
    "CNAME": shape(cname=Text(longest=255)),
    "MX": shape(preference=SHORT, exchange=Text(longest=255)),
    "NS": shape(nsdname=Text(longest=255)),
    "PTR": shape(ptrdname=Text(longest=255)),
    "SRV": shape(priority=SHORT, weight=SHORT, port=SHORT, target=Text(longest=255)),
    "TXT": shape(value=Items(of=Text(longest=1024))),
}
"""One record of a type, as both providers spell it."""

SINGLE: Final = frozenset({"CNAME", "SOA"})
"""Types of which a set has one record."""


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How one of the providers spells record sets.

    Attributes:
        zone: Full type of the zone.
        ttl: Property of the time to live.
        minimum: Property of a SOA record's minimum time to live.
        types: Record types there are.
        spelled: Spells the property that holds the records, by type and whether single.
        more: What a record set shows besides.
        family: The provider's habits.
        versions: Accepted api-versions.
        id_form: How ids are spelled.
        stateful: Shows `provisioningState`.
    """

    zone: str
    ttl: str
    minimum: str
    types: tuple[str, ...]
    spelled: Callable[[str, bool], str]
    more: dict[str, Field]
    family: Family
    versions: tuple[str, ...]
    id_form: IdForm
    stateful: bool

    def held(self, kind: str) -> str:
        """Return the property that holds the records of a type."""
        return self.spelled(kind, kind in SINGLE)


def types_of(dialect: Dialect) -> tuple[ResourceType, ...]:
    """Return the record set types of one provider."""
    return tuple(_type(dialect, kind) for kind in dialect.types)


def _type(dialect: Dialect, kind: str) -> ResourceType:
    def check(call: Call, draft: Draft) -> None:
        _check(call, draft, dialect, kind)

    def remove(call: Call, record: Record) -> None:
        del call
        if record.name == APEX and kind in {"SOA", "NS"}:
            raise wrong(f"The {kind} record set '@' cannot be deleted: the zone needs it.")

    return ResourceType(
        kind=f"{dialect.zone}/{kind}",
        family=dialect.family,
        versions=dialect.versions,
        properties=_properties(dialect, kind),
        placed=Placed.NOWHERE,
        tagged=False,
        stateful=dialect.stateful,
        create=Reply(status=201, duration="at once"),
        update=Reply(status=200, duration="at once"),
        delete=Reply(status=200, duration="at once"),
        duration="at once",
        patch="merge",
        id_form=dialect.id_form,
        name_pattern=NAME,
        check=check,
        remove=remove,
        listed=_ends,
        unknown=no_record,
        facts=(
            Fact("writes are over at once; the etag is a bare GUID", Source.RECORDING),
            Fact("404 and 412 are the provider's own, without an envelope", Source.RECORDING),
        ),
        missing=("alias targets are stored and not followed",) if dialect.stateful else (),
    )


def _properties(dialect: Dialect, kind: str) -> Shape:
    if kind == "SOA":
        records: Field = _soa(dialect.minimum)
    elif kind in SINGLE:
        records = ITEMS[kind]
    else:
        records = Items(of=ITEMS[kind], default=[])
    ttl = Number(low=1, high=LONGEST_TTL, required=True)
    return Shape(
        members={
            "metadata": Words(most=10),
            "fqdn": read_only(),
            dialect.ttl: ttl,
            dialect.held(kind): records,
            **dialect.more,
        }
    )


def _soa(minimum: str) -> Shape:
    members: dict[str, Field] = {
        "email": Text(sticky=True),
        "expireTime": Number(sticky=True),
        "host": read_only(),
        minimum: Number(sticky=True),
        "refreshTime": Number(sticky=True),
        "retryTime": Number(sticky=True),
        "serialNumber": Number(sticky=True),
    }
    return Shape(members=members, sticky=True)


def _check(call: Call, draft: Draft, dialect: Dialect, kind: str) -> None:
    zone, name = draft.id.rsplit("/", 2)[0], ids.name_of(draft.id)
    draft.properties["fqdn"] = fqdn(name, ids.name_of(zone))
    if kind == "SOA" and draft.is_new:
        raise wrong("A SOA record set comes with its zone and cannot be created.")
    if kind == "NS" and name == APEX and draft.before:
        _keep_servers(draft, dialect)
    if kind == "CNAME" and name == APEX:
        raise wrong("A CNAME record set cannot be at the apex of a zone ('@').")
    for other in dialect.types if draft.is_new else ():
        if "CNAME" in {kind, other} and kind != other:
            _require_alone(call, f"{zone}/{other}/{name}", kind)


def _require_alone(call: Call, other_id: str, kind: str) -> None:
    if call.get(other_id) is not None:
        message = (
            f"A record set of type {kind} cannot be created: '{other_id}' has the same name, and "
            "a CNAME has to be alone."
        )
        raise ArmError(409, "Conflict", message, flat=True)


def _keep_servers(draft: Draft, dialect: Dialect) -> None:
    held = dialect.held("NS")
    before = (draft.before or {})["properties"][held]
    ours = [each for each in before if ".azure-dns." in each["nsdname"]]
    if any(each not in draft.properties[held] for each in ours):
        raise wrong("The name servers of Azure DNS cannot be removed from the NS record set '@'.")


def fqdn(name: str, zone: str) -> str:
    """Return the full name of a record set, with its final dot."""
    return f"{zone}." if name == APEX else f"{name}.{zone}."


def new_set(call: Call, zone: str, dialect: Dialect, kind: str, ttl: int, held: Any) -> Record:
    """Return the record set that comes with a zone, not stored yet."""
    properties = {
        "fqdn": fqdn(APEX, ids.name_of(zone)),
        dialect.ttl: ttl,
        dialect.held(kind): held,
    }
    for name, member in dialect.more.items():
        if member.default is not MISSING:
            properties[name] = member.default
    return Record(
        id=f"{zone}/{kind}/{APEX}",
        kind=f"{dialect.zone}/{kind}".casefold(),
        etag=call.new_guid(),
        data=orjson.dumps({"properties": properties}),
    )


def count(call: Call, zone_key: str, dialect: Dialect) -> int:
    """Return how many record sets a zone has."""
    kinds = (f"{dialect.zone}/{kind}".casefold() for kind in dialect.types)
    return sum(call.tx.count(zone_key, kind) for kind in kinds)


def _members(call: Call, zone_key: str, dialect: Dialect, kind: str) -> list[Record]:
    return call.tx.members(zone_key, f"{dialect.zone}/{kind}".casefold())


def _ends(call: Call, record: Record) -> bool:
    suffix = call.query.get("$recordsetnamesuffix", "").casefold()
    return record.name.casefold().endswith(suffix)


def lists_of(dialect: Dialect, words: tuple[str, ...]) -> Iterator[Route]:
    """Yield the reads that list the record sets of all types."""

    def answer(scene: Scene) -> Listing:
        call = scene.call
        holder = f"/subscriptions/{call.subscription}/resourceGroups/{scene.names['group']}"
        zone = call.get(f"{holder}/providers/{dialect.zone}/{scene.names['zone']}")
        if zone is None:
            raise no_record(scene.names["zone"], scene.names["group"], call.subscription)
        found = [
            record
            for kind in dialect.types
            for record in _members(call, zone.key, dialect, kind)
            if _ends(call, record)
        ]
        return Listing(sorted(found, key=lambda record: record.key))

    base = "/subscriptions/{subscription}/resourceGroups/{group}/providers"
    for word in words:
        pattern = f"{base}/{dialect.zone}/{{zone}}/{word}"
        yield Route(verb="GET", pattern=pattern, versions=dialect.versions, answer=answer)
