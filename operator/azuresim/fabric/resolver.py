"""The resolver of a virtual network, at 168.63.129.16, and the one for clients in the internet.

A name is looked for, in this order, in the private zones linked to the network, among the names of
Azure's own services, and in the public zones. Whatever is nowhere does not exist: the simulated
internet ends here. Public records are remembered for as long as they may be, as resolvers do;
absence of them for some seconds at most, where Azure's resolver may take minutes.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import dnslib
from dnslib import QTYPE, RR

from azuresim.fabric import places
from azuresim.fabric.name_servers import Published, closest
from azuresim.fabric.zones import FAILED, LONGEST_CHAIN, NO_SUCH_NAME, Found, Zone

SERVICE_TTL_S: Final = 60
LONGEST_ABSENCE_S: Final = 5
MOST_REMEMBERED: Final = 10_000

Hosts = Callable[[], Mapping[str, str]]
"""Returns addresses of Azure's own services by their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """An answer, when it was had, and until when it may be given again."""

    found: Found
    had: float
    until: float

    def at(self, now: float) -> Found:
        """Return the answer with the time to live that is left of it."""
        passed = int(now - self.had)
        return replace(
            self.found,
            answers=tuple(_aged(record, passed) for record in self.found.answers),
            authority=tuple(_aged(record, passed) for record in self.found.authority),
        )


class Resolver:
    """Resolves names for one virtual network, or for the internet.

    Args:
        published: What DNS shows.
        hosts: Names of services.
        network: Key of the virtual network; empty for the internet, which sees no private zone.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        published: Published,
        hosts: Hosts,
        network: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._published = published
        self._hosts = hosts
        self._network = network
        self._clock = clock
        self._memory: dict[tuple[str, str], Remembered] = {}

    def __call__(self, name: str, kind: str) -> Found:
        """Answer a question, following aliases from zone to zone."""
        answers: list[RR] = []
        for _ in range(LONGEST_CHAIN):
            found = self._one(name, kind)
            answers += found.answers
            if not found.beyond:
                return replace(found, answers=tuple(answers), is_authoritative=False)
            name = found.beyond
        return FAILED

    def _one(self, name: str, kind: str) -> Found:
        private = self._private(name, kind)
        if private is not None:
            return private
        address = self._hosts().get(name) or places.name_server(name)
        if address:
            return _service(name, kind, address)
        return self._public(name, kind)

    def _private(self, name: str, kind: str) -> Found | None:
        """Return what the linked private zone says; None where there is none, or it passes on."""
        linked = [each for each in self._published.now().private if self._network in each.networks]
        zone = closest([each.zone for each in linked], name)
        if zone is None:
            return None
        found = zone.look_up(name, kind)
        passes = any(each.zone is zone and self._network in each.falls_back for each in linked)
        return None if passes and found.code == "NXDOMAIN" else found

    def _public(self, name: str, kind: str) -> Found:
        now = self._clock()
        kept = self._memory.get((name, kind))
        if kept is not None and now < kept.until:
            return kept.at(now)
        zone = closest([each.zone for each in self._published.now().public], name)
        found = _followed(zone, name, kind) if zone is not None else NO_SUCH_NAME
        if len(self._memory) >= MOST_REMEMBERED:
            self._memory.clear()
        self._memory[name, kind] = Remembered(found=found, had=now, until=now + _lasts(found))
        return found


def _followed(zone: Zone, name: str, kind: str) -> Found:
    """Ask a zone, as a resolver does: a delegation to nobody's servers is a failure."""
    found = zone.look_up(name, kind)
    is_referral = not found.is_authoritative and not found.answers
    return FAILED if is_referral and found.code == "NOERROR" else found


def _lasts(found: Found) -> float:
    """Return the seconds for which an answer may be remembered."""
    if found.answers and found.code == "NOERROR":
        return float(min(record.ttl for record in found.answers))
    absence = min((record.ttl for record in found.authority), default=0)
    return float(min(absence, LONGEST_ABSENCE_S))


def _service(name: str, kind: str, address: str) -> Found:
    """Return the address of a service; it has nothing else."""
    if kind not in {"A", "ANY"}:
        return Found(is_authoritative=False)
    record = RR(name, QTYPE.A, ttl=SERVICE_TTL_S, rdata=dnslib.A(address))
    return Found(answers=(record,), is_authoritative=False)


def _aged(record: RR, passed: int) -> RR:
    return RR(record.rname, record.rtype, record.rclass, max(record.ttl - passed, 0), record.rdata)
