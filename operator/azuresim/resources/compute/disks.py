"""Managed disks: made empty, from an image or from another disk; they grow and never shrink."""

from dataclasses import replace
from functools import partial
from typing import Any, Final

import orjson

from azuresim import ids
from azuresim.clock import timestamp
from azuresim.errors import bad_request
from azuresim.resources import versions
from azuresim.resources.call import Call, Draft
from azuresim.resources.compute import disk_models
from azuresim.resources.compute.refusals import (
    DISKS,
    changed,
    invalid,
    not_allowed,
    require_zones,
)
from azuresim.resources.contract import Fact, Reply, ResourceType, Source, Style
from azuresim.resources.families import missing_reference
from azuresim.resources.schema import (
    Anything,
    Choice,
    Flag,
    Items,
    Number,
    Shape,
    Text,
    read_only,
    shape,
)
from azuresim.state.records import Operation, Record

KIND: Final = "Microsoft.Compute/disks"
LARGEST_GB: Final = 65_536
OPTIONS: Final = (
    "Empty", "Attach", "FromImage", "Import", "Copy", "CopyStart", "Restore", "Upload",
    "ImportSecure", "UploadPreparedSecure", "CopyFromSanSnapshot",
)  # fmt: skip
AT_REST: Final = (
    "diskIOPSReadWrite", "diskMBpsReadWrite", "encryption", "networkAccessPolicy",
    "publicNetworkAccess", "timeCreated", "diskState", "uniqueId", "tier",
)  # fmt: skip
"""Left out of what is shown while a write is under way (source: recording)."""

PROPERTIES: Final = shape(
    osType=Choice(words=("Windows", "Linux"), sticky=True),
    hyperVGeneration=Choice(words=("V1", "V2"), sticky=True),
    creationData=Shape(
        required=True,
        members={
            "createOption": Choice(words=OPTIONS, required=True),
            "imageReference": shape(id=Text(), lun=Number(low=0)),
            "galleryImageReference": Anything(),
            "sourceResourceId": Text(),
            "sourceUri": Text(),
            "storageAccountId": Text(),
            "uploadSizeBytes": Number(low=0),
            "logicalSectorSize": Number(),
            "performancePlus": Flag(),
        },
    ),
    diskSizeGB=Number(low=1, high=LARGEST_GB, sticky=True),
    diskIOPSReadWrite=Number(low=1, sticky=True),
    diskMBpsReadWrite=Number(low=1, sticky=True),
    encryption=Anything(sticky=True),
    maxShares=Number(low=1, high=15, sticky=True),
    networkAccessPolicy=Choice(words=("AllowAll", "AllowPrivate", "DenyAll"), sticky=True),
    publicNetworkAccess=Choice(words=("Enabled", "Disabled"), sticky=True, since="2021-08-01"),
    diskAccessId=Text(),
    dataAccessAuthMode=Text(),
    burstingEnabled=Flag(sticky=True),
    optimizedForFrequentAttach=Flag(sticky=True),
    supportsHibernation=Flag(sticky=True),
    supportedCapabilities=Anything(sticky=True),
    securityProfile=Anything(sticky=True),
    purchasePlan=Anything(sticky=True),
    timeCreated=read_only(),
    diskSizeBytes=read_only(),
    uniqueId=read_only(),
    tier=Text(sticky=True),
)


def users(call: Call, disk_id: str) -> list[str]:
    """Return the ids of the machines a disk is attached to, sorted."""
    return sorted({link.source for link in call.tx.referrers(ids.key(disk_id))})


def _check(call: Call, draft: Draft) -> None:
    properties, before = draft.properties, (draft.before or {}).get("properties", {})
    if before and before["creationData"] != properties["creationData"]:
        raise changed("creationData")
    require_zones(KIND, ids.name_of(draft.id), draft.body)
    if "diskSizeGB" not in properties:
        properties["diskSizeGB"] = _size(call, draft)
    size, had = properties["diskSizeGB"], before.get("diskSizeGB", 0)
    if size < had:
        raise not_allowed(
            f"Disk '{ids.name_of(draft.id)}' cannot be shrunk from {had} GB to {size} GB. Only "
            "increasing the size of a disk is allowed."
        )
    _check_shares(call, draft, before)
    sku = _sku(draft.body)
    if before and size != had and sku not in disk_models.SETTABLE:
        properties.update(disk_models.derived(sku, size))


def _size(call: Call, draft: Draft) -> int:
    data = draft.properties["creationData"]
    option = data["createOption"]
    if option in {"Copy", "CopyStart", "Restore"}:
        source = call.get(data.get("sourceResourceId") or "/")
        if source is None:
            raise missing_reference(data.get("sourceResourceId", ""), draft.id)
        return int(source.body()["properties"]["diskSizeGB"])
    if option == "FromImage":
        return 30
    if option == "Upload" and data.get("uploadSizeBytes"):
        return max(1, int(data["uploadSizeBytes"]) // disk_models.GIB)
    message = "Required parameter 'disk.diskSizeGB' is missing (null)."
    raise bad_request("InvalidParameter", message, target="disk.diskSizeGB")


def _check_shares(call: Call, draft: Draft, before: dict[str, Any]) -> None:
    shares, sku = draft.properties.get("maxShares", 1), _sku(draft.body)
    most = disk_models.most_shares(sku, draft.properties["diskSizeGB"])
    if shares > most:
        message = (
            f"The value '{shares}' of parameter 'disk.maxShares' is out of range. A disk of SKU "
            f"{sku} and this size can be shared by {most} at most."
        )
        raise invalid(message, "disk.maxShares")
    if before and before.get("maxShares", 1) != shares and users(call, draft.id):
        raise not_allowed(
            f"maxShares of disk '{ids.name_of(draft.id)}' cannot be changed while it is attached "
            "to running VMs."
        )


def _sku(body: dict[str, Any]) -> str:
    return str(body.get("sku", {}).get("name", "Standard_LRS"))


def completed(body: dict[str, Any], call: Call) -> dict[str, Any]:
    """Return a disk's body with all that Azure fills in, in the order of the shape."""
    sku = _sku(body)
    given = body["properties"]
    defaults = {
        "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
        "networkAccessPolicy": "AllowAll",
        "publicNetworkAccess": "Enabled",
        "timeCreated": timestamp(call.now),
        "uniqueId": call.new_guid(),
    }
    known = defaults | disk_models.derived(sku, given["diskSizeGB"]) | given
    known["diskSizeBytes"] = given["diskSizeGB"] * disk_models.GIB
    tier = sku.split("_")[0].removesuffix("SSD").removesuffix("V2")
    ordered = {name: known[name] for name in PROPERTIES.members if name in known}
    return {**body, "sku": {"name": sku, "tier": tier}, "properties": ordered}


def _settle(call: Call, record: Record, operation: Operation) -> Record:
    if operation.error:
        return record
    return replace(record, data=orjson.dumps(completed(record.body(), call)))


def _show(call: Call, record: Record, wire: dict[str, Any]) -> None:
    properties = wire["properties"]
    if properties["provisioningState"] != "Succeeded":
        for name in AT_REST:
            properties.pop(name, None)
        return
    attached = users(call, record.id)
    properties["diskState"] = _state(call, attached)
    if attached:
        wire["managedBy"] = attached[0]
    if attached and properties.get("maxShares", 1) > 1:
        wire["managedByExtended"] = attached
        properties["shareInfo"] = [{"vmUri": each} for each in attached]


def _state(call: Call, attached: list[str]) -> str:
    machines = [call.get(each) for each in attached]
    powers = [each.body()["properties"].get("power", {}) for each in machines if each]
    if not powers:
        return "Unattached"
    resting = all(power.get("state") == "deallocated" for power in powers)
    return "Reserved" if resting else "Attached"


def _gone(call: Call, record: Record) -> None:
    call.tx.after(partial(call.machines.erase, record.id))


def _remove(call: Call, record: Record) -> None:
    attached = users(call, record.id)
    if attached:
        raise not_allowed(f"Disk {record.name} is attached to VM {attached[0]}.")


def implicit(
    call: Call, *, disk_id: str, machine: dict[str, Any], stated: dict[str, Any], option: str
) -> Record:
    """Return the disk that is made together with a machine.

    Args:
        call: The request that makes the machine.
        disk_id: Its id.
        machine: The machine's body, for place and zone.
        stated: The machine's entry for it: size, kind, system.
        option: `FromImage` or `Empty`.
    """
    managed = stated.get("managedDisk", {})
    default = "Premium_LRS" if option == "FromImage" else "Standard_LRS"
    properties: dict[str, Any] = {
        "creationData": {"createOption": option},
        "diskSizeGB": stated["diskSizeGB"],
    }
    if "osType" in stated:
        properties["osType"] = stated["osType"]
        properties["hyperVGeneration"] = "V2"
    body = {"location": machine["location"], "properties": properties}
    body["sku"] = {"name": managed.get("storageAccountType", default)}
    if "zones" in machine and not body["sku"]["name"].endswith("_ZRS"):
        body["zones"] = machine["zones"]
    data = orjson.dumps(completed(body, call))
    return Record(id=disk_id, kind=KIND.casefold(), etag=call.new_guid(), data=data)


ACCEPTED: Final = Reply(status=202, style=Style.BOTH, shown="Updating")

TYPE: Final = ResourceType(
    kind=KIND,
    family=DISKS,
    versions=versions.DISKS,
    properties=PROPERTIES,
    beside=shape(
        sku=Shape(
            members={
                "name": Choice(words=tuple(disk_models.RATES), sticky=True),
                "tier": read_only(),
            },
            sticky=True,
        ),
        zones=Items(of=Text(), immutable="PropertyChangeNotAllowed"),
        extendedLocation=Anything(sticky=True),
    ),
    create=ACCEPTED,
    unchanged=ACCEPTED,
    update=ACCEPTED,
    patched=ACCEPTED,
    delete=Reply(status=202, style=Style.BOTH),
    duration="disk",
    patch="merge",
    check=_check,
    show=_show,
    settle=_settle,
    remove=_remove,
    gone=_gone,
    facts=(
        Fact("a write answers 202 and shows little until it is over", Source.RECORDING),
        Fact("the status document carries the disk", Source.RECORDING),
        Fact("a disk grows and never shrinks", Source.DOCUMENT),
        Fact("an attached disk cannot be deleted", Source.DOCUMENT),
        Fact("maxShares machines may have it, more by kind and size", Source.DOCUMENT),
        Fact("rates and tiers by kind and size", Source.DOCUMENT),
    ),
    missing=("access by SAS", "encryption sets", "snapshots", "disk accesses"),
)
