"""Which principals there are because of managed identities.

The directory knows the principals that sign in with a secret; these sign in from
inside Azure. Role assignments and token endpoints ask here for both kinds of
managed ones: those of user-assigned identities and those of resources themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from azuresim.resources.call import Call
from azuresim.resources.identities.assigned import KIND, SYSTEM

BEARERS = ("microsoft.compute/virtualmachines", "microsoft.storage/storageaccounts")
"""Types whose resources can have a principal of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """One principal of a managed identity; `resource` is the id of what it comes with."""

    object_id: str
    client_id: str
    name: str
    resource: str


def managed(call: Call) -> Iterator[Managed]:
    """Yield every managed principal of the subscription."""
    container = f"/subscriptions/{call.subscription}".casefold()
    for record in call.tx.members(container, KIND):
        properties = record.body()["properties"]
        yield Managed(
            object_id=properties["principalId"],
            client_id=properties["clientId"],
            name=record.name,
            resource=record.id,
        )
    for kind in BEARERS:
        for record in call.tx.members(container, kind):
            identity = record.body().get("identity", {})
            if SYSTEM in identity.get("type", ""):
                yield Managed(
                    object_id=identity["principalId"],
                    client_id=identity["clientId"],
                    name=record.name,
                    resource=record.id,
                )


def find(call: Call, principal: str) -> Managed | None:
    """Return the managed principal of an object id or a client id."""
    wanted = principal.casefold()
    return next(
        (one for one in managed(call) if wanted in {one.object_id, one.client_id}),
        None,
    )
