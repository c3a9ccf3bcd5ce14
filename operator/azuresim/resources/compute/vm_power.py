"""Power: what a machine was asked to be, told to whoever has the machines.

The wish is stored with the machine, so that it holds after a kill: `state` is
`running`, `stopped` or `deallocated`, `was` what it was before the last wish, and
`boots` rises with each boot, `host` with each move to another host.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

import orjson

from azuresim import ids
from azuresim.machines.door import Disk, Machine
from azuresim.resources.call import Call, Draft
from azuresim.resources.compute.refusals import not_allowed
from azuresim.resources.contract import Action, Reply, Style
from azuresim.state.records import Operation, Record

RUNNING: Final = "running"
STOPPED: Final = "stopped"
DEALLOCATED: Final = "deallocated"
UNDER_WAY: Final = {"start": "starting", "powerOff": "stopping", "deallocate": "deallocating"}
"""What the power is while an action is under way; others leave it as it is."""


def wish(call: Call, draft: Draft) -> None:
    """Say with a write what the machine is to be; a new size takes a boot."""
    if draft.is_new:
        draft.properties["power"] = {"state": RUNNING, "was": DEALLOCATED, "boots": 1}
    elif draft.before and _size(draft.before) != _size(draft.body):
        power = draft.properties["power"]
        boots = power["boots"] + (power["state"] == RUNNING)
        draft.properties["power"] = {**power, "boots": boots}
    tell(call, draft.id, draft.body)


def _size(body: dict[str, Any]) -> str:
    return str(body["properties"]["hardwareProfile"]["vmSize"])


def tell(call: Call, machine_id: str, body: dict[str, Any]) -> None:
    """Tell how the machine ought to be, once that is durable."""
    call.tx.after(partial(call.machines.bring, machine_of(call, machine_id, body)))


def machine_of(call: Call, machine_id: str, body: dict[str, Any]) -> Machine:
    """Return a machine as its body says it ought to be."""
    properties = body["properties"]
    storage, profile = properties["storageProfile"], properties.get("osProfile", {})
    disk, power = storage["osDisk"], properties["power"]
    interfaces = properties["networkProfile"]["networkInterfaces"]
    ordered = sorted(interfaces, key=lambda each: not each.get("properties", {}).get("primary"))
    identity = body.get("identity", {})
    shared = identity.get("userAssignedIdentities", {}).values()
    own = [identity["clientId"]] if "clientId" in identity else []
    keys = profile.get("linuxConfiguration", {}).get("ssh", {}).get("publicKeys", ())
    return Machine(
        id=machine_id,
        name=profile.get("computerName", ids.name_of(machine_id)),
        size=properties["hardwareProfile"]["vmSize"],
        system=disk["osType"],
        running=power["state"] == RUNNING,
        boots=power["boots"],
        host=power.get("host", 0),
        disks=tuple(_disk(call, each) for each in (disk, *storage["dataDisks"])),
        interfaces=tuple(each["id"] for each in ordered),
        identities=(*own, *(each["clientId"] for each in shared)),
        user=profile.get("adminUsername", ""),
        keys=tuple(key.get("keyData", "") for key in keys),
        custom_data=profile.get("customData", ""),
    )


def _disk(call: Call, entry: dict[str, Any]) -> Disk:
    record = call.get(entry["managedDisk"]["id"])
    properties = record.body()["properties"] if record else {}
    return Disk(
        id=entry["managedDisk"]["id"],
        lun=entry.get("lun"),
        size_gb=properties.get("diskSizeGB", entry.get("diskSizeGB", 0)),
        shared=properties.get("maxShares", 1) > 1,
    )


Run = Callable[[Call, Record, str, Any], Any]


def _to(state: str, *, boot: bool = False, moves: bool = False, needs_power: bool = False) -> Run:
    """Return an action that wishes for a state of power."""

    def run(call: Call, record: Record, _child: str, _given: Any) -> None:
        body = record.body()
        power = body["properties"]["power"]
        runs = power["state"] == RUNNING and call.machines.status(record.id, call.now).running
        if needs_power and power["state"] != RUNNING:
            raise not_allowed(
                f"The operation requires the VM '{record.name}' to be running (or set to run)."
            )
        starts = state == RUNNING and not runs
        keeps = state == STOPPED and power["state"] == DEALLOCATED
        body["properties"]["power"] = {
            "state": DEALLOCATED if keeps else state,
            "was": power["state"],
            "boots": power["boots"] + (boot or starts),
            "host": power.get("host", 0) + moves,
        }
        call.tx.save(replace(record, data=orjson.dumps(body)))
        tell(call, record.id, body)

    return run


LOOK_S: Final = 1.0
"""Simulated seconds between two looks at a machine that is on its way."""


def wait(call: Call, record: Record, operation: Operation) -> Record:
    """Return a record, its operation going on until its machine is what it ought to be."""
    if operation.error or call.machines.status(record.id, call.now).settled:
        return record
    call.tx.start(replace(operation, due=call.now + LOOK_S))
    return replace(record, operation=operation.id)


def _settle(call: Call, record: Record, operation: Operation) -> Record:
    """Wait until it is so; go back to what it was if it failed."""
    if not operation.error:
        return wait(call, record, operation)
    body = record.body()
    power = body["properties"]["power"]
    body["properties"]["power"] = {**power, "state": power["was"]}
    tell(call, record.id, body)
    return replace(record, data=orjson.dumps(body))


def _action(run: Run, duration: str) -> Action:
    reply = Reply(status=202, style=Style.BOTH, duration=duration)
    return Action(run=run, reply=reply, shown="Updating", settle=_settle)


def _as_it_is(_call: Call, _record: Record, _child: str, _given: Any) -> None:
    """Ask for nothing new."""


ACTIONS: Final = {
    "start": _action(_to(RUNNING), "start"),
    "powerOff": _action(_to(STOPPED), "power off"),
    "deallocate": _action(_to(DEALLOCATED, moves=True), "deallocate"),
    "restart": _action(_to(RUNNING, boot=True, needs_power=True), "restart"),
    "redeploy": _action(_to(RUNNING, boot=True, moves=True), "redeploy"),
    "reapply": Action(
        run=_as_it_is,
        reply=Reply(status=202, style=Style.BOTH, duration="update virtual machine"),
        shown="Updating",
    ),
}
