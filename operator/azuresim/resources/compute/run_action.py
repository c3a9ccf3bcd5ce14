"""Action Run Command: a script run once, its output being the answer."""

from dataclasses import replace
from typing import Any, Final

import orjson

from azuresim.errors import bad_request
from azuresim.machines.door import Outcome
from azuresim.resources import versions
from azuresim.resources.call import Call
from azuresim.resources.compute import runs
from azuresim.resources.contract import Action, Reply, Style
from azuresim.resources.subscriptions import Route, Scene
from azuresim.state.records import Operation, Record

COMMANDS: Final = {
    "RunShellScript": ("Linux", "Executes a Linux shell script"),
    "ifconfig": ("Linux", "List network configuration"),
    "RunPowerShellScript": ("Windows", "Executes a PowerShell script"),
    "IPConfig": ("Windows", "List IP configuration"),
    "EnableRemotePS": ("Windows", "Enable remote PowerShell"),
}


def _run(call: Call, record: Record, _child: str, given: Any) -> None:
    command = given.get("commandId") if isinstance(given, dict) else None
    known = {each.casefold() for each in COMMANDS}
    if not isinstance(command, str) or command.casefold() not in known:
        message = f"The entity {ascii(command)[:80]} was not found: no such run command."
        raise bad_request("InvalidParameter", message, target="commandId")
    runs.require_power(call, record)
    script = given.get("script") or []
    parameters = given.get("parameters") or []
    if not isinstance(script, list) or not isinstance(parameters, list):
        raise bad_request("InvalidParameter", "script and parameters are lists.", target="script")
    stated = {
        "text": "\n".join(str(line) for line in script) or command,
        "parameters": {
            str(each.get("name", "")): str(each.get("value", ""))
            for each in parameters
            if isinstance(each, dict)
        },
        "arguments": [str(each.get("value", "")) for each in parameters if isinstance(each, dict)],
    }
    body = record.body()
    body["properties"]["action"] = runs.begin(
        call, machine=record, name=command, stated=stated, protected={}
    )
    call.tx.save(replace(record, data=orjson.dumps(body)))


def _settle(call: Call, record: Record, operation: Operation) -> Record:
    body = record.body()
    run = body["properties"].get("action")
    if operation.error or run is None:
        return record
    outcome = runs.ended(call, run)
    if outcome is None:
        return runs.wait(call, record, operation, run)
    call.tx.start(replace(operation, result=_result(outcome)))
    call.tx.after(lambda: call.machines.forget(run["id"]))
    del body["properties"]["action"]
    return replace(record, data=orjson.dumps(body))


def _result(outcome: Outcome) -> dict[str, Any]:
    """Return the answer; the output is in it whatever the script exited with."""
    output, error = runs.tail(outcome.output), runs.tail(outcome.error)
    status = {
        "code": "ProvisioningState/succeeded",
        "level": "Info",
        "displayStatus": "Provisioning succeeded",
        "message": f"Enable succeeded: \n[stdout]\n{output}\n[stderr]\n{error}",
    }
    return {"value": [status]}


ACTION: Final = Action(
    run=_run,
    reply=Reply(status=202, style=Style.BOTH, duration="run command"),
    shown="Updating",
    settle=_settle,
)


def _commands(_scene: Scene) -> Any:
    return {
        "value": [
            {
                "$schema": "http://schema.management.azure.com/schemas/2016-11-17/runcommands.json",
                "id": name,
                "osType": system,
                "label": label,
                "description": label,
            }
            for name, (system, label) in COMMANDS.items()
        ]
    }


ROUTES: Final = (
    Route(
        verb="GET",
        pattern="/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}"
        "/runCommands",
        versions=versions.COMPUTE,
        answer=_commands,
    ),
)
