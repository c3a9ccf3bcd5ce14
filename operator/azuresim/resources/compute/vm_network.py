"""The network interfaces of a virtual machine."""

from dataclasses import replace
from typing import Any

import orjson

from azuresim import ids
from azuresim.errors import ArmError, bad_request
from azuresim.resources.call import Call, Draft
from azuresim.resources.compute.refusals import invalid
from azuresim.resources.families import missing_reference
from azuresim.resources.network.network_interfaces import WAS_ATTACHED


def check(call: Call, draft: Draft) -> None:
    """Refuse interfaces that are missing, elsewhere, used twice or changed under power."""
    interfaces = draft.properties.get("networkProfile", {}).get("networkInterfaces", [])
    if not interfaces:
        message = "Required parameter 'networkProfile.networkInterfaces' is missing (null)."
        raise invalid(message, "networkProfile")
    _check_primary(interfaces)
    seen: set[str] = set()
    for interface in interfaces:
        key = ids.key(interface["id"])
        if key in seen:
            message = f"Network interface {interface['id']} is referenced more than once."
            raise invalid(message, "networkProfile.networkInterfaces")
        seen.add(key)
        record = call.get(interface["id"])
        if record is None or record.body()["location"] != draft.body["location"]:
            raise missing_reference(interface["id"], draft.id)
    _check_change(draft, seen)


def _check_primary(interfaces: list[dict[str, Any]]) -> None:
    primary = sum(bool(each.get("properties", {}).get("primary")) for each in interfaces)
    if len(interfaces) > 1 and primary != 1:
        message = (
            "Virtual machine must have one network interface set as the primary; "
            f"{primary} of {len(interfaces)} are."
        )
        code = "VirtualMachineMustHaveOneNetworkInterfaceAsPrimary"
        raise bad_request(code, message)


def _check_change(draft: Draft, wanted: set[str]) -> None:
    before = (draft.before or {"properties": {}})["properties"]
    had = {
        ids.key(each["id"])
        for each in before.get("networkProfile", {}).get("networkInterfaces", ())
    }
    at_rest = before.get("power", {}).get("state") == "deallocated"
    if draft.before and had != wanted and not at_rest:
        code = "AddingOrRemovingNetworkInterfacesOnARunningVirtualMachineNotSupported"
        message = (
            "Secondary network interfaces cannot be added or removed from a running virtual "
            f"machine '{ids.name_of(draft.id)}'. Deallocate it first."
        )
        raise ArmError(409, code, message)


def leave(call: Call, properties: dict[str, Any]) -> None:
    """Take away the interfaces that are to go with their machine, and mark those that stay."""
    for each in properties.get("networkProfile", {}).get("networkInterfaces", ()):
        record = call.get(each["id"])
        if each.get("properties", {}).get("deleteOption") == "Delete":
            call.tx.remove(ids.key(each["id"]))
        elif record is not None:
            body = record.body()
            body["properties"][WAS_ATTACHED] = True
            call.tx.save(replace(record, data=orjson.dumps(body)))
