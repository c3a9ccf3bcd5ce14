"""Tells whoever has the machines all that is wished for, when the simulator starts."""

from azuresim.machines.door import Machines
from azuresim.resources.call import Call
from azuresim.resources.compute import run_commands, runs, virtual_machines, vm_power

FOLDED = (virtual_machines.KIND.casefold(), run_commands.KIND.casefold())


def tell_all(call: Call, machines: Machines) -> None:
    """Bring every machine, and begin every run that has not ended, under its old id."""
    container = f"/subscriptions/{call.subscription}".casefold()
    for record in call.tx.members(container, FOLDED[0]):
        body = record.body()
        machines.bring(vm_power.machine_of(call, record.id, body))
        if "action" in body["properties"]:
            machines.run(runs.script_of(body["properties"]["action"], None))
    for record in call.tx.members(container, FOLDED[1]):
        properties = record.body()["properties"]
        if "run" in properties and "outcome" not in properties:
            machines.run(runs.script_of(properties["run"], None))
