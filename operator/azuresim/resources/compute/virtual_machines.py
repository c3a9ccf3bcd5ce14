"""Virtual machines."""

from dataclasses import replace
from functools import partial
from typing import Final

from azuresim import ids
from azuresim.resources import versions
from azuresim.resources.call import Call, Draft
from azuresim.resources.compute import (
    availability_sets,
    run_action,
    vm_network,
    vm_power,
    vm_rules,
    vm_storage,
    vm_view,
)
from azuresim.resources.compute.refusals import require_zones
from azuresim.resources.compute.vm_shape import PROPERTIES
from azuresim.resources.contract import Action, Fact, Reply, ResourceType, Source, Style
from azuresim.resources.families import COMPUTE
from azuresim.resources.identities.assigned import Identity
from azuresim.resources.schema import Anything, Items, Text, shape
from azuresim.state.records import Operation, Record

KIND: Final = "Microsoft.Compute/virtualMachines"


def _check(call: Call, draft: Draft) -> None:
    require_zones(KIND, ids.name_of(draft.id), draft.body)
    vm_rules.check(call, draft)
    vm_network.check(call, draft)
    vm_storage.check(call, draft)
    together = draft.properties.get("availabilitySet")
    if draft.is_new and together:
        domains = availability_sets.place(call, together["id"], draft.id)
        draft.properties["domains"] = domains
    vm_power.wish(call, draft)


def next_etag(old: str | None) -> str:
    """Return the next number (source: recording)."""
    return str(int(old or 0) + 1)


def _settle(call: Call, record: Record, operation: Operation) -> Record:
    """Wait for the machine; count the end of a creation as one more change (source: recording)."""
    record = vm_power.wait(call, record, operation)
    if record.operation is not None:
        return record
    made = operation.verb == "PUT" and operation.shown == "Creating"
    return replace(record, etag=next_etag(record.etag)) if made else record


def _gone(call: Call, record: Record) -> None:
    properties = record.body()["properties"]
    vm_storage.leave(call, properties)
    vm_network.leave(call, properties)
    call.tx.after(partial(call.machines.remove, record.id))


VIEWED: Final = Reply(status=200)
CHANGED: Final = Reply(
    status=200, style=Style.OPERATION, shown="Updating", duration="update virtual machine"
)

TYPE: Final = ResourceType(
    kind=KIND,
    family=COMPUTE,
    versions=versions.COMPUTE,
    properties=PROPERTIES,
    beside=shape(
        identity=Identity(),
        zones=Items(of=Text(), most=1),
        plan=Anything(sticky=True),
        extendedLocation=Anything(sticky=True),
        managedBy=Text(sticky=True),
    ),
    create=Reply(status=201, style=Style.OPERATION, shown="Creating"),
    update=CHANGED,
    patched=CHANGED,
    unchanged=Reply(status=200, shown="Updating"),
    delete=Reply(status=202, style=Style.BOTH, duration="delete virtual machine"),
    creating="Creating",
    duration="virtual machine",
    patch="merge",
    name_pattern=r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?",
    check=_check,
    show=vm_view.show,
    listed=vm_view.listed,
    settle=_settle,
    gone=_gone,
    next_etag=next_etag,
    actions={
        **vm_power.ACTIONS,
        "runCommand": run_action.ACTION,
        "instanceView": Action(run=vm_view.view_action, reply=VIEWED, verb="GET"),
        "vmSizes": Action(run=vm_view.sizes_action, reply=VIEWED, verb="GET"),
        "retrieveBootDiagnosticsData": Action(run=vm_view.boot_data, reply=VIEWED),
    },
    facts=(
        Fact("etags count 1, 2, 3; the end of a creation counts too", Source.RECORDING),
        Fact("a PUT that changes nothing answers 200 without an operation", Source.RECORDING),
        Fact("ids of disks made with a machine show once it is made", Source.RECORDING),
        Fact("image, login, zone, set and boot disk are for life", Source.DOCUMENT),
        Fact("a disk that exists can only be attached", Source.DOCUMENT),
        Fact("deleteOption decides what goes with the machine", Source.DOCUMENT),
        Fact("a PUT without dataDisks keeps them", Source.ASSUMED),
        Fact("the lun of an attached disk cannot be changed", Source.ASSUMED),
        Fact("power follows the wish at once; transitions last as in the table", Source.ASSUMED),
    ),
    missing=(
        "scale sets", "extensions", "OS disk swap and resize through the machine", "capture",
        "attachDetachDataDisks", "patch assessment", "interfaces made with the machine",
        "capacity by region and zone (faults say when there is none)",
    ),
)  # fmt: skip
