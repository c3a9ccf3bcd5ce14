"""PUT and validation of a template deployment."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from azuresim import ids
from azuresim.clock import timestamp
from azuresim.errors import ArmError, bad_request
from azuresim.resources import deployments
from azuresim.resources.call import Call
from azuresim.resources.catalog import Target
from azuresim.resources.present import present
from azuresim.state.records import Record
from azuresim.wire import integrity, operations
from azuresim.wire.answer import Answer
from azuresim.wire.reads import require_group
from azuresim.wire.service import Service
from azuresim.wire.templates import Allow, Deployment, mapping


def put(service: Service, call: Call, target: Target, given: Any, allow: Allow) -> Answer:
    """Answer the PUT of a deployment.

    Raises:
        ArmError: If the template is not understood, the group is missing, or a deployment of
            that name is under way; then nothing has changed.
    """
    deployment, properties = _begin(service, call, target, given, allow)
    before = call.get(target.owner)
    if before is not None:
        integrity.require_idle(service, call, before)
    refused = deployment.run()
    told = {
        "mode": "Incremental",
        "parameters": _shown(properties),
        "timestamp": timestamp(call.now),
        "duration": f"PT{deployment.lasts:g}S",
        "correlationId": call.new_guid(),
        "outputs": {} if refused else deployment.outputs(),
        "outputResources": [{"id": each} for each in deployment.written],
    }
    if refused:
        told["error"] = _failed(refused)
    kind = target.entry.type
    record = Record(
        id=service.catalog.new_id(call, target),
        kind=kind.folded,
        etag=call.new_guid(),
        data=orjson.dumps({"properties": told}),
        created=before.created if before else call.now,
        changed=call.now,
    )
    return _answer(service, call, target, record, deployment.lasts)


def validate(service: Service, call: Call, target: Target, given: Any, allow: Allow) -> Answer:
    """Answer what a PUT would do, and do nothing.

    Raises:
        ArmError: 400 if it would be refused or would fail.
    """
    deployment, properties = _begin(service, call, target, given, allow)
    refused = deployment.run()
    call.tx.drop()
    if refused:
        raise ArmError(400, "InvalidTemplateDeployment", refused.message, details=[refused.error()])
    told = {
        "mode": "Incremental",
        "provisioningState": "Succeeded",
        "parameters": _shown(properties),
        "timestamp": timestamp(call.now),
        "validatedResources": [{"id": each} for each in deployment.written],
    }
    owner = target.path.id
    shown = {"id": owner, "name": ids.name_of(owner), "type": deployments.KIND, "properties": told}
    return Answer(body=shown)


def _begin(
    service: Service, call: Call, target: Target, given: Any, allow: Allow
) -> tuple[Deployment, Mapping[str, Any]]:
    group = require_group(call, target.path)
    properties = given.get("properties") if isinstance(given, dict) else None
    if group is None or not isinstance(properties, dict):
        raise bad_request("InvalidRequestContent", "The request content has no properties.")
    integrity.require_not_deleting(call, group)
    template = properties.get("template")
    if not isinstance(template, dict):
        raise bad_request(
            "InvalidDeployment", "The simulator takes templates in the body only, not by a link."
        )
    if str(properties.get("mode", "")).casefold() != "incremental":
        message = "The simulator knows the deployment mode 'Incremental' only."
        raise bad_request("InvalidDeployment", message)
    at_once = replace(service, settings=replace(service.settings, durations="instant"))
    deployment = Deployment(
        service=at_once,
        call=call,
        group=group.id,
        allow=allow,
        template=template,
        given=mapping(properties, "parameters"),
        seconds=service.seconds,
    )
    return deployment, properties


def _answer(service: Service, call: Call, target: Target, record: Record, lasts: float) -> Answer:
    kind, is_new = target.entry.type, call.get(target.owner) is None
    reply = kind.create if is_new else kind.update
    operation = operations.start(
        service, call, kind, record, verb="PUT", reply=reply, shown="Running"
    )
    error = record.body()["properties"].get("error") or operation.error
    due = None if operation.due is None else call.now + lasts
    operation = replace(operation, due=due, error=error)
    call.tx.start(operation)
    record = replace(record, operation=operation.id)
    call.tx.save(record)
    sent = operations.headers(service, call, kind.family, operation, reply.style)
    body = present(call, service.catalog, record, reply.shown)
    return Answer(status=reply.status, body=body, headers=sent)


def _failed(refused: ArmError) -> dict[str, Any]:
    message = (
        "At least one resource deployment operation failed. Please list deployment operations "
        "for details. Please see https://aka.ms/arm-deployment-operations for usage details."
    )
    return {"code": "DeploymentFailed", "message": message, "details": [refused.error()]}


def _shown(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters as a deployment shows them: without the secure ones' values."""
    known = mapping(mapping(properties, "template"), "parameters")
    shown: dict[str, Any] = {}
    for name, sent in mapping(properties, "parameters").items():
        kind = str(mapping(known, name).get("type", ""))
        shown[name] = {"type": kind}
        if not kind.casefold().startswith("secure") and isinstance(sent, dict):
            shown[name]["value"] = sent.get("value")
    return shown
