"""Long-running operations: how they start, where they are watched, what a watcher sees."""

import math
from typing import Any
from urllib.parse import quote

from azuresim import ids
from azuresim.errors import ArmError
from azuresim.resources.call import Call
from azuresim.resources.contract import Reply, ResourceType, Style
from azuresim.resources.families import SIGNATURE, Family
from azuresim.resources.present import present
from azuresim.state.records import Operation, Record, Verb
from azuresim.wire.answer import Answer
from azuresim.wire.service import Service

SIGNED = "&".join(f"{name}={value}" for name, value in SIGNATURE.items())
"""The tail of every URL a client is led to."""


def start(
    service: Service,
    call: Call,
    kind: ResourceType,
    record: Record,
    *,
    verb: Verb,
    reply: Reply,
    shown: str,
    at_once: bool = False,
    result: Any = None,
    action: str = "",
) -> Operation:
    """Begin an operation on a record and keep it.

    Args:
        service: Knows how long it takes.
        call: The request it belongs to.
        kind: Type of the record.
        record: What it works on.
        verb: The request's method.
        reply: How the request is answered.
        shown: The provisioning state meanwhile.
        at_once: There is nothing to do: it is over when it begins.
        result: What a POST hands out at the end.
        action: Name of the POST's action.
    """
    seconds = 0.0 if at_once else service.seconds(reply.duration or kind.duration)
    here = service.settings.cloud.regions[0]
    location = record.body().get("location") or here
    operation = service.on_start(
        Operation(
            id=call.new_guid(),
            target=record.id,
            verb=verb,
            shown=shown,
            started=call.now,
            due=call.now + seconds,
            version=call.version,
            location=here if location == "global" else location,
            result=result,
            action=action,
        )
    )
    call.tx.start(operation)
    return operation


def headers(
    service: Service, call: Call, family: Family, operation: Operation, style: Style
) -> dict[str, str]:
    """Return the headers that tell where an operation can be watched."""
    sent: dict[str, str] = {}
    if style is Style.NONE:
        return sent
    if family.notify:
        sent["Azure-AsyncNotification"] = "Enabled"
    if style in {Style.OPERATION, Style.BOTH}:
        sent["Azure-AsyncOperation"] = status_url(call, family, operation)
    if style in {Style.LOCATION, Style.BOTH}:
        sent["Location"] = _url(call, family, operation, family.result_path, family.result_query)
    return sent | _retry_after(service, call, family, operation)


def status_url(call: Call, family: Family, operation: Operation) -> str:
    """Return where an operation's status document is."""
    return _url(call, family, operation, family.status_path, "")


def poll(service: Service, call: Call, operation_id: str, path: ids.Path) -> Answer:
    """Answer a look at an operation, by its status or its result URL.

    Raises:
        ArmError: 404 if there is no such operation, or it is forgotten.
    """
    operation = call.tx.operation(operation_id)
    if operation is None:
        message = f"The entity was not found: operation '{operation_id}'."
        raise ArmError(404, "NotFound", message)
    entry = service.catalog.entry(ids.parse(operation.target).kind or GROUP)
    if entry is None:
        raise ArmError(404, "NotFound", f"Nothing is known of '{operation.target}'.")
    family = entry.type.family
    if _wants_result(family, path, call):
        return _result(service, call, family, operation)
    document = family.document(operation, call.now, _output(service, call, operation))
    if family.accepted and not operation.is_over(call.now):
        sent = headers(service, call, family, operation, Style.BOTH)
        return Answer(status=202, body=document, headers=sent)
    return Answer(body=document, headers=_retry_after(service, call, family, operation))


GROUP = "Microsoft.Resources/resourceGroups"


def _wants_result(family: Family, path: ids.Path, call: Call) -> bool:
    if family.status_path == family.result_path:
        return "monitor" in call.query or not family.result_query
    word = family.result_path.split("/")[-2].casefold()
    return path.segments[-2].casefold() == word


def _result(service: Service, call: Call, family: Family, operation: Operation) -> Answer:
    if not operation.is_over(call.now):
        url = _url(call, family, operation, family.result_path, family.result_query)
        sent = {"Location": url, **_retry_after(service, call, family, operation)}
        return Answer(status=202, headers=sent)
    if operation.error:
        return Answer(status=409, body={"error": operation.error})
    if operation.verb == "DELETE":
        return Answer(status=200 if family.name == "Resources" else 204)
    return Answer(body=_output(service, call, operation))


def _output(service: Service, call: Call, operation: Operation) -> Any:
    if operation.verb == "DELETE" or not operation.is_over(call.now):
        return None
    if operation.verb == "POST":
        return operation.result
    record = call.get(operation.target)
    return present(call, service.catalog, record) if record else None


def _retry_after(
    service: Service, call: Call, family: Family, operation: Operation
) -> dict[str, str]:
    """Return the wait to ask for, in real seconds; nothing once it is over."""
    if operation.is_over(call.now):
        return {}
    left = family.retry_after if operation.due is None else operation.due - call.now
    wait = math.ceil(min(left, family.retry_after) / service.settings.speed)
    return {"Retry-After": str(max(1, wait))}


def _url(call: Call, family: Family, operation: Operation, pattern: str, more: str) -> str:
    group = quote(ids.parse(operation.target).group)
    values = {
        "subscription": call.subscription,
        "location": operation.location,
        "id": operation.id,
        "group": group,
        "name": quote(ids.name_of(operation.target)),
    }
    query = f"api-version={operation.version}{family.query.format(**values)}{more}&{SIGNED}"
    return f"{call.base}{pattern.format(**values)}?{query}"
