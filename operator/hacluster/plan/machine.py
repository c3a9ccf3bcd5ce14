"""The virtual machines: one for each node, with the node's name.

What belongs to a machine for life (image, placement, the disk it boots from, the administrator) is
never changed by a PUT, for Azure would refuse it for ever. It is refused here with what to do, or,
where ``management.replacement`` is OneAtATime, settled by making the machine of a standby again:
the machine and its boot disk go, its data disks, its interface and its address stay. That the node
is a standby, and the only one that is away, is for the gate to check.

Machines that the spec calls existing are looked up by the nodes' names, and never changed.
"""

from collections.abc import Mapping
from typing import Any, Final

from hacluster.model.azure import Replacement
from hacluster.model.ids import ArmId
from hacluster.model.machines import Node, PlacementType
from hacluster.model.observed import Absent, Present
from hacluster.model.reasons import Reason
from hacluster.plan import data_disk, os_disk
from hacluster.plan.diff import is_at
from hacluster.plan.machine_profile import diagnostics, operating_system, storage
from hacluster.plan.placement import zone_of
from hacluster.plan.settle import describe, look_up, settle
from hacluster.plan.steps import Delete, Refuse, Step
from hacluster.plan.view import View, remembered
from hacluster.plan.wanted import LOCATION, Wanted, is_ours, regional

_REBUILD: Final = (
    "Undo the change, or set management.replacement to OneAtATime to have standby nodes made again."
)
_LUN: Final = "Set the lun back, or give the disk another name."
REPLACEABLE: Final = (
    "zones",
    "properties.availabilitySet",
    "properties.storageProfile.imageReference",
    "properties.storageProfile.osDisk",
    "properties.osProfile",
)
"""What making a machine again can settle."""


def plan(view: View) -> tuple[Step, ...]:
    """Return the steps that make the machines what the spec asks for."""
    if not view.makes_machines:
        nodes = view.spec.nodes
        return tuple(step for node in nodes for step in _look_up(view, node))
    pairs = zip(view.spec.nodes, desired(view), strict=True)
    return tuple(step for node, wanted in pairs for step in _settle(view, node, wanted))


@remembered
def desired(view: View) -> tuple[Wanted, ...]:
    """Return one machine for each node, or nothing where they exist."""
    if not view.makes_machines:
        return ()
    return tuple(_machine(view, node) for node in view.spec.nodes)


def _look_up(view: View, node: Node) -> tuple[Step, ...]:
    return look_up(view, view.names.machine(node), f"nodes[{node.name}]")


def _settle(view: View, node: Node, wanted: Wanted) -> tuple[Step, ...]:
    if isinstance(view.get(wanted.id), Absent):
        stale = os_disk.leftover(view, node)
        return settle(view, wanted) if stale is None else stale
    steps = settle(view, wanted)
    seen = view.present(wanted.id)
    if seen is None or view.spec.management.replacement is not Replacement.ONE_AT_A_TIME:
        return steps
    return _rebuilt(view, node, seen, steps)


def _rebuilt(view: View, node: Node, seen: Present, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return the deletion that settles a refusal, if making the machine again can settle it all."""
    changes = [
        change
        for step in steps
        if isinstance(step, Refuse) and step.reason == Reason.IMMUTABLE_DIFFERENCE
        for change in step.changes
    ]
    # A disk cannot follow its machine into another zone, and no data is ever thrown away.
    kept = ("zones",) if node.data_disks else ()
    settled = [one for one in changes if is_at(one.path, REPLACEABLE) and one.path not in kept]
    if not changes or len(settled) < len(changes) or not is_ours(view, seen):
        return steps
    paths = ", ".join(change.path for change in changes)
    why = f"{describe(seen.id)} is made again, since Azure cannot change {paths} in place"
    return (Delete(id=seen.id, etag=seen.etag, why=why, disrupts=node.name),)


def _machine(view: View, node: Node) -> Wanted:
    names, machines = view.names, view.spec.machines
    properties: dict[str, Any] = {
        "hardwareProfile": {"vmSize": node.size or machines.size},
        "storageProfile": storage(view, node),
        "osProfile": operating_system(machines, node),
        "networkProfile": {
            "networkInterfaces": [
                {
                    "id": names.interface(node),
                    "properties": {"primary": True, "deleteOption": "Detach"},
                }
            ]
        },
        "diagnosticsProfile": {"bootDiagnostics": diagnostics(view)},
    }
    if view.spec.placement.type is PlacementType.AVAILABILITY_SET:
        properties["availabilitySet"] = {"id": names.availability_set}
    zone = zone_of(view.spec, node)
    return Wanted(
        id=names.machine(node),
        body=regional(view, properties, **_identity(view, node), **_in_zone(zone)),
        needs=_needs(view, node),
        immutable=LOCATION
        | dict.fromkeys(REPLACEABLE, _REBUILD)
        | {"properties.storageProfile.dataDisks[].lun": _LUN},
        at_creation=(
            "properties.osProfile.adminPassword",
            "properties.osProfile.computerName",
            "properties.storageProfile.osDisk.name",
            "properties.storageProfile.osDisk.createOption",
            "properties.storageProfile.osDisk.caching",
            "properties.storageProfile.osDisk.deleteOption",
        ),
        omitted=("resources",),
        disruptive=("properties.hardwareProfile", "properties.networkProfile"),
        node=node.name,
    )


def _identity(view: View, node: Node) -> Mapping[str, Any]:
    """Return the machine's identities: ours, beside one that something else gave it."""
    seen = view.present(view.names.machine(node))
    had = str((seen.body.get("identity") or {}).get("type") or "") if seen else ""
    kind = "SystemAssigned, UserAssigned" if "SystemAssigned" in had else "UserAssigned"
    return {"identity": {"type": kind, "userAssignedIdentities": {view.names.identity: {}}}}


def _in_zone(zone: str | None) -> dict[str, list[str]]:
    return {"zones": [zone]} if zone else {}


def _needs(view: View, node: Node) -> frozenset[ArmId]:
    names = view.names
    needs = {names.interface(node), names.identity}
    needs.update(names.data_disk(disk) for disk in node.data_disks)
    needs.update(names.shared_disk(resource) for resource, _ in data_disk.shared_disks(view))
    if view.spec.placement.type is PlacementType.AVAILABILITY_SET:
        needs.add(names.availability_set)
    if not view.spec.cluster.store.existing and view.spec.machines.boot_diagnostics.enabled:
        needs.add(names.storage_account)
    return frozenset(needs)
