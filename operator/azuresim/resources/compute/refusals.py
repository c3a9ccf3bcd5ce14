"""How the compute provider says no, in its own words."""

from dataclasses import replace
from typing import Any, Final

from azuresim.errors import ArmError, bad_request
from azuresim.resources.families import COMPUTE, Family
from azuresim.resources.regions import REGIONS

PLAIN: Final[Family] = replace(COMPUTE, name="Compute, without etags", etag="", tag_writes=False)
_DISKS: Final = "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/"
DISKS: Final[Family] = replace(
    PLAIN,
    name="Disks",
    status_path=_DISKS + "DiskOperations/{id}",
    result_path=_DISKS + "DiskOperations/{id}",
    notify=False,
    output=True,
)


def changed(what: str) -> ArmError:
    """Return the refusal to change what is for life (source: document)."""
    message = f"Changing property '{what}' is not allowed."
    return ArmError(409, "PropertyChangeNotAllowed", message, target=what)


def invalid(message: str, target: str) -> ArmError:
    """Return the refusal of a value (source: document)."""
    return bad_request("InvalidParameter", message, target=target)


def not_allowed(message: str, **more: str) -> ArmError:
    """Return the refusal of what cannot be done now (source: document)."""
    return ArmError(409, "OperationNotAllowed", message, **more)  # type: ignore[arg-type] # target alone


def conflicting(message: str, target: str) -> ArmError:
    """Return the refusal of what another resource already has (source: document)."""
    return ArmError(409, "ConflictingUserInput", message, target=target)


def require_zones(kind: str, name: str, body: dict[str, Any]) -> None:
    """Refuse zones that a region does not have (source: document).

    Raises:
        ArmError: 400.
    """
    there = REGIONS[body["location"]].zones
    wrong = [zone for zone in body.get("zones", ()) if zone not in there]
    if wrong:
        message = (
            f"The zone(s) '{','.join(wrong)}' for resource '{kind}/{name}' is not supported. The "
            f"supported zones for location '{body['location']}' are '{','.join(there)}'"
        )
        raise bad_request("AvailabilityZoneNotSupported", message)
