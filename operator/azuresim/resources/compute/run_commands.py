"""Managed Run Command: a script as a resource of a machine, run when it is written.

The same script under the same name is not run again. `provisioningState` says that
the script was delivered and has ended; whether it did what it should is in the
instance view.
"""

from dataclasses import asdict, replace
from typing import Any, Final

import orjson

from azuresim.errors import bad_request
from azuresim.resources import versions
from azuresim.resources.call import Call, Draft
from azuresim.resources.compute import runs
from azuresim.resources.compute.refusals import PLAIN
from azuresim.resources.contract import Fact, Reply, ResourceType, Source, Style
from azuresim.resources.schema import Anything, Flag, Items, Number, Text, read_only, shape
from azuresim.state.records import FAILED, Operation, Record

KIND: Final = "Microsoft.Compute/virtualMachines/runCommands"
NAMED: Final = Items(of=shape(name=Text(required=True), value=Text(default="")))
BUILT_IN: Final = ("script", "scriptUri", "commandId", "galleryScriptReferenceId")

PROPERTIES: Final = shape(
    source=shape(
        script=Text(longest=1 << 18),
        scriptUri=Text(),
        commandId=Text(),
        galleryScriptReferenceId=Text(),
        scriptUriManagedIdentity=Anything(secret=True),
    ),
    parameters=NAMED,
    protectedParameters=replace(NAMED, secret=True),
    asyncExecution=Flag(default=False),
    runAsUser=Text(),
    runAsPassword=Text(secret=True),
    timeoutInSeconds=Number(low=0, high=7_776_000, sticky=True),
    outputBlobUri=Text(),
    errorBlobUri=Text(),
    outputBlobManagedIdentity=Anything(secret=True),
    errorBlobManagedIdentity=Anything(secret=True),
    treatFailureAsDeploymentFailure=Flag(default=False),
    run=read_only(secret=True),
    outcome=read_only(secret=True),
)
"""The last two are the simulator's own: the latest run, and how it ended."""


def _check(call: Call, draft: Draft) -> None:
    properties = draft.properties
    protected = {item["name"]: item["value"] for item in properties.pop("protectedParameters", ())}
    properties.pop("runAsPassword", None)
    before = (draft.before or {}).get("properties", {})
    if not any(name in properties.get("source", {}) for name in BUILT_IN):
        message = "Required parameter 'properties.source' is missing (null)."
        raise bad_request("InvalidParameter", message, target="properties.source")
    machine = call.get(draft.id.rsplit("/", 2)[0])
    if machine is None:
        return
    runs.require_power(call, machine)
    if "run" in properties and before.get("source") == properties["source"]:
        return
    if "run" in before:
        call.tx.after(lambda: call.machines.forget(before["run"]["id"]))
    properties.pop("outcome", None)
    given = properties.get("parameters", ())
    stated = {
        "text": next(
            properties["source"][name] for name in BUILT_IN if name in properties["source"]
        ),
        "parameters": {item["name"]: item["value"] for item in given if item["name"]},
        "arguments": [item["value"] for item in given if not item["name"]],
        "user": properties.get("runAsUser", ""),
        "timeout_s": properties.get("timeoutInSeconds") or runs.TIMEOUT_S,
    }
    properties["run"] = runs.begin(
        call, machine=machine, name=draft.id.rsplit("/", 1)[1], stated=stated, protected=protected
    )


def _settle(call: Call, record: Record, operation: Operation) -> Record:
    body = record.body()
    properties = body["properties"]
    run = properties.get("run")
    if operation.error or run is None or properties["asyncExecution"]:
        return record
    outcome = runs.ended(call, run)
    if outcome is None:
        return runs.wait(call, record, operation, run)
    properties["outcome"] = asdict(outcome)
    record = replace(record, data=orjson.dumps(body))
    if outcome.exit_code and properties["treatFailureAsDeploymentFailure"]:
        message = f"The script of Run Command '{record.name}' ended with {outcome.exit_code}."
        error = {"code": "VMExtensionProvisioningError", "message": message}
        call.tx.start(replace(operation, error=error))
        return replace(record, settled=FAILED)
    return record


def _show(call: Call, record: Record, wire: dict[str, Any]) -> None:
    if "instanceview" in call.query.get("$expand", "").casefold():
        properties = record.body()["properties"]
        if "run" in properties:
            wire["properties"]["instanceView"] = runs.view(
                call, properties["run"], properties.get("outcome")
            )


def _gone(call: Call, record: Record) -> None:
    run = record.body()["properties"].get("run")
    if run is not None:
        call.tx.after(lambda: call.machines.forget(run["id"]))


TYPE: Final = ResourceType(
    kind=KIND,
    family=PLAIN,
    versions=tuple(each for each in versions.COMPUTE if each >= "2020-06-01"),
    properties=PROPERTIES,
    create=Reply(status=201, style=Style.OPERATION, shown="Creating"),
    update=Reply(status=200, style=Style.OPERATION, shown="Updating"),
    patched=Reply(status=200, style=Style.OPERATION, shown="Updating"),
    delete=Reply(status=202, style=Style.BOTH, duration="run command"),
    creating="Creating",
    duration="run command",
    patch="merge",
    name_pattern=r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?",
    check=_check,
    show=_show,
    settle=_settle,
    gone=_gone,
    facts=(
        Fact("the same script under the same name is not run again", Source.DOCUMENT),
        Fact("changed parameters alone do not run it again", Source.ASSUMED),
        Fact("the operation lasts as long as the script, unless asyncExecution", Source.DOCUMENT),
        Fact("Succeeded says nothing of the script; the instance view does", Source.DOCUMENT),
        Fact("the last 4 KiB of output and error are shown", Source.DOCUMENT),
        Fact("a run is given up after timeoutInSeconds, 90 minutes by default", Source.DOCUMENT),
        Fact("treatFailureAsDeploymentFailure fails the operation", Source.DOCUMENT),
        Fact("named parameters become environment, the others arguments", Source.DOCUMENT),
        Fact("deleting it, or giving it another script, ends the one that runs", Source.DOCUMENT),
        Fact("protectedParameters and runAsPassword are handed over, never kept", Source.ASSUMED),
        Fact(
            "without real machines, results come from rules of the control socket", Source.ASSUMED
        ),
    ),
    missing=("output to blobs", "scripts fetched from URIs"),
)
