"""A request as far as the pipeline needs it, and the checks on its body."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from azuresim.errors import ArmError, bad_request

LARGEST_BODY: Final = 4 * 1024 * 1024
"""ARM's limit (source: document)."""

DEEPEST: Final = 100
"""Levels of nesting (source: assumed)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What came over the wire.

    Attributes:
        verb: HTTP method.
        raw_path: Percent-encoded path.
        query: Query parameters, names case-folded.
        headers: Looked up without regard to letter case.
        body: The bytes sent; None if they were too many.
        base: The address the client used, `https://host:port`.
    """

    verb: str
    raw_path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes | None
    base: str


def json_body(request: Request) -> Any:
    """Return the JSON that was sent; None for no body.

    Raises:
        ArmError: 413, 415 or 400 if it is too large, says it is no JSON, or is none.
    """
    if request.body is None:
        message = "The request content size exceeds the maximum size of 4 MB."
        raise ArmError(413, "RequestEntityTooLarge", message)
    if not request.body.strip():
        return None
    packed = request.headers.get("Content-Encoding", "identity").strip().casefold()
    if packed not in {"", "identity"}:
        message = f"The content encoding '{ascii(packed)[1:-1][:80]}' is not supported."
        raise ArmError(415, "UnsupportedMediaType", message)
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().casefold()
    if kind not in {"application/json", "text/json"} and not kind.endswith("+json"):
        message = (
            f"The content media type '{ascii(kind)[1:-1][:80]}' is not supported. Only "
            "'application/json' is supported."
        )
        raise ArmError(415, "UnsupportedMediaType", message)
    try:
        given = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        message = f"The request content was invalid and could not be deserialized: '{error}'."
        raise bad_request("InvalidRequestContent", message) from None
    if request.body.count(b"{") + request.body.count(b"[") > DEEPEST and _is_deep(given):
        message = f"The request content is nested more than {DEEPEST} levels deep."
        raise bad_request("InvalidRequestContent", message)
    return given


def _is_deep(given: Any) -> bool:
    """Whether a value has more levels than can be stored and shown again."""
    level = [given]
    for _ in range(DEEPEST):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return False
    return True


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def required_body(request: Request) -> Any:
    """Return the JSON that was sent, insisting that there is some.

    Raises:
        ArmError: As `json_body`, and 400 for none.
    """
    given = json_body(request)
    if given is None:
        message = "The request content is empty; a JSON object is expected."
        raise bad_request("MissingRequestBody", message)
    return given
