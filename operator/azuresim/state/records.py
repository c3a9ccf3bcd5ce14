"""What the store keeps: one `Record` per resource, one `Operation` per long-running request."""

from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple

import orjson

from azuresim import ids

SUCCEEDED: Final = "Succeeded"
FAILED: Final = "Failed"
Verb = Literal["PUT", "PATCH", "DELETE", "POST"]


class Link(NamedTuple):
    """One reference from a record, or from a child inside it, to another resource.

    Attributes:
        target: Key of what is referred to.
        source: Id of the record or child that refers, as shown.
        shows: The property of the target that lists `source`; empty for none.
        single: The target can have one such referrer; shown as an object, not a list.
        optional: The target may be missing or go away.
    """

    target: str
    source: str
    shows: str
    single: bool
    optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A resource as stored: what it is made of, without what can be derived.

    The body is kept as JSON text: small, and whoever reads it gets a copy of
    their own.

    Attributes:
        id: As Azure writes it.
        kind: The full type, case-folded.
        etag: The bare tag, without quotes or `W/`.
        data: The body as JSON.
        operation: Id of the operation under way or last run, if any.
        settled: The provisioning state once no operation is under way.
        created, changed: When it was first and last written, in simulated seconds since 1970;
            0 where nobody can ask.
    """

    id: str
    kind: str
    etag: str
    data: bytes
    operation: str | None = None
    settled: str = SUCCEEDED
    created: float = 0.0
    changed: float = 0.0

    @property
    def key(self) -> str:
        """The id in the form that is looked up."""
        return ids.key(self.id)

    @property
    def name(self) -> str:
        """The last segment of the id."""
        return ids.name_of(self.id)

    def body(self) -> dict[str, Any]:
        """Return a fresh copy of the body."""
        body: dict[str, Any] = orjson.loads(self.data)
        return body

    def with_body(self, body: dict[str, Any], *, etag: str) -> "Record":
        """Return the record with another body under a new etag."""
        return replace(self, data=orjson.dumps(body), etag=etag)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A request that goes on after its reply; its outcome is a matter of the clock alone.

    Attributes:
        id: What its polling URLs carry.
        target: Id of the resource it works on.
        verb: The request's method.
        shown: The provisioning state the resource shows meanwhile.
        started: When it was accepted, in simulated seconds since 1970.
        due: When it is over; None is never, until a fault is lifted.
        version: The api-version of the request.
        location: The region its polling URLs name.
        error: What it fails with at `due`; None is success.
        result: What a POST hands out at the end, if anything.
        action: Name of the POST's action; empty for other verbs.
    """

    id: str
    target: str
    verb: Verb
    shown: str
    started: float
    due: float | None
    version: str
    location: str = ""
    error: dict[str, Any] | None = None
    result: Any = None
    action: str = ""

    def is_over(self, now: float) -> bool:
        """Whether its time has come."""
        return self.due is not None and self.due <= now

    def status(self, now: float) -> str:
        """Return what Azure's status documents say of it now."""
        if not self.is_over(now):
            return "InProgress"
        return FAILED if self.error else SUCCEEDED
