"""How the compute provider says no, in its own words."""

from dataclasses import replace
from typing import Final

from azuresim.errors import ArmError, bad_request
from azuresim.resources.families import COMPUTE, Family

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


def sku_not_available(size: str, location: str, zone: str = "") -> ArmError:
    """Return the refusal of a size that a place has no room for (source: document)."""
    where = f"location '{location}' zone '{zone}'" if zone else f"location '{location}'"
    message = (
        "The requested VM size for resource 'Following SKUs have failed for Capacity "
        f"Restrictions: {size}' is currently not available in {where}. Please try another size "
        "or deploy to a different location or different zone. See "
        "https://aka.ms/azureskunotavailable for details."
    )
    return ArmError(409, "SkuNotAvailable", message, target="sku")


def quota_exceeded(family: str, location: str, used: int, wanted: int, limit: int) -> ArmError:
    """Return the refusal of more cores than a subscription may have (source: document)."""
    message = (
        f"Operation could not be completed as it results in exceeding approved {family} Cores "
        f"quota. Additional details - Deployment Model: Resource Manager, Location: {location}, "
        f"Current Limit: {limit}, Current Usage: {used}, Additional Required: {wanted}, (Minimum) "
        f"New Limit Required: {used + wanted}."
    )
    return ArmError(409, "OperationNotAllowed", message)
