"""What DNS shows of the store, some time after it is written; and the servers of public zones.

Azure's name servers follow a change within a minute (source: document). Here they follow after a
delay that is set, in real seconds, the same for every change and every server.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from azuresim import ids
from azuresim.fabric import places
from azuresim.fabric.zones import REFUSED, Found, Held, Key, Zone, is_within, set_of
from azuresim.fabric.zones import place as place_of
from azuresim.resources.dns import private_links, private_zones, public_zones
from azuresim.resources.dns.records import Dialect
from azuresim.state.records import Record
from azuresim.state.store import Store
from azuresim.wire.service import Service

KINDS: Final = tuple(
    kind.folded
    for kind in (
        public_zones.TYPE,
        *public_zones.RECORD_SETS,
        private_zones.TYPE,
        *private_zones.RECORD_SETS,
        private_links.TYPE,
    )
)
"""Types whose records DNS is made of."""

DIALECTS: Final[Mapping[str, Dialect]] = {
    kind.short.casefold(): dialect
    for kind, dialect in (
        (public_zones.TYPE, public_zones.DIALECT),
        (private_zones.TYPE, private_zones.DIALECT),
    )
}
"""How the record sets of a zone are spelled, by the word of its type."""

LINK: Final = private_links.KIND.rpartition("/")[2].casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class Public:
    """A public zone and the addresses of its servers."""

    zone: Zone
    servers: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Private:
    """A private zone and where it is answered.

    Attributes:
        zone: The zone.
        networks: Keys of the virtual networks it is linked to.
        falls_back: Keys of those where a name it lacks is looked for in public.
    """

    zone: Zone
    networks: frozenset[str]
    falls_back: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All zones at one moment."""

    public: tuple[Public, ...] = ()
    private: tuple[Private, ...] = ()

    def of_server(self, address: str) -> list[Zone]:
        """Return the public zones that a server has."""
        return [each.zone for each in self.public if address in each.servers]

    def servers(self) -> frozenset[str]:
        """Return the addresses of all servers that have a zone."""
        return frozenset().union(*(each.servers for each in self.public))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a write did to one zone.

    Attributes:
        frame: The zone without its record sets; None if it was neither written nor removed.
        gone: It was removed.
        sets: What the record sets hold that were written; None for those that were removed.
    """

    frame: Public | Private | None = None
    gone: bool = False
    sets: Mapping[Key, Held | None]

    def on(self, there: Public | Private | None) -> Public | Private | None:
        """Return the zone after the change; None for no zone."""
        frame = self.frame or there
        if self.gone or frame is None:
            return None
        zone = there.zone if there is not None else frame.zone
        return replace(frame, zone=zone.changed(self.sets))


def changes(store: Store, keys: Iterable[str]) -> dict[str, Change]:
    """Return what happened to zones, by their keys, if these records were written or removed."""
    by_zone: dict[str, list[str]] = {}
    for key in keys:
        at = key if key.rsplit("/", 2)[-2] in DIALECTS else ids.parent_key(key)
        by_zone.setdefault(at, []).append(key)
    return {at: _change(store, at, touched) for at, touched in by_zone.items()}


def _change(store: Store, at: str, touched: list[str]) -> Change:
    kind, apex = at.rsplit("/", 2)[-2:]
    sets: dict[Key, Held | None] = {}
    is_framed = False
    for key in touched:
        if key == at or key.rsplit("/", 2)[-2] == LINK:
            is_framed = True
            continue
        record = store.get(key)
        place, held = (
            set_of(record, apex, DIALECTS[kind]) if record else (place_of(key, apex), None)
        )
        sets[place] = held
    record = store.get(at)
    frame = _frame(store, record) if is_framed and record is not None else None
    return Change(frame=frame, gone=record is None, sets=sets)


def _frame(store: Store, record: Record) -> Public | Private:
    """Return a zone without its record sets: where it is answered."""
    zone = Zone(name=record.name.casefold())
    if record.kind == public_zones.TYPE.folded:
        addresses = map(places.name_server, record.body()["properties"]["nameServers"])
        return Public(zone=zone, servers=frozenset(addresses) - {""})
    links = [
        link.body()["properties"] for link in store.members(record.key, private_links.TYPE.folded)
    ]
    networks = {ids.key(link["virtualNetwork"]["id"]): link for link in links}
    redirected = {
        network
        for network, link in networks.items()
        if str(link.get("resolutionPolicy")) == "NxDomainRedirect"
    }
    return Private(zone=zone, networks=frozenset(networks), falls_back=frozenset(redirected))


class Published:
    """The zones as DNS shows them: as they were written some time ago.

    A write costs what it changed, however many zones and record sets there are.

    Args:
        service: The simulator.
        delay_s: Real seconds from a write until it shows.
        clock: Seconds that never go back.
    """

    def __init__(
        self, service: Service, delay_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = service.store
        self._delay_s = delay_s
        self._clock = clock
        self._touched = self._store.follow(KINDS)
        self._zones: dict[str, Public | Private] = {}
        self._shown: View | None = None
        self._coming: deque[tuple[float, dict[str, Change]]] = deque()
        self._take(0.0)

    def note(self) -> None:
        """Look whether anything was written, and let show what is due; cheap if nothing was."""
        self._take(self._delay_s)

    def now(self) -> View:
        """Return what shows now."""
        self.note()
        if self._shown is None:
            zones = [self._zones[key] for key in sorted(self._zones)]
            self._shown = View(
                public=tuple(each for each in zones if isinstance(each, Public)),
                private=tuple(each for each in zones if isinstance(each, Private)),
            )
        return self._shown

    def _take(self, delay_s: float) -> None:
        now = self._clock()
        if self._touched:
            self._coming.append((now + delay_s, changes(self._store, self._touched)))
            self._touched.clear()
        while self._coming and self._coming[0][0] <= now:
            self._show(self._coming.popleft()[1])

    def _show(self, found: Mapping[str, Change]) -> None:
        self._shown = None
        for key, change in found.items():
            zone = change.on(self._zones.get(key))
            if zone is None:
                self._zones.pop(key, None)
            else:
                self._zones[key] = zone


def answer(published: Published, address: str, name: str, kind: str) -> Found:
    """Answer a question as the name server at an address does: of its own zones only."""
    found = closest(published.now().of_server(address), name)
    return found.look_up(name, kind) if found is not None else REFUSED


def closest(zones: Iterable[Zone], name: str) -> Zone | None:
    """Return the zone that a name is in: the lowest of those it is below."""
    fitting = [each for each in zones if is_within(name, each.name)]
    return max(fitting, key=lambda each: len(each.name), default=None)
