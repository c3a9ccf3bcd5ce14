"""The DNS question and the A record's compare-and-set, against servers that answer like Azure's."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any

import dnslib
import pytest
from tests.unit.agent.servers import Answer, Request, Token, as_json, serving

from hacluster_node.errors import Broken, Refused
from hacluster_node.net import dns
from hacluster_node.net.arm import ResourceManager
from hacluster_node.records import azure_dns
from hacluster_node.records.azure_dns import EPOCH, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ZONE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/dnsZones/cluster1.zone"
RECORD = Record(ZONE, "test-record1", "10.5.0.120", 60, "Public")
T = 2.0
SHORT = 0.4  # No time for another try.


@contextlib.contextmanager
def name_server(answer: Callable[[bytes], bytes]) -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    query, source = sock.recvfrom(512)
                    if query == b"stop":
                        return
                    reply = answer(query)
                    if reply:
                        sock.sendto(reply, source)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield sock.getsockname()[1]
        sock.sendto(b"stop", sock.getsockname())
        thread.join()


def holding(*addresses: str) -> Callable[[bytes], bytes]:
    def answer(query: bytes) -> bytes:
        reply = dnslib.DNSRecord.parse(query).reply()
        for address in addresses:
            reply.add_answer(dnslib.RR(reply.q.qname, rdata=dnslib.A(address), ttl=60))
        return bytes(reply.pack())

    return answer


def failing(query: bytes) -> bytes:
    reply = dnslib.DNSRecord.parse(query).reply()
    reply.header.rcode = dnslib.RCODE.REFUSED
    return bytes(reply.pack())


def missing(query: bytes) -> bytes:
    reply = dnslib.DNSRecord.parse(query).reply()
    reply.header.rcode = dnslib.RCODE.NXDOMAIN
    return bytes(reply.pack())


def ask(answer: Callable[[bytes], bytes], timeout_s: float = T) -> list[str]:
    with name_server(answer) as port:
        return dns.addresses("test-record1.cluster1.zone", "127.0.0.1", timeout_s, port)


def test_addresses_are_read_and_sorted() -> None:
    assert ask(holding("10.0.0.2", "10.0.0.1")) == ["10.0.0.1", "10.0.0.2"]
    assert ask(holding()) == []
    assert ask(missing) == []


def test_an_answer_to_another_question_is_not_ours() -> None:
    def spoofed(query: bytes) -> bytes:
        return b"\xff\xff" + holding("6.6.6.6")(query)[2:]

    with pytest.raises(Broken, match="HAN-M01"):
        ask(spoofed, 0.2)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(failing, id="refused"),
        pytest.param(lambda query: holding("10.0.0.1")(query)[:-2], id="cut short"),
        pytest.param(lambda query: query, id="a question"),
        pytest.param(lambda _: b"", id="silence"),
    ],
)
def test_what_is_no_answer_is_a_failure(answer: Callable[[bytes], bytes]) -> None:
    with pytest.raises(Broken, match="HAN-M01"):
        ask(answer, 0.2)


def test_random_bytes_never_hang_or_crash_the_parser() -> None:
    whole = holding("10.0.0.1")(bytes(dnslib.DNSRecord.question("a.b").pack()))
    for at in range(len(whole)):
        for value in (0, 0x3F, 0xC0, 0xFF):
            broken = whole[:at] + bytes((value,)) + whole[at + 1 :]
            with contextlib.suppress(ValueError, IndexError, struct.error):
                dns.parse(broken)


class Arm:
    """One record set at ARM, with ETags and Azure's 412."""

    def __init__(self) -> None:
        self.body: dict[str, Any] | None = None
        self.version = 0
        self.interfere = 0
        self.is_away = False
        self.throttled = 0

    def __call__(self, request: Request) -> Answer:
        assert request.headers["authorization"] == "Bearer token"
        assert "api-version=" in request.path
        if self.is_away:
            return as_json(503, {"error": {"code": "ServiceUnavailable"}})
        if self.throttled:
            self.throttled -= 1
            return as_json(429, {"error": {"code": "SubscriptionRequestsThrottled"}})
        if "/NS/@" in request.path:
            return as_json(200, {"properties": {"NSRecords": [{"nsdname": "127.0.0.1."}]}})
        if "/A/" not in request.path:  # the nodes' role has no right on the zone itself
            return as_json(403, {"error": {"code": "AuthorizationFailed"}})
        if request.method == "GET":
            return as_json(404, {}) if self.body is None else as_json(200, self.body)
        if self.interfere:
            self.interfere -= 1
            self.put({"properties": {"metadata": {EPOCH: "1"}, "ARecords": []}})
        wanted = request.headers.get("if-match")
        absent = request.headers.get("if-none-match") == "*"
        if (wanted and wanted != self.etag) or (absent and self.body is not None):
            return as_json(412, {"error": {"code": "PreconditionFailed"}})
        assert request.method == "PUT"
        self.put(request.json)
        return as_json(201, self.body)

    @property
    def etag(self) -> str:
        return f"etag-{self.version}" if self.body else ""

    def put(self, body: dict[str, Any]) -> None:
        self.version += 1
        self.body = {**body, "etag": f"etag-{self.version}"}

    def held(self) -> tuple[list[str], str]:
        properties = self.body["properties"] if self.body else {}
        addresses = [item["ipv4Address"] for item in properties.get("ARecords", [])]
        return addresses, properties.get("metadata", {}).get(EPOCH, "")


@pytest.fixture
def arm() -> Iterator[tuple[Arm, ResourceManager]]:
    store = Arm()
    with serving(store) as base:
        yield store, ResourceManager(base, Token())


def test_the_record_carries_address_and_epoch(arm: tuple[Arm, ResourceManager]) -> None:
    store, manager = arm
    azure_dns.put(manager, RECORD, 3, T)
    assert store.held() == (["10.5.0.120"], "3")
    azure_dns.put(manager, RECORD, 4, T)
    assert store.held() == (["10.5.0.120"], "4")


def test_a_higher_epoch_is_never_overwritten(arm: tuple[Arm, ResourceManager]) -> None:
    store, manager = arm
    azure_dns.put(manager, RECORD, 5, T)
    with pytest.raises(Refused, match="HAN-A03"):
        azure_dns.put(manager, RECORD, 4, T)
    assert store.held() == (["10.5.0.120"], "5")


def test_a_change_in_between_is_looked_at_again(arm: tuple[Arm, ResourceManager]) -> None:
    store, manager = arm
    store.interfere = 2
    azure_dns.put(manager, RECORD, 3, T)
    assert store.held() == (["10.5.0.120"], "3")
    store.interfere = 999
    with pytest.raises(Broken, match="HAN-A02"):
        azure_dns.put(manager, RECORD, 3, SHORT)


def test_what_azure_throttles_is_tried_again(arm: tuple[Arm, ResourceManager]) -> None:
    store, manager = arm
    store.throttled = 1
    azure_dns.put(manager, RECORD, 3, T)
    assert store.held() == (["10.5.0.120"], "3")
    store.throttled = 1
    azure_dns.withdraw(manager, RECORD, 3, T)
    assert store.held() == ([], "3")


def test_only_our_own_record_is_withdrawn(arm: tuple[Arm, ResourceManager]) -> None:
    store, manager = arm
    other = Record(ZONE, "test-record1", "10.5.0.121", 60, "Public")
    azure_dns.put(manager, other, 4, T)
    azure_dns.withdraw(manager, RECORD, 3, T)
    assert store.held() == (["10.5.0.121"], "4")
    azure_dns.withdraw(manager, other, 4, T)
    assert store.held() == ([], "4")
    azure_dns.withdraw(manager, other, 4, T)


def test_what_marks_the_record_as_the_operators_stays(arm: tuple[Arm, ResourceManager]) -> None:
    store, manager = arm
    store.put({"properties": {"metadata": {"hacluster-owner": "default/web"}, "ARecords": []}})
    azure_dns.put(manager, RECORD, 3, T)
    azure_dns.withdraw(manager, RECORD, 3, T)
    assert store.body is not None
    assert store.body["properties"]["metadata"] == {"hacluster-owner": "default/web", EPOCH: "3"}


def test_what_cannot_be_looked_at_is_no_failure(arm: tuple[Arm, ResourceManager]) -> None:
    """The other node could not write the record either: moving there would end the service."""
    store, manager = arm
    azure_dns.put(manager, RECORD, 3, T)
    store.is_away = True
    assert "could not be looked at: HAN-A02" in azure_dns.check(manager, RECORD, 3, T)


def test_the_monitor_compares_arm_and_the_zones_own_servers(
    arm: tuple[Arm, ResourceManager], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, manager = arm
    with pytest.raises(Broken, match="holds nothing"):
        azure_dns.check(manager, RECORD, 3, T)
    azure_dns.put(manager, RECORD, 3, T)
    for held, good in ((["10.5.0.120"], True), (["10.5.0.121"], False), ([], False)):
        monkeypatch.setattr(dns, "addresses", lambda *_, held=held: held)
        if good:
            assert "10.5.0.120" in azure_dns.check(manager, RECORD, 3, T)
        else:
            with pytest.raises(Broken, match="answers"):
                azure_dns.check(manager, RECORD, 3, T)


@pytest.mark.parametrize(("status", "code"), [(403, "HAN-A01"), (429, "HAN-A02"), (500, "HAN-A02")])
def test_a_refusal_of_azure_has_its_code(status: int, code: str) -> None:
    body = {"error": {"code": "AuthorizationFailed"}}
    with serving(lambda _: as_json(status, body)) as base, pytest.raises(Broken, match=code):
        azure_dns.put(ResourceManager(base, Token()), RECORD, 1, SHORT)
