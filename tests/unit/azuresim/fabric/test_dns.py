"""Name servers and resolvers answer from the record sets, as the RFCs have it."""

import asyncio
import contextlib
import functools
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dnslib import QTYPE, RCODE, DNSRecord
from tests.unit.azuresim.fabric.stored import GROUP, Stored

from azuresim.errors import ArmError
from azuresim.fabric import name_servers, places
from azuresim.fabric.dns import DnsServer, respond
from azuresim.fabric.name_servers import Published
from azuresim.fabric.resolver import Resolver
from azuresim.fabric.sockets import Place
from hacluster_node.net import dns as agent_dns

ZONE = "Microsoft.Network/dnszones/example.com"
PRIVATE = "Microsoft.Network/privateDnsZones/example.com"
NET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/net"
SPACE = {"addressSpace": {"addressPrefixes": ["10.5.0.0/16"]}}


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def a(*addresses: str, ttl: int = 5) -> dict[str, Any]:
    return {"properties": {"TTL": ttl, "ARecords": [{"ipv4Address": one} for one in addresses]}}


def private_a(*addresses: str) -> dict[str, Any]:
    return {"properties": {"ttl": 5, "aRecords": [{"ipv4Address": one} for one in addresses]}}


def zone_with(stored: Stored) -> str:
    """Make the zone of most tests, and return the address of its first server."""
    stored.put(ZONE, {"location": "global"})
    stored.put(f"{ZONE}/A/www", a("10.5.0.120", "10.5.0.121"))
    stored.put(
        f"{ZONE}/CNAME/alias",
        {"properties": {"TTL": 9, "CNAMERecord": {"cname": "www.example.com"}}},
    )
    stored.put(
        f"{ZONE}/CNAME/away", {"properties": {"TTL": 9, "CNAMERecord": {"cname": "a.other.net"}}}
    )
    stored.put(f"{ZONE}/A/one.deep", a("10.5.0.1"))
    stored.put(f"{ZONE}/A/*.wild", a("10.5.0.2"))
    stored.put(
        f"{ZONE}/TXT/text", {"properties": {"TTL": 5, "TXTRecords": [{"value": ["x" * 300]}]}}
    )
    stored.put(
        f"{ZONE}/NS/child", {"properties": {"TTL": 5, "NSRecords": [{"nsdname": "ns.else.net."}]}}
    )
    record = stored.service.store.get(f"{GROUP}/providers/{ZONE}".casefold())
    assert record is not None
    return places.name_server(record.body()["properties"]["nameServers"][0])


def asked(published: Published, server: str, name: str, kind: str) -> DNSRecord:
    """Ask a zone's server, as bytes."""
    packet = DNSRecord.question(name, kind).pack()
    raw = respond(
        packet,
        lambda n, k: name_servers.answer(published, server, n, k),
        recursive=False,
        largest=512,
    )
    return DNSRecord.parse(raw)


def values(answer: DNSRecord) -> list[str]:
    return sorted(str(record.rdata) for record in answer.rr)


@pytest.mark.parametrize(
    ("name", "kind", "code", "expected"),
    [
        ("www.example.com", "A", "NOERROR", ["10.5.0.120", "10.5.0.121"]),
        ("WWW.Example.COM", "A", "NOERROR", ["10.5.0.120", "10.5.0.121"]),
        ("www.example.com", "AAAA", "NOERROR", []),
        ("none.example.com", "A", "NXDOMAIN", []),
        ("deep.example.com", "A", "NOERROR", []),
        ("x.y.wild.example.com", "A", "NOERROR", ["10.5.0.2"]),
        ("alias.example.com", "A", "NOERROR", ["10.5.0.120", "10.5.0.121", "www.example.com."]),
        ("alias.example.com", "CNAME", "NOERROR", ["www.example.com."]),
        ("away.example.com", "A", "NOERROR", ["a.other.net."]),
    ],
    ids=[
        "addresses", "letter case", "no data", "no such name", "between names", "wildcard",
        "alias", "the alias itself", "alias that leads away",
    ],
)  # fmt: skip
def test_a_server_answers_for_its_zone(
    stored: Stored, name: str, kind: str, code: str, expected: list[str]
) -> None:
    server = zone_with(stored)
    answer = asked(Published(stored.service, 0.0), server, name, kind)
    assert RCODE.get(answer.header.rcode) == code
    assert answer.header.aa == 1
    assert answer.header.ra == 0
    assert values(answer) == expected
    has_soa = [record.rtype == QTYPE.SOA for record in answer.auth] == [True]
    assert has_soa is (not expected)


def test_a_zone_tells_its_servers_and_its_soa(stored: Stored) -> None:
    server = zone_with(stored)
    published = Published(stored.service, 0.0)
    assert len(asked(published, server, "example.com", "NS").rr) == 4
    soa = asked(published, server, "example.com", "SOA").rr[0]
    assert str(soa.rdata).startswith("ns1-0")
    long = asked(published, server, "text.example.com", "TXT").rr[0]
    assert b"".join(long.rdata.data) == b"x" * 300


def test_what_is_delegated_is_referred_to(stored: Stored) -> None:
    answer = asked(Published(stored.service, 0.0), zone_with(stored), "a.child.example.com", "A")
    assert not answer.header.aa
    assert [str(record.rdata) for record in answer.auth] == ["ns.else.net."]


def test_a_server_refuses_what_is_not_its_own(stored: Stored) -> None:
    zone_with(stored)
    published = Published(stored.service, 0.0)
    for server, name in (("100.64.53.250", "www.example.com"), ("100.64.53.1", "www.other.net")):
        assert RCODE.get(asked(published, server, name, "A").header.rcode) == "REFUSED"


def test_a_change_shows_after_the_delay_and_not_before(stored: Stored) -> None:
    server, clock = zone_with(stored), Clock()
    published = Published(stored.service, 2.0, clock)
    stored.put(f"{ZONE}/A/www", a("10.5.0.9"))
    published.note()
    clock.now += 1.0
    stored.put(f"{ZONE}/A/www", a("10.5.0.10"))
    published.note()
    assert values(asked(published, server, "www.example.com", "A"))[0] == "10.5.0.120"
    clock.now += 1.0
    assert values(asked(published, server, "www.example.com", "A")) == ["10.5.0.9"]
    clock.now += 1.0
    assert values(asked(published, server, "www.example.com", "A")) == ["10.5.0.10"]
    stored.delete(f"{ZONE}/A/www")
    published.note()
    clock.now += 2.0
    gone = asked(published, server, "www.example.com", "A")
    assert RCODE.get(gone.header.rcode) == "NXDOMAIN"


def write_anything(stored: Stored, dice: random.Random) -> None:
    """Write or delete a zone, a record set or a link; what is refused changes nothing."""
    zone = dice.choice((ZONE, PRIVATE, f"{PRIVATE}.net"))
    name = dice.choice(("www", "@", "a.b", "b", "*.b"))
    made = a if zone == ZONE else private_a
    address = f"10.5.0.{dice.randrange(1, 250)}"
    link = {"virtualNetwork": {"id": NET}, "registrationEnabled": False}
    acts: list[Callable[[], object]] = [
        lambda: stored.put(zone, {"location": "global"}),
        lambda: stored.delete(zone),
        lambda: stored.delete(f"{zone}/A/{name}"),
        lambda: stored.delete(f"{PRIVATE}/virtualNetworkLinks/l"),
        lambda: stored.put(
            f"{PRIVATE}/virtualNetworkLinks/l", {"location": "global", "properties": link}
        ),
    ]
    acts += [lambda: stored.put(f"{zone}/A/{name}", made(address))] * 5
    with contextlib.suppress(ArmError):
        dice.choice(acts)()


@pytest.mark.parametrize("seed", range(5))
def test_what_follows_the_writes_shows_the_same_as_what_looks_at_all(
    stored: Stored, seed: int
) -> None:
    dice, clock = random.Random(seed), Clock()
    stored.put(NET, {"location": "eastus", "properties": SPACE})
    published = Published(stored.service, 2.0, clock)
    for _ in range(60):
        for _ in range(dice.randrange(1, 5)):
            write_anything(stored, dice)
        published.note()
        clock.now += dice.choice((0.0, 0.5, 3.0))
    stored.put(ZONE, {"location": "global"})
    stored.put(f"{ZONE}/A/last", a("10.5.0.250"))
    published.note()
    clock.now += 2.0
    view = published.now()
    assert view == Published(stored.service, 0.0).now()
    assert ("last.example.com", "A") in view.public[0].zone.sets


def linked(stored: Stored, **properties: Any) -> None:
    """Make a private zone of the same name and link it to the network."""
    stored.put(NET, {"location": "eastus", "properties": SPACE})
    stored.put(PRIVATE, {"location": "global"})
    stored.put(f"{PRIVATE}/A/www", private_a("10.5.0.77"))
    link = {"virtualNetwork": {"id": NET}, "registrationEnabled": False, **properties}
    stored.put(f"{PRIVATE}/virtualNetworkLinks/l", {"location": "global", "properties": link})


def test_a_private_zone_is_seen_from_its_networks_only(stored: Stored) -> None:
    zone_with(stored)
    linked(stored)
    published = Published(stored.service, 0.0)
    inside = Resolver(published, dict, NET.casefold())
    outside = Resolver(published, dict)
    assert [str(r.rdata) for r in inside("www.example.com", "A").answers] == ["10.5.0.77"]
    assert len(outside("www.example.com", "A").answers) == 2
    assert inside("alias.example.com", "A").code == "NXDOMAIN"


def test_a_private_zone_passes_on_what_it_lacks_if_it_is_told_to(stored: Stored) -> None:
    zone_with(stored)
    linked(stored, resolutionPolicy="NxDomainRedirect")
    inside = Resolver(Published(stored.service, 0.0), dict, NET.casefold())
    assert len(inside("one.deep.example.com", "A").answers) == 1


def test_a_resolver_remembers_for_the_time_to_live(stored: Stored) -> None:
    zone_with(stored)
    clock = Clock()
    resolver = Resolver(Published(stored.service, 0.0, clock), dict, clock=clock)
    assert len(resolver("www.example.com", "A").answers) == 2
    stored.put(f"{ZONE}/A/www", a("10.5.0.9"))
    clock.now += 4.0
    kept = resolver("www.example.com", "A").answers
    assert [record.ttl for record in kept] == [1, 1]
    clock.now += 1.0
    assert [str(r.rdata) for r in resolver("www.example.com", "A").answers] == ["10.5.0.9"]


def test_an_absence_is_forgotten_within_seconds(stored: Stored) -> None:
    zone_with(stored)
    clock = Clock()
    resolver = Resolver(Published(stored.service, 0.0, clock), dict, clock=clock)
    assert resolver("new.example.com", "A").code == "NXDOMAIN"
    stored.put(f"{ZONE}/A/new", a("10.5.0.9"))
    clock.now += 5.0
    assert resolver("new.example.com", "A").answers


def test_a_resolver_follows_aliases_to_services_and_knows_no_other_name(stored: Stored) -> None:
    zone_with(stored)
    published = Published(stored.service, 0.0)
    resolver = Resolver(published, lambda: {"a.other.net": "100.64.128.1"})
    found = resolver("away.example.com", "A")
    assert [str(record.rdata) for record in found.answers] == ["a.other.net.", "100.64.128.1"]
    assert resolver("a.other.net", "AAAA").code == "NOERROR"
    assert resolver("elsewhere.test", "A").code == "NXDOMAIN"
    assert resolver("16.129.63.168.in-addr.arpa", "PTR").code == "NXDOMAIN"


def test_two_aliases_in_a_ring_are_a_failure(stored: Stored) -> None:
    zone_with(stored)
    for one, other in (("a", "b"), ("b", "a")):
        target = {"cname": f"{other}.example.com"}
        stored.put(f"{ZONE}/CNAME/{one}", {"properties": {"TTL": 9, "CNAMERecord": target}})
    assert Resolver(Published(stored.service, 0.0), dict)("a.example.com", "A").code == "SERVFAIL"


@contextlib.contextmanager
def serving(server: DnsServer) -> Iterator[int]:
    """Serve on the loopback, from a thread of its own, and yield the port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        where = Place(namespace="", address="127.0.0.1", port=0)
        yield asyncio.run_coroutine_threadsafe(server.open(where), loop).result(60)
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


def test_large_answers_are_cut_short_over_udp_and_whole_over_tcp(stored: Stored) -> None:
    server = zone_with(stored)
    many = [f"10.9.{one // 200}.{one % 200 + 1}" for one in range(100)]
    stored.put(f"{ZONE}/A/many", a(*many))
    published = Published(stored.service, 0.0)
    answerer = functools.partial(name_servers.answer, published, server)
    with serving(DnsServer(answerer, recursive=False)) as port:
        ask = DNSRecord.question("many.example.com", "A")
        short = DNSRecord.parse(ask.send("127.0.0.1", port, timeout=20))
        assert short.header.tc
        whole = DNSRecord.parse(ask.send("127.0.0.1", port, tcp=True, timeout=20))
        assert len(whole.rr) == 100
        agent = agent_dns.addresses("www.example.com", "127.0.0.1", 20.0, port)
        assert agent == ["10.5.0.120", "10.5.0.121"]


@pytest.mark.parametrize(
    "packet",
    [b"", b"\0" * 11, b"\xff" * 12, b"\0" * 12, b"\xab\xcd\1\0\0\1\0\0\0\0\0\0\x3fabc"],
    ids=["nothing", "short", "an answer", "no question", "a name that does not end"],
)
def test_no_packet_breaks_a_server(packet: bytes) -> None:
    answer = respond(packet, lambda _name, _kind: 1 / 0, recursive=True, largest=512)  # type: ignore[arg-type,return-value]
    assert answer == b"" or DNSRecord.parse(answer).header.rcode in {RCODE.FORMERR}


def test_a_bug_is_a_failure_and_no_silence() -> None:
    packet = DNSRecord.question("a.example.com", "A").pack()

    def broken(_name: str, _kind: str) -> Any:
        raise ZeroDivisionError

    answer = DNSRecord.parse(respond(packet, broken, recursive=True, largest=512))
    assert answer.header.rcode == RCODE.SERVFAIL
