"""The instance metadata service at 169.254.169.254, in each virtual network.

It is plain HTTP, asked from inside a machine; who asks is told by the address the request comes
from. What a proxy might have passed on is refused. Shapes and rules: Microsoft's documents on
the instance metadata service, on managed identities and on scheduled events.
"""

import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from aiohttp import web

from azuresim import ids
from azuresim.fabric import instance, managed
from azuresim.fabric.events import Events
from azuresim.fabric.managed import TokenRefusedError
from azuresim.fabric.sockets import Place, listening
from azuresim.identity.tokens import Tokens
from azuresim.resources.call import Call
from azuresim.state.records import Record
from azuresim.wire.service import Service

VERSIONS: Final = (
    "2017-03-01", "2017-04-02", "2017-08-01", "2017-12-01", "2018-02-01", "2018-04-02",
    "2018-10-01", "2019-02-01", "2019-03-11", "2019-04-30", "2019-06-01", "2019-06-04",
    "2019-08-01", "2019-08-15", "2019-11-01", "2020-06-01", "2020-07-15", "2020-09-01",
    "2020-10-01", "2020-12-01", "2021-01-01", "2021-02-01", "2021-03-01", "2021-05-01",
    "2021-10-01", "2021-11-01", "2021-11-15", "2021-12-13", "2023-07-01", "2023-11-15",
)  # fmt: skip
EVENT_VERSIONS: Final = (
    "2017-03-01", "2017-08-01", "2017-11-01", "2019-01-01", "2019-04-01", "2019-08-01",
    "2020-07-01",
)  # fmt: skip
IDENTITY_SINCE: Final = "2018-02-01"
NEWEST: Final = 3
LARGEST: Final = 65_536
STOP_S: Final = 2.0

Asker = Callable[[str, str], str]
"""Returns the id of the machine that has an address in a virtual network, or nothing."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as far as it matters here; names of headers and parameters are case-folded."""

    verb: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A reply; a body that is a string is sent as it is, anything else as JSON."""

    status: int = 200
    body: Any = field(default=None, repr=False)


class Metadata:
    """Answers machines.

    Args:
        service: The simulator.
        tokens: Signs tokens.
        events: What is announced.
    """

    def __init__(self, service: Service, tokens: Tokens, events: Events) -> None:
        self._service = service
        self._tokens = tokens
        self._events = events
        self._environment = service.settings.cloud.environment

    def answer(self, machine_id: str, asked: Asked) -> Told:
        """Answer a request of a machine; an empty id stands for an address nobody has."""
        self._service.settle()
        call = self._service.call()
        machine = call.get(machine_id) if machine_id else None
        words = [word for word in asked.path.split("/") if word]
        if words[:1] != ["metadata"]:
            return _wrong(404, "Not found")
        is_token = words[1:] == ["identity", "oauth2", "token"]
        if refused := _refused(asked, is_token=is_token):
            return refused
        if machine is None:
            return _unknown_source(is_token=is_token)
        match words[1:]:
            case ["versions"]:
                return Told(body={"apiVersions": list(VERSIONS)})
            case ["instance", *inner]:
                return self._instance(call, machine, inner, asked)
            case ["identity", "oauth2", "token"]:
                return self._token(call, machine, asked)
            case ["scheduledevents"]:
                return self._scheduled(call, machine, asked)
            case _:
                return _wrong(404, "Not found")

    def _instance(self, call: Call, machine: Record, inner: list[str], asked: Asked) -> Told:
        if asked.verb != "GET":
            return _wrong(405, "Method not allowed")
        if refused := _version_refused(asked, VERSIONS):
            return refused
        found: Any = instance.document(call, machine, self._environment)
        for word in inner:
            found = _member(found, word)
            if found is None:
                return _wrong(404, "Not found")
        if asked.query.get("format", "json").casefold() == "text":
            return Told(body=_text(found))
        if not isinstance(found, dict | list):
            return _wrong(400, "Bad request. A leaf is only given as text: add format=text.")
        return Told(body=found)

    def _token(self, call: Call, machine: Record, asked: Asked) -> Told:
        if asked.verb != "GET":
            return _wrong(405, "Method not allowed")
        versions = tuple(each for each in VERSIONS if each >= IDENTITY_SINCE)
        if refused := _version_refused(asked, versions):
            return refused
        try:
            return Told(body=managed.token(call, machine, asked.query, self._tokens))
        except TokenRefusedError as refusal:
            body = {"error": refusal.error, "error_description": refusal.description}
            return Told(status=refusal.status, body=body)

    def _scheduled(self, call: Call, machine: Record, asked: Asked) -> Told:
        if refused := _version_refused(asked, EVENT_VERSIONS):
            return refused
        together = _together(call, machine)
        if asked.verb == "GET":
            return Told(body=self._events.document(together))
        if asked.verb != "POST":
            return _wrong(405, "Method not allowed")
        wanted = _start_requests(asked.body)
        if wanted is None:
            return _wrong(400, "Bad request. StartRequests with an EventId each are expected.")
        known = [self._events.acknowledge(together, each) for each in wanted]
        return Told() if all(known) else _wrong(400, "Bad request. There is no such event.")


def _refused(asked: Asked, *, is_token: bool) -> Told | None:
    """Refuse what may come from somebody who was led here against his will."""
    if "x-forwarded-for" in asked.headers:
        return _wrong(400, "Bad request. X-Forwarded-For is not allowed.")
    if asked.headers.get("metadata", "").casefold() != "true":
        message = "Required metadata header not specified"
        if is_token:
            return Told(status=400, body={"error": "bad_request_102", "error_description": message})
        return _wrong(400, f"Bad request. {message}")
    return None


def _version_refused(asked: Asked, known: tuple[str, ...]) -> Told | None:
    version = asked.query.get("api-version", "")
    if version in known:
        return None
    what = "is invalid or was not specified" if version else "was not specified"
    message = (
        f"Bad request. api-version {what} in the request. For more information refer to "
        "aka.ms/azureimds"
    )
    newest = list(reversed(known[-NEWEST:]))
    return Told(status=400, body={"error": message, "newest-versions": newest})


def _unknown_source(*, is_token: bool) -> Told:
    if is_token:
        description = "Unknown Source: no virtual machine has the address the request came from"
        return Told(status=401, body={"error": "unknown_source", "error_description": description})
    return _wrong(404, "Not found. No virtual machine has the address the request came from.")


def _wrong(status: int, message: str) -> Told:
    return Told(status=status, body={"error": message})


def _member(value: Any, word: str) -> Any:
    if isinstance(value, list):
        return value[int(word)] if word.isdecimal() and int(word) < len(value) else None
    if not isinstance(value, dict):
        return None
    return next((item for name, item in value.items() if name.casefold() == word.casefold()), None)


def _text(value: Any) -> str:
    """Return a leaf as it is, and of anything else the names in it."""
    if isinstance(value, list):
        return "\n".join(f"{at}/" for at in range(len(value)))
    if isinstance(value, dict):
        return "\n".join(
            f"{name}/" if isinstance(item, dict | list) else name for name, item in value.items()
        )
    return str(value)


def _together(call: Call, machine: Record) -> frozenset[str]:
    """Return who hears of a machine's events: it alone, or its availability set (document)."""
    shared = machine.body()["properties"].get("availabilitySet")
    if not shared:
        return frozenset({machine.key})
    links = call.tx.referrers(ids.key(shared["id"]))
    return frozenset({machine.key, *(ids.key(link.source) for link in links)})


def _start_requests(body: bytes) -> list[str] | None:
    try:
        wanted = orjson.loads(body)["StartRequests"]
        return [str(each["EventId"]) for each in wanted]
    except (ValueError, KeyError, TypeError):
        return None


class MetadataServer:
    """Serves one virtual network.

    Args:
        metadata: Answers.
        network: Id of the virtual network.
        asker: Tells machines by their addresses.
    """

    def __init__(self, metadata: Metadata, network: str, asker: Asker) -> None:
        self._metadata = metadata
        self._network = network
        self._asker = asker
        front = web.Server(self._handle, access_log=None)
        self._runner = web.ServerRunner(front, shutdown_timeout=STOP_S)

    async def open(self, where: Place) -> int:
        """Begin to serve, and return the port.

        Raises:
            OSError: If the place cannot be had.
        """
        listener = listening(where, socket.SOCK_STREAM)
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        return int(listener.getsockname()[1])

    async def stop(self) -> None:
        """Stop serving."""
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        peer = request.transport.get_extra_info("peername") if request.transport else None
        if peer is None or (request.content_length or 0) > LARGEST:
            return _response(_wrong(400, "Bad request."))
        asked = Asked(
            verb=request.method,
            path=request.path,
            query={name.casefold(): value for name, value in request.query.items()},
            headers={name.casefold(): value for name, value in request.headers.items()},
            body=await request.read(),
        )
        try:
            machine = self._asker(self._network, peer[0])
            return _response(self._metadata.answer(machine, asked))
        except Exception:  # the last line: a bug is the machine's 500, never its hang
            log.exception("Failed to answer a machine")
            return _response(_wrong(500, "Internal server error"))


def _response(told: Told) -> web.Response:
    headers = {"Server": "IMDS/150.870.65.1854"}
    if told.body is None:
        return web.Response(status=told.status, headers=headers)
    if isinstance(told.body, str):
        return web.Response(status=told.status, text=told.body, headers=headers)
    headers["Content-Type"] = "application/json; charset=utf-8"
    return web.Response(status=told.status, body=orjson.dumps(told.body), headers=headers)
