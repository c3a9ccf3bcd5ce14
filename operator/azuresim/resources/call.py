"""What a request brings along to the code of a resource type."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from azuresim import ids
from azuresim.clock import timestamp
from azuresim.fabric.health import Prober, everything_up
from azuresim.machines.door import Machines
from azuresim.machines.model import Model
from azuresim.state.records import Record
from azuresim.state.store import Transaction


@dataclass(slots=True, kw_only=True)
class Call:
    """One request being served: its view of the state and its circumstances.

    Attributes:
        tx: What it sees and where it collects its changes.
        now: Simulated seconds since 1970; the same throughout the request.
        version: The api-version asked for; empty where time alone is at work.
        subscription: Id of the subscription, as Azure writes it.
        tenant: Id of the tenant.
        principal: Object id of the caller; empty where time alone is at work.
        client: Client id of the caller.
        verb: HTTP method; empty where time alone is at work.
        strict: Unknown fields of a body are refused instead of ignored.
        locate: Returns an id as Azure writes it if there is such a resource, else None.
        draw: Returns a number, counted from 0, never returned before under the same name.
        knows: Tells whether the directory has a principal with this object id.
        prober: Tells whether a balancer's probes reach a backend.
        machines: Has the virtual machines; told of wishes once a write is durable.
        base: The server's own address, `https://host:port`.
        query: The other query parameters, names case-folded.
    """

    tx: Transaction
    now: float
    version: str
    subscription: str
    tenant: str
    principal: str = ""
    client: str = ""
    verb: str = ""
    strict: bool = False
    locate: Callable[["Call", str], str | None] = lambda _call, _id: None
    draw: Callable[[str], int] = lambda _name: 0
    knows: Callable[[str], bool] = lambda _object_id: False
    prober: Prober = everything_up
    machines: Machines = field(default_factory=lambda: Model(None, lambda _: None))
    base: str = ""
    query: dict[str, str] = field(default_factory=dict)

    @property
    def timestamp(self) -> str:
        """This instant as Azure writes it."""
        return timestamp(self.now)

    def new_guid(self) -> str:
        """Return an id nobody has."""
        return str(uuid.uuid4())

    def get(self, resource_id: str) -> Record | None:
        """Return the record with this id, in whatever letter case."""
        return self.tx.get(ids.key(resource_id))


@dataclass(slots=True, kw_only=True)
class Draft:
    """A write that has passed the schema and is not stored yet.

    Attributes:
        id: The resource's id, as Azure writes it.
        body: What is about to be stored; hooks may change it.
        before: What was stored, or None for a new resource.
    """

    id: str
    body: dict[str, Any]
    before: dict[str, Any] | None

    @property
    def properties(self) -> dict[str, Any]:
        """The body's properties."""
        properties: dict[str, Any] = self.body["properties"]
        return properties

    @property
    def is_new(self) -> bool:
        """Whether the resource did not exist."""
        return self.before is None
