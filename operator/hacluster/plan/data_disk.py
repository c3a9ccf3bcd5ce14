"""Data disks of the nodes, and disks that all nodes share.

They are made beside the interfaces, before the machines that they are attached to, and outlive
them: nothing here deletes one (`deletion`). Azure grows a disk and never shrinks it.
"""

from collections.abc import Iterator
from typing import Final

from hacluster.model.groups import Resource, SharedDiskMount
from hacluster.model.ids import ArmId, name_of
from hacluster.model.machines import DataDisk, Node
from hacluster.model.reasons import Reason
from hacluster.plan.placement import zone_of
from hacluster.plan.settle import settle
from hacluster.plan.steps import Refuse, Step
from hacluster.plan.view import View, remembered
from hacluster.plan.wanted import LOCATION, Wanted, regional

_LOCALLY_REDUNDANT: Final = "_LRS"
_SKU: Final = (
    "Set the sku back; or deallocate the machines that use the disk, change it by hand, and start "
    "them again."
)
_ZONE: Final = "A disk stays in its zone: set the node's zone back, or give the disk another name."
_SIZE: Final = "Azure never shrinks a disk: set sizeGiB back, or give the disk another name."
_SHARES: Final = "Detach the disk from all machines and change maxShares by hand."


def plan(view: View) -> tuple[Step, ...]:
    """Return the steps that make the disks what the spec asks for."""
    return tuple(step for wanted in desired(view) for step in _settle(view, wanted))


@remembered
def desired(view: View) -> tuple[Wanted, ...]:
    """Return all data and shared disks, or nothing where the machines exist."""
    if not view.makes_machines:
        return ()
    own = [_own(view, node, disk) for node in view.spec.nodes for disk in node.data_disks]
    shared = [_shared(view, resource, mount) for resource, mount in shared_disks(view)]
    return (*own, *shared)


def shared_disks(view: View) -> Iterator[tuple[Resource, SharedDiskMount]]:
    """Yield the SharedDisk resources of all groups."""
    for group in view.spec.cluster.failover_groups:
        for resource in group.resources:
            if resource.shared_disk:
                yield resource, resource.shared_disk


def _settle(view: View, wanted: Wanted) -> tuple[Step, ...]:
    is_shared = "maxShares" in wanted.body["properties"]
    is_local = wanted.body["sku"]["name"].endswith(_LOCALLY_REDUNDANT)
    if is_shared and is_local and len(_zones(view)) > 1:
        return (_unsharable(wanted),)
    return settle(view, wanted)


def _own(view: View, node: Node, disk: DataDisk) -> Wanted:
    zone = zone_of(view.spec, node)
    properties = {"diskSizeGB": disk.size_gib}
    zones = {zone} if zone else set()
    return _disk(view, view.names.data_disk(disk), str(disk.sku), properties, zones)


def _shared(view: View, resource: Resource, mount: SharedDiskMount) -> Wanted:
    properties = {"diskSizeGB": mount.size_gib, "maxShares": len(view.spec.nodes)}
    return _disk(view, view.names.shared_disk(resource), str(mount.sku), properties, _zones(view))


def _zones(view: View) -> set[str]:
    return {zone for node in view.spec.nodes if (zone := zone_of(view.spec, node))}


def _disk(view: View, disk: ArmId, sku: str, properties: dict[str, int], zones: set[str]) -> Wanted:
    immutable = LOCATION | {"sku": _SKU, "zones": _ZONE, "properties.maxShares": _SHARES}
    if _shrinks(view, disk, properties["diskSizeGB"]):
        immutable["properties.diskSizeGB"] = _SIZE
    # A locally redundant disk lives in the zone of its machines; others live in all zones.
    place = {"zones": sorted(zones)} if zones and sku.endswith(_LOCALLY_REDUNDANT) else {}
    stated = {"creationData": {"createOption": "Empty"}, **properties}
    return Wanted(
        id=disk,
        body=regional(view, stated, sku={"name": sku}, **place),
        needs=frozenset({view.names.resource_group}),
        immutable=immutable,
        at_creation=("properties.creationData",),
    )


def _shrinks(view: View, disk: ArmId, size_gib: int) -> bool:
    seen = view.present(disk)
    return seen is not None and int(seen.properties.get("diskSizeGB") or 0) > size_gib


def _unsharable(wanted: Wanted) -> Refuse:
    why = (
        f"the disk {name_of(wanted.id)} cannot be shared by nodes in several zones: write the sku "
        "Premium_ZRS or StandardSSD_ZRS, or put all nodes into one zone"
    )
    return Refuse(id=wanted.id, reason=Reason.REFUSED, why=why)
