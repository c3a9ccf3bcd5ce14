"""Rules that several types of the network provider share: SKUs and zones stay as they were made."""

from collections.abc import Mapping
from typing import Any

from azuresim import ids
from azuresim.errors import ArmError, bad_request
from azuresim.resources.call import Call, Draft
from azuresim.resources.schema import Choice, Field, Items, Shape, Text, read_only, shape


def sku(*names: str) -> Shape:
    """Return the shape of a `sku`; the first name is what it is if nobody says."""
    return shape(
        name=Choice(words=names, default=names[0]),
        tier=Choice(words=("Regional", "Global"), default="Regional"),
    )


def zones() -> Items:
    """Return the shape of `zones`."""
    return Items(of=Text(longest=10), most=3)


def echoed(*names: str) -> dict[str, Field]:
    """Return members that the service shows and a caller may send back to no effect."""
    return {name: read_only() for name in names}


def sku_name(body: Mapping[str, Any]) -> str:
    """Return the name of a body's SKU."""
    return str(body["sku"]["name"])


def sku_of(call: Call, reference: Mapping[str, Any] | None) -> str:
    """Return the SKU of the resource a reference leads to; empty if there is none."""
    record = call.get(reference["id"]) if reference else None
    return sku_name(record.body()) if record else ""


def refuse_sku_change(draft: Draft) -> None:
    """Refuse another SKU on an update (code assumed, message from a document).

    Raises:
        ArmError: 400, if it differs.
    """
    if draft.before is None or draft.before["sku"] == draft.body["sku"]:
        return
    part = "name" if sku_name(draft.before) != sku_name(draft.body) else "tier"
    raise bad_request(
        "PropertyChangeNotAllowed",
        f"Sku property is set at creation time and cannot be changed from "
        f"{draft.before['sku'][part]} to {draft.body['sku'][part]} on resource update for "
        f"resource {draft.id}.",
        target=f"sku.{part}",
        details=[],
    )


def refuse_zone_change(
    resource_id: str, before: Mapping[str, Any] | None, body: Mapping[str, Any]
) -> None:
    """Refuse other zones on an update.

    Raises:
        ArmError: 400, if they differ.
    """
    if before is None or _zones(before) == _zones(body):
        return
    message = (
        f"Resource {resource_id} has an existing availability zone constraint {_said(before)} and "
        f"the request has availability zone constraint {_said(body)}, which do not match. Zones "
        "cannot be added/updated/removed once the resource is created. The resource cannot be "
        "updated from regional to zonal or vice-versa."
    )
    raise bad_request("ResourceAvailabilityZonesCannotBeModified", message, details=[])


def refuse(code: str, message: str) -> ArmError:
    """Return a 400 in the network provider's shape."""
    return bad_request(code, message, details=[])


def own(draft: Draft, resource_id: str) -> bool:
    """Whether an id is that of a child of the draft's resource."""
    return ids.key(resource_id).startswith(f"{ids.key(draft.id)}/")


def _zones(body: Mapping[str, Any]) -> list[str]:
    return sorted(body.get("zones") or [])


def _said(body: Mapping[str, Any]) -> str:
    return ", ".join(_zones(body)) or "NoZone"
