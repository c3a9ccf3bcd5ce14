"""PUT and PATCH of a resource or of a child in its parent's body."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import orjson

from azuresim import ids
from azuresim.errors import ArmError, bad_request, parent_not_found
from azuresim.resources import registration
from azuresim.resources.call import Call, Draft
from azuresim.resources.catalog import Target, child_id
from azuresim.resources.contract import Placed, Reply, ResourceType, Style
from azuresim.resources.present import present, present_child
from azuresim.resources.regions import REGIONS
from azuresim.resources.schema import MISSING, Place, Words
from azuresim.state.records import Operation, Record, Verb
from azuresim.wire import conditions, integrity, operations
from azuresim.wire.answer import Answer
from azuresim.wire.reads import require, require_group
from azuresim.wire.service import Service

TAGS = Words()


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One write on its way: who asks for what, where, and on what condition."""

    service: Service
    call: Call
    target: Target
    sent: Mapping[str, str]
    verb: Verb = "PUT"

    @property
    def kind(self) -> ResourceType:
        """The type written to."""
        return self.target.entry.type


def put(
    service: Service, call: Call, target: Target, given: Any, sent: Mapping[str, str]
) -> Answer:
    """Answer a PUT.

    Raises:
        ArmError: If the write is refused; then nothing has changed.
    """
    write = Write(service=service, call=call, target=target, sent=sent)
    if not isinstance(given, dict):
        raise bad_request("InvalidRequestContent", "The request content is not a JSON object.")
    return _put_child(write, given) if target.entry.children else _put(write, given)


def patch(
    service: Service, call: Call, target: Target, given: Any, sent: Mapping[str, str]
) -> Answer:
    """Answer a PATCH: of tags alone, or a merge where the provider merges.

    Raises:
        ArmError: If the write is refused; then nothing has changed.
    """
    write = Write(service=service, call=call, target=target, sent=sent, verb="PATCH")
    record = require(call, target)
    if not isinstance(given, dict):
        raise bad_request("InvalidRequestContent", "The request content is not a JSON object.")
    body = record.body()
    if write.kind.patch == "tags":
        unknown = sorted(set(given) - {"tags"})
        if unknown and call.strict:
            raise Place(call, unknown[0][:80]).wrong("only tags can be patched.")
        given = {"tags": given.get("tags") or {}}
    merged = _merge(body, {name: value for name, value in given.items() if name != "tags"})
    if "tags" in given:
        merged["tags"] = given["tags"]
    conditions.check(write.kind.family, sent, record.id, record)
    integrity.require_idle(service, call, record)
    update = write.kind.update
    merging = write.kind.patched or replace(update, status=200)
    reply = Reply(status=200) if write.kind.patch == "tags" else merging
    stored, operation = _store(write, record, record.id, merged, reply)
    return _answer(write, stored, reply, operation, same=write.kind.patch == "tags")


def _put(write: Write, given: dict[str, Any]) -> Answer:
    call, target, kind = write.call, write.target, write.kind
    record = _writable_place(write)
    resource_id = record.id if record else write.service.catalog.new_id(call, target)
    conditions.check(kind.family, write.sent, resource_id, record)
    if record is None:
        registration.require(call, kind.kind)
        if not re.fullmatch(kind.name_pattern, target.path.segments[-1]):
            raise _bad_name(kind, target.path.segments[-1])
    if record is not None:
        integrity.require_idle(write.service, call, record)
    before = record.data if record else b""
    reply = kind.update if record else kind.create
    stored, operation = _store(write, record, resource_id, given, reply)
    same = before == stored.data
    if same and kind.unchanged:
        reply = kind.unchanged
    return _answer(write, stored, reply, operation, same=same)


def _put_child(write: Write, given: dict[str, Any]) -> Answer:
    call, target, kind = write.call, write.target, write.kind
    children = target.entry.children
    if children is None or not children.writable or kind.create_child is None:
        raise ArmError(405, "MethodNotAllowed", f"{target.entry.kind} cannot be written.")
    record = _parent(write)
    body = record.body()
    items = body["properties"].get(target.entry.field, [])
    old = children.find(items, target.child)
    item_id = child_id(record.id, children, old["name"] if old else target.child)
    conditions.check(kind.family, write.sent, item_id, record if old else None)
    integrity.require_idle(write.service, call, record)
    fresh = {**given, "name": ids.name_of(item_id)}
    others = [item for item in items if item["name"].casefold() != target.child.casefold()]
    body["properties"][target.entry.field] = [*others, fresh]
    before = record.data
    reply = (kind.update_child or kind.update) if old else kind.create_child
    stored, operation = _store(write, record, record.id, body, reply)
    return _answer(write, stored, reply, operation, same=before == stored.data)


def _writable_place(write: Write) -> Record | None:
    """Return what is there already, after a look at the group and the parent."""
    call, target = write.call, write.target
    group = require_group(call, target.path) if target.path.namespace else call.get(target.owner)
    if group is not None:
        integrity.require_not_deleting(call, group)
    if len(target.path.types) > 1:
        parent = call.get(ids.parent_key(target.owner))
        if parent is None:
            raise parent_not_found(write.kind.short, ids.parent_key(target.owner))
        integrity.require_staying(write.service, call, parent)
    return call.get(target.owner)


def _parent(write: Write) -> Record:
    group = require_group(write.call, write.target.path)
    if group is not None:
        integrity.require_not_deleting(write.call, group)
    record = write.call.get(write.target.owner)
    if record is None:
        short = write.target.entry.kind.partition("/")[2]
        raise parent_not_found(short, write.target.owner)
    return record


def _store(
    write: Write, record: Record | None, resource_id: str, given: dict[str, Any], reply: Reply
) -> tuple[Record, Operation | None]:
    """Check a whole body, keep it under a new etag, and begin its operation if it has one."""
    call, kind, service = write.call, write.kind, write.service
    before = record.body() if record else None
    draft = Draft(id=resource_id, body=_accept(write, given, before), before=before)
    _require_zones(call, kind, draft)
    kind.check(call, draft)
    integrity.check(service, call, kind, draft)
    same = record is not None and before == draft.body
    data = record.data if record and same else orjson.dumps(draft.body)
    old_etag = record.etag if record else None
    stored = Record(
        id=resource_id,
        kind=kind.folded,
        etag=kind.next_etag(old_etag) if kind.next_etag else call.new_guid(),
        data=data,
        settled=record.settled if record and same else "Succeeded",
        created=record.created if record else call.now,
        changed=record.changed if record and same else call.now,
    )
    operation = None
    if reply.style is not Style.NONE or service.seconds(reply.duration or kind.duration) > 0:
        shown = kind.updating if record else kind.creating
        at_once = same or (write.verb == "PATCH" and kind.patch == "tags")
        operation = operations.start(
            service, call, kind, stored, verb=write.verb, reply=reply, shown=shown, at_once=at_once
        )
        stored = replace(stored, operation=operation.id)
    call.tx.save(stored)
    return stored, operation


def _accept(write: Write, given: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    kind, call = write.kind, write.call
    place = Place(call, "")
    known = {"id", "name", "type", "etag", "systemdata", "location", "tags", "properties"}
    rest = {name: value for name, value in given.items() if name.casefold() not in known}
    kept = before or {}
    kept_rest = {name: kept[name] for name in kind.beside.members if name in kept}
    body: dict[str, Any] = {}
    if kind.placed is not Placed.NOWHERE:
        body["location"] = _location(write, given.get("location"), kept.get("location"))
    tags = TAGS.settle(given.get("tags", MISSING), MISSING, place.at("tags"))
    if kind.tagged and tags is not MISSING:
        body["tags"] = tags
    body |= kind.beside.accept(rest, kept_rest, place)
    properties = given.get("properties")
    body["properties"] = kind.properties.accept(
        {} if properties is None else properties, kept.get("properties", {}), place.at("properties")
    )
    return body


def _location(write: Write, given: Any, kept: Any) -> str:
    kind, regions = write.kind, write.service.settings.cloud.regions
    if given is None and kept is None:
        message = "The location property is required for this definition."
        raise bad_request("LocationRequired", message)
    name = str(given if given is not None else kept).replace(" ", "").lower()
    allowed = ("global",) if kind.placed is Placed.GLOBAL else regions
    if name not in allowed:
        message = (
            f"The provided location '{name[:80]}' is not available for resource type "
            f"'{kind.kind}'. List of available regions for the resource type is "
            f"'{','.join(allowed)}'."
        )
        raise bad_request("LocationNotAvailableForResourceType", message)
    if kept is not None and kept != name and kind.folded != "microsoft.resources/resourcegroups":
        target = write.target.path
        message = (
            f"The resource '{target.segments[-1]}' already exists in location '{kept}' in "
            f"resource group '{target.group}'. A resource with the same name cannot be created in "
            f"location '{name}'. Please select a new resource name."
        )
        raise ArmError(409, "InvalidResourceLocation", message)
    return name


def _require_zones(call: Call, kind: ResourceType, draft: Draft) -> None:
    """Refuse zones that the region has not; those that were there before may stay."""
    location, zones = str(draft.body.get("location", "")), draft.body.get("zones")
    if not zones or (draft.before or {}).get("zones") == zones or location not in REGIONS:
        return
    there = REGIONS[location].zones
    if not there:
        message = (
            f"The resource type '{kind.short}' does not support availability zones at location "
            f"'{location}' and api-version '{call.version}'."
        )
        raise bad_request("LocationNotSupportAvailabilityZones", message)
    if not set(zones) <= set(there):
        message = (
            f"The zone(s) '{ascii(','.join(zones))[1:-1][:40]}' for resource '{draft.id}' are not "
            f"supported. The supported zones for location '{location}' are '{','.join(there)}'."
        )
        raise bad_request("InvalidAvailabilityZone", message)


def _answer(
    write: Write, record: Record, reply: Reply, operation: Operation | None, *, same: bool
) -> Answer:
    call, entry, family = write.call, write.target.entry, write.kind.family
    sent: dict[str, str] = {}
    if operation is not None:
        sent = operations.headers(write.service, call, family, operation, reply.style)
    if reply.location_self:
        sent["Location"] = f"{call.base}{quote(record.id)}?{operations.SIGNED}"
    if family.tag_writes:
        sent["ETag"] = family.tag(record.etag)
    if reply.silent:
        return Answer(status=reply.status, headers=sent)
    if reply.empty:
        return Answer(status=reply.status, body={}, headers=sent)
    shown = "" if same and reply is not write.kind.unchanged else reply.shown
    if reply.style is not Style.NONE:
        shown = shown or record.settled
    catalog = write.service.catalog
    if entry.children is None:
        body: Any = present(call, catalog, record, shown)
    else:
        body = present_child(call, catalog, record, entry.field, write.target.child, shown)
    return Answer(status=reply.status, body=body, headers=sent)


def _merge(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON merge patch applied: null takes away, lists are replaced."""
    merged = dict(base)
    for name, value in change.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = _merge(merged[name], value)
        else:
            merged[name] = value
    return merged


def _bad_name(kind: ResourceType, name: str) -> ArmError:
    message = (
        f"Resource name '{ascii(name)[1:-1][:80]}' is invalid for type {kind.kind}: it does not "
        f"match '{kind.name_pattern}'."
    )
    return bad_request("InvalidResourceName", message, details=[])
