"""How the two DNS providers talk: bare GUIDs as etags, errors without an envelope."""

from dataclasses import replace
from typing import Final

from azuresim import ids
from azuresim.errors import ArmError, bad_request
from azuresim.resources.families import Family

NOUNS: Final = {
    "dnszones": "Zone",
    "privatednszones": "Zone",
    "virtualnetworklinks": "Virtual Network Link",
}
"""What the providers call a resource in their messages, by the last word of its type."""


def _called(resource_id: str) -> str:
    kind = resource_id.rsplit("/", 2)[-2].casefold()
    return f"{NOUNS.get(kind, 'Record set')} {ids.name_of(resource_id)}"


def _mismatch(given: str, there: str, resource_id: str) -> ArmError:
    del given, there
    message = f"The {_called(resource_id)} has been modified (etag mismatch)."
    return ArmError(412, "PreconditionFailed", message, flat=True)


def _exists(resource_id: str) -> ArmError:
    message = f"The {_called(resource_id)} exists already and hence cannot be created again."
    return ArmError(412, "PreconditionFailed", message, flat=True)


def _busy(url: str) -> ArmError:
    del url
    message = "The request failed because another operation on the resource is in progress."
    return ArmError(409, "Conflict", message, flat=True)


def _absent(resource_id: str) -> ArmError:
    message = f"The resource '{ids.name_of(resource_id)}' does not exist."
    return ArmError(404, "NotFound", message, flat=True)


def no_record(name: str, group: str, subscription: str) -> ArmError:
    """Return the 404 for a record set (source: recording)."""
    message = (
        f"The resource record '{name}' does not exist in resource group '{group}' of "
        f"subscription '{subscription}'."
    )
    return ArmError(404, "NotFound", message, flat=True)


def wrong(message: str) -> ArmError:
    """Return the refusal of a body."""
    return bad_request("BadRequest", message, flat=True)


_PATH: Final = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/"

PUBLIC: Final = Family(
    name="DNS",
    etag="{}",
    status_path=_PATH + "dnsOperationStatuses/{id}",
    result_path=_PATH + "dnsOperationResults/{id}",
    tag_writes=True,
    accepted=True,
    mismatch=_mismatch,
    busy=_busy,
    absent_child=_absent,
    exists=_exists,
)
PRIVATE_RECORDS: Final = replace(
    PUBLIC,
    name="Private DNS",
    status_path=_PATH + "privateDnsOperationStatuses/{id}",
    result_path=_PATH + "privateDnsOperationResults/{id}",
)
PRIVATE: Final = replace(PRIVATE_RECORDS, tag_writes=False, retry_after=30)
