"""The few requests that the local environment makes itself, past any proxy."""

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

DEADLINE_S: Final = 10.0
READY_DEADLINE_S: Final = 2.0


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    body: Any
    """The decoded JSON; None if there was no body."""


def opener(
    ca_file: Path | None = None, certificate: Path | None = None, key: Path | None = None
) -> urllib.request.OpenerDirector:
    """Return a client that trusts one authority, uses no proxy, and may show a certificate."""
    context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )


def answers(url: str, client: urllib.request.OpenerDirector) -> bool:
    """Tell whether a server on loopback answers with success."""
    try:
        with client.open(url, timeout=READY_DEADLINE_S) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def ask(client: urllib.request.OpenerDirector, request: urllib.request.Request) -> Answer:
    """Send a request; an error status is an answer like any other.

    Raises:
        OSError: No answer came.
    """
    try:
        with client.open(request, timeout=DEADLINE_S) as answer:
            return Answer(answer.status, _decoded(answer.read()))
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Answer(refusal.code, _decoded(refusal.read()))


def form(fields: Mapping[str, str]) -> bytes:
    """Encode the fields of a form."""
    return urllib.parse.urlencode(fields).encode()


def _decoded(body: bytes) -> Any:
    return json.loads(body) if body.strip() else None
