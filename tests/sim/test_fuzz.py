"""Whatever a client sends, a simulator answers in ARM's shape: no 500, no traceback, no hang."""

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sim.simulator import Simulator, running

from azuresim.resources.children import Children
from azuresim.resources.contract import ResourceType
from azuresim.resources.registry import TYPES
from azuresim.resources.schema import Choice, Field, Flag, Items, Number, Ref, Shape, Words

pytestmark = pytest.mark.sim

ARM = "api-version=2021-04-01"
BOUNDED = settings(
    max_examples=40,
    derandomize=True,  # the same search each time: a find is not lost to the next run
    suppress_health_check=list(HealthCheck),
)
KINDS = {kind.kind: kind for kind in TYPES}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)


PARENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "Microsoft.Network/dnszones": ("example.org", {"location": "global"}),
    "Microsoft.Network/privateDnsZones": ("corp.example", {"location": "global"}),
    "Microsoft.ManagedIdentity/userAssignedIdentities": ("parent", {"location": "eastus"}),
    "Microsoft.Storage/storageAccounts": (
        "parent",
        {"location": "eastus", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"},
    ),
}


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulator, Path]]:
    """A simulator, and the file that its standard error goes to."""
    folder = tmp_path_factory.mktemp("fuzzed")
    with running(folder / "sim", errors=folder / "errors") as sim:
        group = f"{sim.subscription}/resourceGroups/g?{ARM}"
        assert sim.send("PUT", group, {"location": "eastus"}).status == 201
        for kind, (name, body) in PARENTS.items():
            path = f"{_group(sim)}/providers/{kind}/{name}"
            reply = sim.send("PUT", f"{path}?api-version={KINDS[kind].versions[-1]}", body)
            assert reply.status < 300, reply.body
        yield sim, folder / "errors"


def _said(errors: Path) -> str:
    """Return what was said on standard error since the last time."""
    said = errors.read_text()
    errors.write_text("")
    return said


def _value(field: Field, group: str) -> st.SearchStrategy[Any]:
    """Return values for a field: often of the right kind, sometimes of any other."""
    right: st.SearchStrategy[Any] = st.text(max_size=12)
    if isinstance(field, Shape):
        return _object(field, group) | JSON
    if isinstance(field, Children):
        properties = _object(field.item, group)
        item = st.fixed_dictionaries({"name": st.sampled_from("ab"), "properties": properties})
        right = st.lists(item, max_size=2)
    elif isinstance(field, Items):
        right = st.lists(_value(field.of, group), max_size=3)
    elif isinstance(field, Choice):
        right = st.sampled_from(field.words)
    elif isinstance(field, Number):
        right = st.integers(-5, 70_000)
    elif isinstance(field, Flag):
        right = st.booleans()
    elif isinstance(field, Words):
        right = st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2)
    elif isinstance(field, Ref):
        right = _reference(field, group)
    plausible = st.sampled_from(("10.0.0.0/16", "10.0.0.4", "1", "*", "Standard", "22", "-1"))
    return right | plausible | JSON


def _reference(field: Ref, group: str) -> st.SearchStrategy[Any]:
    kinds = (field.kind,) if isinstance(field.kind, str) else field.kind
    ids = [f"{group}/providers/{_path(kind, 'a')}" for kind in kinds] or [f"{group}/x"]
    return st.fixed_dictionaries({"id": st.sampled_from(ids)})


def _object(shape: Shape, group: str) -> st.SearchStrategy[dict[str, Any]]:
    members = {name: _value(field, group) for name, field in shape.members.items()}
    return st.fixed_dictionaries({}, optional=members)


def _path(kind: str, name: str) -> str:
    """Return the path of a resource of a full type, below the parents there are."""
    namespace, *types = kind.split("/")
    parents = [PARENTS.get(f"{namespace}/{types[0]}", (name, {}))[0], "default"]
    names = [*parents[: len(types) - 1], name]
    pairs = zip(types, names, strict=False)
    return "/".join([namespace, *(f"{each}/{its}" for each, its in pairs)])


def _where(kind: ResourceType, group: str, name: str) -> str:
    return f"{group}/providers/{_path(kind.kind, name)}?api-version={kind.versions[-1]}"


@pytest.mark.parametrize("name", [k for k in KINDS if not k.endswith("resourceGroups")])
def test_no_body_breaks_a_type(fuzzed: tuple[Simulator, Path], name: str) -> None:
    sim, errors = fuzzed
    kind, group = KINDS[name], f"{sim.subscription}/resourceGroups/g"
    beside = {n: _value(field, group) for n, field in kind.beside.members.items()}
    location = st.sampled_from(("eastus", "global", "westus"))
    body = st.fixed_dictionaries(
        {"location": location, "properties": _object(kind.properties, group)},
        optional={**beside, "tags": _value(Words(), group)},
    )

    @BOUNDED
    @given(body=body | JSON, verb=st.sampled_from(("PUT", "PATCH")), name=st.sampled_from("abc"))
    def send(body: Any, verb: str, name: str) -> None:
        path = _where(kind, group, name * 3)
        reply = sim.send(verb, path, data=json.dumps(body).encode())
        assert reply.status < 500 or reply.status == 501, (reply.status, reply.body, body)
        if reply.status >= 400:
            assert (reply.body.get("error") or reply.body)["code"]
        elif reply.status < 300:
            assert sim.send("GET", path).status in {200, 404}

    send()
    assert _said(errors) == ""


@BOUNDED
@given(
    verb=st.sampled_from(("GET", "PUT", "PATCH", "DELETE", "POST", "HEAD", "OPTIONS", "TRACE")),
    segments=st.lists(
        st.sampled_from(
            ("subscriptions", "@", "resourceGroups", "g", "providers", "Microsoft.Network", "tags",
             "virtualNetworks", "a", "subnets", "locations", "operations", "resources", "default",
             "Microsoft.Resources", "%00", "%2e%2e", "%ff", "..", "oauth2", "token", "v2.0")
        ),
        max_size=10,
    ),
    query=st.text("abc=&$%'()123-", max_size=30),
)  # fmt: skip
def test_no_path_breaks_it(
    fuzzed: tuple[Simulator, Path], verb: str, segments: list[str], query: str
) -> None:
    sim, errors = fuzzed
    own = sim.ready["subscriptionId"]
    path = "/" + "/".join(own if segment == "@" else segment for segment in segments)
    if verb == "DELETE" and path.casefold().endswith("/resourcegroups/g"):
        return
    reply = sim.send(verb, f"{path}?{ARM}&{query}")
    assert reply.status < 500 or reply.status == 501
    assert _said(errors) == ""


@pytest.mark.parametrize(
    "body",
    [
        '{"location": "eastus", "location": "westus"}',
        '{"location": "eastus", "tags": {"a": "b"}, "tags": {"c": "d"}}',
    ],
)
def test_of_a_key_given_twice_the_last_counts(fuzzed: tuple[Simulator, Path], body: str) -> None:
    sim, _ = fuzzed
    path = _where(KINDS["Microsoft.Network/networkSecurityGroups"], _group(sim), f"d{len(body)}")
    reply = sim.send("PUT", path, data=body.encode())
    expected = json.loads(body)
    assert reply.status == 201
    assert {name: reply.body[name] for name in expected} == expected


@pytest.mark.parametrize("deep", [101, 500, 1_000, 200_000])
def test_a_deep_body_is_refused(fuzzed: tuple[Simulator, Path], deep: int) -> None:
    sim, errors = fuzzed
    disk = KINDS["Microsoft.Compute/disks"]
    data = b'{"location": "eastus", "properties": {"encryption": ' + b"[" * deep + b"]" * deep
    reply = sim.send("PUT", _where(disk, _group(sim), "deep"), data=data + b"}}")
    assert (reply.status, reply.code) == (400, "InvalidRequestContent")
    assert _said(errors) == ""


@pytest.mark.parametrize("encoding", ["gzip", "br", "x"])
def test_a_packed_body_is_refused(fuzzed: tuple[Simulator, Path], encoding: str) -> None:
    sim, errors = fuzzed
    path = _where(KINDS["Microsoft.Network/networkSecurityGroups"], _group(sim), "packed")
    reply = sim.send("PUT", path, data=b"{}", headers={"Content-Encoding": encoding})
    assert (reply.status, reply.code) == (415, "UnsupportedMediaType")
    assert _said(errors) == ""


def _group(sim: Simulator) -> str:
    return f"{sim.subscription}/resourceGroups/g"


@contextmanager
def _line(sim: Simulator) -> Iterator[ssl.SSLSocket]:
    where = urlsplit(sim.base)
    context = ssl.create_default_context(cafile=sim.ready["caFile"])
    with (
        socket.create_connection((where.hostname, where.port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as line,
    ):
        yield line


def _answer(line: ssl.SSLSocket) -> tuple[int, Any]:
    """Return status and error code of what comes back before the server hangs up."""
    raw = b""
    try:
        while part := line.recv(65536):
            raw += part
    except ConnectionError:
        assert raw, "the connection was cut without an answer"
    head, _, body = raw.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    return status, json.loads(body)["error"]["code"]


HEAD = b"PUT /subscriptions HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x00\x01 nonsense\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET http://[ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (HEAD + b"X: " + b"y" * 100_000 + b"\r\n\r\n", 400),
        (b"GET /" + b"y" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (HEAD + b"Content-Length: x\r\n\r\n", 400),
        (HEAD + b"Content-Length: -1\r\n\r\n", 400),
        (HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n\r\n", 400),
        (HEAD + b"Bad Name: x\r\n\r\n", 400),
    ],
    ids=lambda value: ascii(value)[2:50],
)
def test_what_is_no_http_is_refused_in_arms_shape(
    fuzzed: tuple[Simulator, Path], sent: bytes, status: int
) -> None:
    sim, errors = fuzzed
    with _line(sim) as line:
        line.sendall(sent)
        assert _answer(line) == (status, "BadRequest")
    assert _said(errors) == ""


def test_a_chunked_body_over_four_mebibytes_is_refused(fuzzed: tuple[Simulator, Path]) -> None:
    sim, errors = fuzzed
    path = _where(KINDS["Microsoft.Network/networkSecurityGroups"], _group(sim), "large")
    token = sim.token().encode()
    with _line(sim) as line:
        line.sendall(
            b"PUT " + path.encode() + b" HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + token
            + b"\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )  # fmt: skip
        chunk = b"x" * 65536
        try:
            for _ in range(80):
                line.sendall(b"10000\r\n" + chunk + b"\r\n")
        except OSError:
            return  # it hung up in the middle, as it may
        assert _answer(line) == (413, "RequestEntityTooLarge")
    assert _said(errors) == ""


@BOUNDED
@given(sent=st.binary(max_size=200))
def test_no_bytes_break_it(fuzzed: tuple[Simulator, Path], sent: bytes) -> None:
    sim, errors = fuzzed
    with _line(sim) as line:
        line.sendall(sent + b"\r\n\r\n")
    assert sim.send("GET", "/tenants?api-version=2022-12-01").status == 200
    assert _said(errors) == ""
