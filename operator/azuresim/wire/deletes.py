"""DELETE of a resource or of a child in its parent's body, and POST actions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from azuresim.errors import ArmError
from azuresim.resources.call import Call, Draft
from azuresim.resources.catalog import GROUP_KIND, Target, child_id
from azuresim.resources.contract import Reply, ResourceType, Style
from azuresim.state.records import Operation, Record, Verb
from azuresim.wire import conditions, integrity, operations
from azuresim.wire.answer import Answer
from azuresim.wire.reads import absent, require, require_group
from azuresim.wire.service import Service


def delete(service: Service, call: Call, target: Target, sent: Mapping[str, str]) -> Answer:
    """Answer a DELETE; what is not there is no error, save for groups.

    Raises:
        ArmError: If it is refused; then nothing has changed.
    """
    kind = target.entry.type
    if kind.folded != GROUP_KIND:
        require_group(call, target.path)
    record = call.get(target.owner)
    if target.entry.children is not None:
        return _delete_child(service, call, target, record, sent)
    if record is None:
        if kind.absent == absent(target).status:
            raise absent(target)
        return Answer(status=kind.absent)
    under_way = integrity.pending(call, record)
    if under_way is not None and under_way.verb == "DELETE":
        return _reply(service, call, kind, kind.delete, under_way)
    conditions.check(kind.family, sent, record.id, record)
    if kind.folded != GROUP_KIND:
        integrity.require_idle(service, call, record)
    integrity.refuse_if_used(call, kind, record)
    kind.remove(call, record)
    reply = kind.choose_delete(call, record) if kind.choose_delete else kind.delete
    if reply.style is Style.NONE and not service.seconds(reply.duration or kind.duration):
        kind.gone(call, record)
        call.tx.remove(record.key)
        return Answer(status=reply.status)
    operation = _begin(service, call, kind, record, reply, "Deleting", "DELETE")
    return _reply(service, call, kind, reply, operation)


def act(service: Service, call: Call, target: Target, given: Any) -> Answer:
    """Answer a POST, or a GET of a view.

    Raises:
        ArmError: If the action is refused.
    """
    record, action, kind = require(call, target), target.action, target.entry.type
    name = next((name for name, each in kind.actions.items() if each is action), "")
    if action is None:
        raise ArmError(501, "NotImplemented", f"{kind.kind} has no such action.")
    if target.entry.children is not None:
        items = record.body()["properties"].get(target.entry.field, [])
        if target.entry.children.find(items, target.child) is None:
            raise kind.family.absent_child(f"{record.id}/{target.child}")
    if action.shown:
        integrity.require_idle(service, call, record)
    result = action.run(call, record, target.child, given)
    if action.reply.style is Style.NONE:
        return Answer(status=action.reply.status, body=result)
    now = call.get(target.owner) or record
    operation = operations.start(
        service, call, kind, now, verb="POST", reply=action.reply, shown=action.shown,
        result=result, action=name,
    )  # fmt: skip
    if action.shown or action.settle:
        call.tx.save(replace(now, operation=operation.id))
    return _reply(service, call, kind, action.reply, operation)


def _delete_child(
    service: Service, call: Call, target: Target, record: Record | None, sent: Mapping[str, str]
) -> Answer:
    kind, children = target.entry.type, target.entry.children
    if children is None or not children.writable or kind.delete_child is None:
        raise ArmError(405, "MethodNotAllowed", f"{target.entry.kind} cannot be deleted.")
    body = record.body() if record else {"properties": {}}
    items = body["properties"].get(target.entry.field, [])
    item = children.find(items, target.child)
    if record is None or item is None:
        return Answer(status=kind.absent)
    conditions.check(kind.family, sent, child_id(record.id, children, item["name"]), record)
    integrity.require_idle(service, call, record)
    body["properties"][target.entry.field] = [
        other for other in items if other["name"] != item["name"]
    ]
    draft = Draft(id=record.id, body=body, before=record.body())
    kind.check(call, draft)
    integrity.check(service, call, kind, draft)
    etag = kind.next_etag(record.etag) if kind.next_etag else call.new_guid()
    changed = replace(record, data=orjson.dumps(draft.body), etag=etag)
    reply = kind.delete_child
    operation = _begin(service, call, kind, changed, reply, kind.updating, "PUT")
    return _reply(service, call, kind, reply, operation)


def _begin(
    service: Service,
    call: Call,
    kind: ResourceType,
    record: Record,
    reply: Reply,
    shown: str,
    verb: Verb,
) -> Operation:
    operation = operations.start(service, call, kind, record, verb=verb, reply=reply, shown=shown)
    call.tx.save(replace(record, operation=operation.id))
    return operation


def _reply(
    service: Service, call: Call, kind: ResourceType, reply: Reply, operation: Operation
) -> Answer:
    headers = operations.headers(service, call, kind.family, operation, reply.style)
    return Answer(status=reply.status, headers=headers)
