"""The disks of a virtual machine: those made with it, those attached, and where they are found."""

from functools import partial
from typing import Any

from azuresim import ids
from azuresim.errors import bad_request
from azuresim.resources.call import Call, Draft
from azuresim.resources.compute import disks
from azuresim.resources.compute.refusals import changed, conflicting, invalid
from azuresim.resources.families import missing_reference


def check(call: Call, draft: Draft) -> None:
    """Name and make the disks that come with the machine, and look at those it is to have."""
    storage = draft.properties["storageProfile"]
    disk = storage["osDisk"]
    disk.setdefault("deleteOption", "Detach")
    if "id" not in disk.get("managedDisk", {}):
        name = disk.setdefault("name", f"{ids.name_of(draft.id)}_OsDisk_1_{_hex(call)}")
        _make(call, draft, disk, name, "FromImage")
    else:
        _attach(call, draft, disk)
    wanted = [each for each in storage["dataDisks"] if not each.get("toBeDetached")]
    storage["dataDisks"] = wanted
    for each in wanted:
        _check_data_disk(call, draft, each)
    _check_places(draft, wanted)


def _hex(call: Call) -> str:
    return call.new_guid().replace("-", "")


def _check_data_disk(call: Call, draft: Draft, disk: dict[str, Any]) -> None:
    managed = disk.get("managedDisk", {})
    disk.setdefault("deleteOption", "Detach")
    if disk["createOption"] == "Attach":
        if "id" not in managed:
            message = "Required parameter 'dataDisk.managedDisk.id' is missing (null)."
            raise invalid(message, "dataDisk.managedDisk.id")
        _attach(call, draft, disk)
    elif "id" in managed:
        if ids.key(managed["id"]) not in _had(draft):
            message = (
                f"The property 'dataDisk.createOption' cannot have the value "
                f"'{disk['createOption']}' when property 'dataDisk.managedDisk.id' is set."
            )
            raise bad_request("InvalidParameterConflictingProperties", message)
    else:
        name = f"{ids.name_of(draft.id)}_DataDisk_{disk['lun']}_{_hex(call)}"
        if "diskSizeGB" not in disk:
            message = "Required parameter 'dataDisk.diskSizeGB' is missing (null)."
            raise invalid(message, "dataDisk.diskSizeGB")
        _make(call, draft, disk, disk.setdefault("name", name), "Empty")


def _had(draft: Draft) -> set[str]:
    """Return the keys of the disks the machine has already."""
    storage = (draft.before or {"properties": {}})["properties"].get("storageProfile", {})
    entries = [storage.get("osDisk", {}), *storage.get("dataDisks", ())]
    return {
        ids.key(each["managedDisk"]["id"])
        for each in entries
        if "id" in each.get("managedDisk", {})
    }


def _make(call: Call, draft: Draft, disk: dict[str, Any], name: str, option: str) -> None:
    group = draft.id.rsplit("/providers/", 1)[0]
    disk_id = f"{group}/providers/Microsoft.Compute/disks/{name}"
    if ids.key(disk_id) in _had(draft):
        disk.setdefault("managedDisk", {})["id"] = disk_id
        return
    if call.get(disk_id) is not None:
        raise conflicting(
            f"Disk {name} already exists in resource group {ids.name_of(group).upper()}. Only "
            "CreateOption.Attach is supported.",
            disk_id,
        )
    record = disks.implicit(call, disk_id=disk_id, machine=draft.body, stated=disk, option=option)
    call.tx.save(record)
    managed = disk.setdefault("managedDisk", {})
    managed.setdefault("storageAccountType", record.body()["sku"]["name"])
    managed["id"] = disk_id


def _attach(call: Call, draft: Draft, disk: dict[str, Any]) -> None:
    disk_id = disk["managedDisk"]["id"]
    record = call.get(disk_id)
    if record is None:
        raise missing_reference(disk_id, draft.id)
    body = record.body()
    if disk.setdefault("name", record.name).casefold() != record.name.casefold():
        message = f"The name '{disk['name']}' is not that of disk {record.id}."
        raise bad_request("InvalidParameter", message, target="dataDisk.name")
    disk["managedDisk"].setdefault(
        "storageAccountType", body.get("sku", {}).get("name", "Standard_LRS")
    )
    disk["diskSizeGB"] = body["properties"]["diskSizeGB"]
    if ids.key(disk_id) in _had(draft):
        return
    _check_room(call, draft, disk_id, int(body["properties"].get("maxShares", 1)))
    _check_place(draft, record.id, body)


def _check_room(call: Call, draft: Draft, disk_id: str, shares: int) -> None:
    users = [each for each in disks.users(call, disk_id) if ids.key(each) != ids.key(draft.id)]
    if len(users) >= shares:
        raise conflicting(
            f"Disk '{disk_id}' cannot be attached as the disk is already owned by VM '{users[0]}'.",
            disk_id,
        )


def _check_place(draft: Draft, disk_id: str, disk: dict[str, Any]) -> None:
    location, zones = draft.body["location"], draft.body.get("zones", [])
    if disk["location"] != location:
        message = f"Disk {disk_id} cannot be attached to the VM because it is not in '{location}'."
        raise bad_request("BadRequest", message)
    is_zonal = not str(disk.get("sku", {}).get("name", "")).endswith("_ZRS")
    if is_zonal and disk.get("zones", []) != zones:
        where = f"not in zone '{zones[0]}'" if zones else "in an availability zone"
        message = f"Disk {disk_id} cannot be attached to the VM because it is {where}."
        raise bad_request("BadRequest", message)


def _check_places(draft: Draft, wanted: list[dict[str, Any]]) -> None:
    """Keep each place to one disk, and each disk in its place."""
    taken: dict[int, str] = {}
    for disk in wanted:
        if disk["lun"] in taken:
            message = (
                f"The LUN {disk['lun']} is used by more than one data disk of virtual machine "
                f"'{ids.name_of(draft.id)}'."
            )
            raise invalid(message, "dataDisk.lun")
        taken[disk["lun"]] = disk.get("name", "")
    before = (draft.before or {"properties": {}})["properties"].get("storageProfile", {})
    old = {each["name"].casefold(): each["lun"] for each in before.get("dataDisks", ())}
    for disk in wanted:
        if old.get(disk.get("name", "").casefold(), disk["lun"]) != disk["lun"]:
            raise changed("dataDisk.lun")


def leave(call: Call, properties: dict[str, Any]) -> None:
    """Take away the disks that are to go with their machine."""
    storage = properties.get("storageProfile", {})
    for disk in (storage.get("osDisk", {}), *storage.get("dataDisks", ())):
        disk_id = disk.get("managedDisk", {}).get("id")
        if disk_id and disk.get("deleteOption") == "Delete":
            call.tx.remove(ids.key(disk_id))
            call.tx.after(partial(call.machines.erase, disk_id))
