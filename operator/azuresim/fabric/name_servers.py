"""What DNS shows of the store, some time after it is written; and the servers of public zones.

Azure's name servers follow a change within a minute (source: document). Here they follow after a
delay that is set, in real seconds, the same for every change and every server.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from azuresim import ids
from azuresim.fabric import places
from azuresim.fabric.zones import REFUSED, Found, Zone, is_within, zone
from azuresim.resources.contract import ResourceType
from azuresim.resources.dns import private_links, private_zones, public_zones
from azuresim.state.records import Record
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


def view(service: Service) -> View:
    """Return the zones as the store has them now."""
    tx = service.store.transaction()
    container = f"/subscriptions/{service.subscription}".casefold()

    def sets(record: Record, kinds: Iterable[ResourceType]) -> list[Record]:
        return [one for kind in kinds for one in tx.members(record.key, kind.folded)]

    public = []
    for record in tx.members(container, public_zones.TYPE.folded):
        addresses = map(places.name_server, record.body()["properties"]["nameServers"])
        made = zone(record, sets(record, public_zones.RECORD_SETS), public_zones.DIALECT)
        public.append(Public(zone=made, servers=frozenset(addresses) - {""}))
    private = []
    for record in tx.members(container, private_zones.TYPE.folded):
        made = zone(record, sets(record, private_zones.RECORD_SETS), private_zones.DIALECT)
        links = tx.members(record.key, private_links.TYPE.folded)
        private.append(_private(made, [link.body()["properties"] for link in links]))
    return View(public=tuple(public), private=tuple(private))


def _private(made: Zone, links: list[dict[str, dict[str, str]]]) -> Private:
    networks = {ids.key(link["virtualNetwork"]["id"]): link for link in links}
    redirected = {
        network
        for network, link in networks.items()
        if str(link.get("resolutionPolicy")) == "NxDomainRedirect"
    }
    return Private(zone=made, networks=frozenset(networks), falls_back=frozenset(redirected))


class Published:
    """The zones as DNS shows them: as they were written some time ago.

    Args:
        service: The simulator.
        delay_s: Real seconds from a write until it shows.
        clock: Seconds that never go back.
    """

    def __init__(
        self, service: Service, delay_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._service = service
        self._delay_s = delay_s
        self._clock = clock
        self._seen = self._changes()
        self._shown = view(service)
        self._coming: deque[tuple[float, View]] = deque()

    def note(self) -> None:
        """Look whether anything was written; cheap if nothing was."""
        seen = self._changes()
        if seen != self._seen:
            self._seen = seen
            self._coming.append((self._clock() + self._delay_s, view(self._service)))

    def now(self) -> View:
        """Return what shows now."""
        self.note()
        while self._coming and self._coming[0][0] <= self._clock():
            self._shown = self._coming.popleft()[1]
        return self._shown

    def _changes(self) -> int:
        return sum(map(self._service.store.changes, KINDS))


def answer(published: Published, address: str, name: str, kind: str) -> Found:
    """Answer a question as the name server at an address does: of its own zones only."""
    found = closest(published.now().of_server(address), name)
    return found.look_up(name, kind) if found is not None else REFUSED


def closest(zones: Iterable[Zone], name: str) -> Zone | None:
    """Return the zone that a name is in: the lowest of those it is below."""
    fitting = [each for each in zones if is_within(name, each.name)]
    return max(fitting, key=lambda each: len(each.name), default=None)
