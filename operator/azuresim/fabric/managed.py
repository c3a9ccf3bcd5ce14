"""Tokens for managed identities: only for those the asking machine really has.

The words of the refusals are Azure's (source: documents on managed identities and their errors).
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from azuresim import ids
from azuresim.identity.tokens import Tokens
from azuresim.resources.call import Call
from azuresim.state.records import Record

LIFETIME_S: Final = 86_400
"""What the metadata service gives (source: document)."""
CHOICES: Final = ("client_id", "object_id", "msi_res_id", "mi_res_id")
STORAGE: Final = "https://storage.azure.com"


class TokenRefusedError(Exception):
    """A refusal: HTTP status, error code and description."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status, self.error, self.description = status, error, description


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One identity of a machine; `resource` is the id of a user-assigned one, else empty."""

    client_id: str
    object_id: str
    resource: str = ""

    def is_meant(self, query: Mapping[str, str]) -> bool:
        """Whether a request speaks of it."""
        own = {
            "client_id": self.client_id,
            "object_id": self.object_id,
            "msi_res_id": self.resource,
            "mi_res_id": self.resource,
        }
        return any(name in query and query[name].casefold() == own[name].casefold() for name in own)


def identities(machine: Record) -> Iterator[Identity]:
    """Yield the identities of a machine, its own one first."""
    stated = machine.body().get("identity", {})
    if "clientId" in stated:
        yield Identity(client_id=stated["clientId"], object_id=stated["principalId"])
    for resource, value in stated.get("userAssignedIdentities", {}).items():
        yield Identity(
            client_id=value["clientId"], object_id=value["principalId"], resource=resource
        )


def token(call: Call, machine: Record, query: Mapping[str, str], tokens: Tokens) -> dict[str, Any]:
    """Answer a machine's request for a token.

    Raises:
        TokenRefusedError: With Azure's code for what is wrong.
    """
    resource = query.get("resource", "")
    if not resource:
        message = "Required query variable 'resource' is missing"
        raise TokenRefusedError(400, "invalid_request", message)
    identity = _chosen(call, machine, query)
    if not _is_known(resource, tokens):
        message = (
            f"AADSTS500011: The resource principal named {ascii(resource)[1:121]} was not found "
            f"in the tenant named {call.tenant}. This can happen if the application has not been "
            "installed by the administrator of the tenant or consented to by any user in the "
            "tenant. You might have sent your authentication request to the wrong tenant."
        )
        raise TokenRefusedError(400, "invalid_resource", message)
    more = {"xms_az_rid": machine.id, "xms_mirid": identity.resource or machine.id}
    now = int(time.time())
    issued = tokens.issue(
        identity.client_id, identity.object_id, resource, lifetime_s=LIFETIME_S, more=more
    )
    return {
        "access_token": issued["access_token"],
        "client_id": identity.client_id,
        "expires_in": str(LIFETIME_S),
        "expires_on": str(now + LIFETIME_S),
        "ext_expires_in": str(LIFETIME_S),
        "not_before": str(now),
        "resource": resource,
        "token_type": "Bearer",
    }


def _chosen(call: Call, machine: Record, query: Mapping[str, str]) -> Identity:
    """Return the identity that is meant: the named one, the machine's own, or the only one."""
    there = [one for one in identities(machine) if _exists(call, one)]
    if any(name in query for name in CHOICES):
        there = [one for one in there if one.is_meant(query)]
    if not there:
        raise TokenRefusedError(400, "invalid_request", "Identity not found")
    if len(there) > 1 and there[0].resource:
        message = (
            "Multiple user assigned identities exist, please specify the clientId / resourceId of "
            "the identity in the token request"
        )
        raise TokenRefusedError(400, "invalid_request", message)
    return there[0]


def _exists(call: Call, identity: Identity) -> bool:
    """Whether a user-assigned identity has not been deleted while machines still named it."""
    return not identity.resource or call.tx.get(ids.key(identity.resource)) is not None


def _is_known(resource: str, tokens: Tokens) -> bool:
    bare = resource.rstrip("/")
    is_account = bare.startswith("https://") and ".blob.core." in bare
    return bare == STORAGE or is_account or tokens.serves(bare)
