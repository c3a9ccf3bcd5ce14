"""What no client should send: refused in ARM's shape, never a traceback, never a hang."""

import json
import socket
import ssl
from urllib.parse import quote, urlsplit

import pytest
from tests.sim.simulator import Simulator

pytestmark = pytest.mark.sim

VERSION = "api-version=2025-05-01"


@pytest.fixture
def group(shared_sim: Simulator) -> str:
    path = f"{shared_sim.subscription}/resourceGroups/g"
    shared_sim.send("PUT", f"{path}?api-version=2021-04-01", {"location": "eastus"})
    return path


def _network(group: str, name: str = "net") -> str:
    return f"{group}/providers/Microsoft.Network/virtualNetworks/{name}"


@pytest.mark.parametrize(
    ("data", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "InvalidRequestContent"),
        (b'{"a": NaN}', "application/json", 400, "InvalidRequestContent"),
        (b"[]", "application/json", 400, "InvalidRequestContent"),
        (b"[" * 100_000, "application/json", 400, "InvalidRequestContent"),
        (b"\xff\xfe", "application/json", 400, "InvalidRequestContent"),
        (b"", "application/json", 400, "MissingRequestBody"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "UnsupportedMediaType"),
        (b'"' + b"x" * (4 << 20) + b'"', "application/json", 413, "RequestEntityTooLarge"),
        (b'{"location": 7}', "application/json", 400, "LocationNotAvailableForResourceType"),
        (b'{"location": "mars"}', "application/json", 400, "LocationNotAvailableForResourceType"),
        (b"{}", "application/json", 400, "LocationRequired"),
        (
            b'{"location": "eastus", "properties": []}',
            "application/json",
            400,
            "InvalidRequestFormat",
        ),
        (b'{"location": "eastus", "tags": [1]}', "application/json", 400, "InvalidRequestFormat"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_a_bad_body_is_refused(
    shared_sim: Simulator, group: str, data: bytes, kind: str, status: int, code: str
) -> None:
    path = f"{_network(group)}?{VERSION}"
    reply = shared_sim.send("PUT", path, data=data, headers={"Content-Type": kind})
    assert (reply.status, reply.code) == (status, code)
    assert shared_sim.send("GET", path).status == 404


@pytest.mark.parametrize(
    "name",
    ["..", "a%00b", "a%0d%0ax", "%3Cscript%3E", "a%2Fb", "%ff", "x" * 300, "-a", "a b", "a%25b"],
)
def test_a_hostile_name_is_refused(shared_sim: Simulator, group: str, name: str) -> None:
    reply = shared_sim.send(
        "PUT",
        f"{_network(group, name.replace(' ', '%20'))}?{VERSION}",
        {"location": "eastus", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/8"]}}},
    )
    assert 400 <= reply.status < 500
    assert reply.code
    assert reply.header("x") is None


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "MissingApiVersionParameter"),
        ("api-version=1999-01-01", "NoRegisteredProviderFound"),
        ("api-version=latest", "InvalidApiVersionParameter"),
    ],
)
def test_an_unknown_version_is_answered_with_the_list(
    shared_sim: Simulator, group: str, query: str, code: str
) -> None:
    reply = shared_sim.send("GET", f"{_network(group)}?{query}")
    assert (reply.status, reply.code) == (400, code)
    if query:
        assert "2025-05-01" in reply.body["error"]["message"]


@pytest.mark.parametrize(
    ("verb", "tail"),
    [
        ("GET", "/providers/Microsoft.Web/sites/x"),
        ("POST", "/providers/Microsoft.Network/virtualNetworks/net/explode"),
        ("PUT", "/providers/Microsoft.Network/virtualNetworks"),
        ("GET", ""),
    ],
)
def test_what_is_not_there_is_501_with_what_is(
    shared_sim: Simulator, group: str, verb: str, tail: str
) -> None:
    path = f"{group}{tail}" if tail else "/nowhere"
    reply = shared_sim.send(verb, f"{path}?{VERSION}", {} if verb != "GET" else None)
    assert (reply.status, reply.code) == (501, "NotImplemented")
    assert "Microsoft.Network/virtualNetworks" in reply.body["error"]["message"]


def test_another_subscription_is_unknown(shared_sim: Simulator) -> None:
    path = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g"
    reply = shared_sim.send("GET", f"{path}?api-version=2021-04-01")
    assert (reply.status, reply.code) == (404, "SubscriptionNotFound")


def test_a_parent_must_be_there(shared_sim: Simulator, group: str) -> None:
    body = {"properties": {"addressPrefix": "10.0.0.0/24"}}
    reply = shared_sim.send("PUT", f"{_network(group, 'no')}/subnets/a?{VERSION}", body)
    assert (reply.status, reply.code) == (404, "ParentResourceNotFound")


def test_headers_cannot_be_injected(shared_sim: Simulator) -> None:
    headers = {
        "x-ms-client-request-id": "a\tb",
        "x-ms-return-client-request-id": "true",
        "x-ms-correlation-request-id": "ok",
    }
    reply = shared_sim.send("GET", "/tenants?api-version=2022-12-01", headers=headers)
    assert reply.status == 200
    assert reply.header("x-ms-client-request-id") is None
    assert reply.header("x-ms-correlation-request-id") == "ok"


def test_a_list_without_end_is_refused_at_once(shared_sim: Simulator, group: str) -> None:
    subnets = [
        {"name": f"s{at}", "properties": {"addressPrefix": f"10.{at >> 8}.{at & 255}.0/24"}}
        for at in range(40_000)
    ]
    space = {"addressPrefixes": ["10.0.0.0/8"]}
    body = {"location": "eastus", "properties": {"addressSpace": space, "subnets": subnets}}
    data = json.dumps(body).encode()
    assert len(data) < 4 << 20
    reply = shared_sim.send("PUT", f"{_network(group, 'many')}?{VERSION}", data=data)
    assert (reply.status, reply.code) == (400, "InvalidRequestFormat")
    body["properties"] = {"addressSpace": space, "subnets": subnets[:3000]}
    assert shared_sim.send("PUT", f"{_network(group, 'many')}?{VERSION}", body).status == 201


def test_a_polling_url_is_ascii_whatever_the_group_is_called(shared_sim: Simulator) -> None:
    group = f"{shared_sim.subscription}/resourceGroups/{quote('größe-日本')}"
    shared_sim.send("PUT", f"{group}?api-version=2021-04-01", {"location": "eastus"})
    path = f"{group}/providers/Microsoft.Network/privateDnsZones/example.com"
    made = shared_sim.send("PUT", f"{path}?api-version=2024-06-01", {"location": "global"})
    url = made.header("Azure-AsyncOperation") or ""
    assert made.status == 202
    assert url.isascii()
    assert shared_sim.send("GET", url).body["status"] == "Succeeded"


def test_what_is_no_http_is_refused(shared_sim: Simulator) -> None:
    where = urlsplit(shared_sim.base)
    context = ssl.create_default_context(cafile=shared_sim.ready["caFile"])
    with (
        socket.create_connection((where.hostname, where.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as line,
    ):
        line.sendall(b"\x00\x01 nonsense\r\n\r\n")
        assert b" 400 " in line.recv(4096)
