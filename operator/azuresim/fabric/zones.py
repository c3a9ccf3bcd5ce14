"""DNS zones made of record sets, and what a name server knows of a name: pure.

Names here are in small letters and without their final dot. The rules are those of RFC 1034,
4.3.2, with wildcards as in RFC 4592 and negative answers as in RFC 2308.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from dnslib import QTYPE, RCODE, RR

from azuresim.fabric import record_data
from azuresim.resources.dns.records import APEX, Dialect
from azuresim.state.records import Record

Key = tuple[str, str]
"""Owner and type of a record set."""

Held = tuple[int, tuple[Any, ...]]
"""Time to live in seconds, and the data."""

LONGEST_CHAIN: Final = 8
"""Aliases followed for one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is known of a name.

    Attributes:
        code: `NOERROR`, `NXDOMAIN`, `SERVFAIL` or `REFUSED`.
        answers: Records that answer, aliases on the way first.
        authority: The zone's SOA with a negative answer, the servers with a referral.
        is_authoritative: It comes from the zone itself.
        beyond: Where the last alias leads, if that is outside the zone.
    """

    code: str = "NOERROR"
    answers: tuple[RR, ...] = ()
    authority: tuple[RR, ...] = ()
    is_authoritative: bool = True
    beyond: str = ""


REFUSED: Final = Found(code="REFUSED", is_authoritative=False)
FAILED: Final = Found(code="SERVFAIL", is_authoritative=False)
NO_SUCH_NAME: Final = Found(code="NXDOMAIN", is_authoritative=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """One zone.

    Attributes:
        name: Its apex.
        sets: Data and time to live in seconds, by owner and type.
        names: Every name there is, those that only have others below them included, with how
            many sets are at it or below it; the apex is always there.
    """

    name: str
    sets: Mapping[Key, Held] = field(default_factory=dict, repr=False)
    names: Mapping[str, int] = field(default_factory=dict, repr=False)

    def changed(self, changes: Mapping[Key, Held | None]) -> "Zone":
        """Return the zone with some sets new or, where there is None, gone.

        Cheap in a large zone too: what did not change is copied, not looked at.
        """
        sets, names = dict(self.sets), dict(self.names)
        names.setdefault(self.name, 0)
        for key, held in changes.items():
            step = (held is not None) - (key in sets)
            for name in _up_to(key[0], self.name) if step else ():
                names[name] = names.get(name, 0) + step
                if not names[name]:
                    del names[name]
            if held is not None:
                sets[key] = held
            else:
                sets.pop(key, None)
        return replace(self, sets=sets, names=names)

    def look_up(self, name: str, kind: str) -> Found:
        """Answer a question about a name of this zone."""
        answers: list[RR] = []
        for _ in range(LONGEST_CHAIN):
            if cut := self._cut(name):
                servers = tuple(self._records(cut, "NS", cut))
                return Found(answers=tuple(answers), authority=servers, is_authoritative=False)
            source = self._source(name)
            found = list(self._records(source, kind, name)) if source else []
            alias = list(self._records(source, "CNAME", name)) if source else []
            if found or not alias:
                answers += found
                code = "NOERROR" if source else "NXDOMAIN"
                soa = () if found else tuple(self._negative())
                return Found(code=code, answers=tuple(answers), authority=soa)
            answers += alias
            name = _plain(str(alias[0].rdata.label))
            if not is_within(name, self.name):
                return Found(answers=tuple(answers), beyond=name)
        return FAILED

    def _cut(self, name: str) -> str:
        """Return the uppermost name, below the apex and at or above `name`, that is delegated."""
        labels = name.split(".")
        above = len(labels) - len(self.name.split("."))
        for at in reversed(range(above)):
            candidate = ".".join(labels[at:])
            if (candidate, "NS") in self.sets:
                return candidate
        return ""

    def _source(self, name: str) -> str:
        """Return the owner that speaks for a name: itself, or the wildcard that covers it."""
        if name in self.names:
            return name
        encloser = name
        while encloser not in self.names:
            encloser = encloser.partition(".")[2]
        wildcard = f"*.{encloser}"
        return wildcard if wildcard in self.names else ""

    def _records(self, source: str, kind: str, name: str) -> Iterator[RR]:
        kinds = [kind] if kind != "ANY" else [k for owner, k in self.sets if owner == source]
        for each in kinds:
            ttl, data = self.sets.get((source, each), (0, ()))
            for datum in data:
                yield RR(name, getattr(QTYPE, each), ttl=ttl, rdata=datum)

    def _negative(self) -> Iterator[RR]:
        """Yield the SOA, with the time for which an absence may be remembered."""
        ttl, data = self.sets.get((self.name, "SOA"), (0, ()))
        for soa in data:
            yield RR(self.name, QTYPE.SOA, ttl=min(ttl, soa.times[-1]), rdata=soa)


def set_of(record: Record, apex: str, dialect: Dialect) -> tuple[Key, Held | None]:
    """Return what a record set says: its owner and type, and what it holds.

    A set that holds nothing, or nothing that can be told, is no set.
    """
    kind = record.kind.rpartition("/")[2].upper()
    properties = record.body()["properties"]
    data = tuple(record_data.made(kind, properties.get(dialect.held(kind)), dialect.minimum))
    return place(record.key, apex), (int(properties[dialect.ttl]), data) if data else None


def place(set_key: str, apex: str) -> Key:
    """Return owner and type of the record set with a key."""
    kind, relative = set_key.rsplit("/", 2)[-2:]
    return _owner(relative, apex), kind.upper()


def is_within(name: str, apex: str) -> bool:
    """Whether a name is a zone's apex or below it."""
    return name == apex or name.endswith(f".{apex}")


def _plain(name: str) -> str:
    return name.rstrip(".").casefold()


def _owner(relative: str, apex: str) -> str:
    return apex if relative == APEX else f"{relative}.{apex}"


def _up_to(owner: str, apex: str) -> Iterator[str]:
    while owner != apex:
        yield owner
        owner = owner.partition(".")[2]


def code(name: str) -> int:
    """Return the number of a response code."""
    return int(getattr(RCODE, name))
