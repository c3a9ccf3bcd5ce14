"""The `identity` member of resources that can have managed identities."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from azuresim import ids
from azuresim.errors import bad_request
from azuresim.resources.schema import MISSING, Field, Place
from azuresim.state.records import Link

SYSTEM: Final = "SystemAssigned"
USER: Final = "UserAssigned"
KIND: Final = "microsoft.managedidentity/userassignedidentities"


@dataclass(frozen=True, kw_only=True)
class Identity(Field):
    """Type, the principal of the resource itself, and the identities it shares with others.

    What is stored under `clientId` is never shown: Azure tells the client id of a
    system-assigned identity nowhere, but its tokens carry it.
    """

    sticky: bool = True

    def accept(self, given: Any, kept: Any, place: Place) -> Any:
        """Make the principal when it is first asked for, and look the shared identities up.

        Raises:
            ArmError: If a shared identity does not exist, or the type does not say what is sent.
        """
        if not isinstance(given, dict):
            raise place.wrong("an object is expected.")
        kinds = _kinds(given.get("type"), place)
        before = kept if isinstance(kept, dict) else {}
        stored: dict[str, Any] = {"type": ", ".join(kinds)}
        if SYSTEM in kinds:
            had = SYSTEM in before.get("type", "")
            stored["principalId"] = before["principalId"] if had else place.call.new_guid()
            stored["clientId"] = before["clientId"] if had else place.call.new_guid()
            stored["tenantId"] = place.call.tenant
        if USER in kinds:
            stored["userAssignedIdentities"] = _shared(given, place)
        return stored if kinds else MISSING

    def links(self, value: Any, owner: str) -> Iterator[Link]:
        """Yield the shared identities; none of them is held."""
        for resource_id in value.get("userAssignedIdentities", ()):
            yield Link(ids.key(resource_id), owner, "", single=False, optional=True)

    def may_link(self) -> bool:
        """Say yes."""
        return True

    def hides(self, version: str) -> bool:
        """Say yes: the client id."""
        del version
        return True

    def show(self, value: Any, version: str) -> Any:
        """Leave the client id out."""
        del version
        return {name: item for name, item in value.items() if name != "clientId"}


def _kinds(given: Any, place: Place) -> list[str]:
    words = {each.strip().casefold() for each in str(given or "None").split(",")}
    known = [kind for kind in (SYSTEM, USER) if kind.casefold() in words]
    if len(known) != len(words - {"none"}):
        raise place.at("type").wrong(f"{ascii(given)[:80]} is no identity type.")
    return known


def _shared(given: dict[str, Any], place: Place) -> dict[str, Any]:
    wanted = given.get("userAssignedIdentities") or {}
    if not isinstance(wanted, dict):
        raise place.at("userAssignedIdentities").wrong("an object is expected.")
    found: dict[str, Any] = {}
    for resource_id, value in wanted.items():
        if value is not None:  # null takes an identity away
            found[resource_id] = _principal(resource_id, place)
    if not found:
        message = "The identity ids must not be null or empty for 'UserAssigned' identity type."
        raise bad_request("InvalidIdentityIds", message)
    return found


def _principal(resource_id: str, place: Place) -> dict[str, str]:
    record = place.call.get(resource_id) if resource_id.startswith("/") else None
    if record is None or record.kind != KIND:
        message = (
            "Failed to perform resource identity operation. Status: 'BadRequest'. Response: "
            f"'Resource {ascii(resource_id)[1:301]} was not found.'"
        )
        raise bad_request("FailedIdentityOperation", message)
    properties = record.body()["properties"]
    return {"principalId": properties["principalId"], "clientId": properties["clientId"]}
