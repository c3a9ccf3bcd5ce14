"""GET of a resource, of a child, and of lists with pages."""

import base64
import binascii
from typing import Any
from urllib.parse import quote

from azuresim import ids
from azuresim.errors import ArmError, bad_request, group_not_found, resource_not_found
from azuresim.resources.call import Call
from azuresim.resources.catalog import GROUP_KIND, Target, child_id
from azuresim.resources.contract import Group
from azuresim.resources.present import present, present_child
from azuresim.state.records import Record
from azuresim.wire.answer import Answer
from azuresim.wire.service import Service


def require_group(call: Call, path: ids.Path) -> Record | None:
    """Return the group a path goes through; None if it goes through none.

    Raises:
        ArmError: ARM's 404 if there is no such group.
    """
    if not path.group:
        return None
    group = call.get(f"/subscriptions/{path.subscription}/resourceGroups/{path.group}")
    if group is None:
        raise group_not_found(path.group)
    return group


def require(call: Call, target: Target) -> Record:
    """Return the record a target lives in.

    Raises:
        ArmError: The 404 Azure gives for it.
    """
    require_group(call, target.path)
    record = call.get(target.owner)
    if record is None:
        raise absent(target)
    return record


def absent(target: Target) -> ArmError:
    """Return the 404 for a target's record."""
    kind, path = target.entry.type, target.path
    if kind.folded == GROUP_KIND:
        return group_not_found(path.group)
    if kind.unknown is not None:
        return kind.unknown(path.names[-1], path.group, path.subscription)
    depth = kind.kind.count("/")
    return resource_not_found(kind.kind, "/".join(path.names[:depth]), path.group)


def get(service: Service, call: Call, target: Target) -> Answer:
    """Answer a GET of one resource or child."""
    record = require(call, target)
    family, catalog = target.entry.type.family, service.catalog
    if target.entry.children is None:
        body: dict[str, Any] | None = present(call, catalog, record)
    else:
        body = present_child(call, catalog, record, target.entry.field, target.child)
        if body is None:
            raise family.absent_child(child_id(record.id, target.entry.children, target.child))
    headers = {"ETag": family.tag(record.etag)} if family.etag else {}
    return Answer(body=body, headers=headers)


def listing(service: Service, call: Call, target: Target) -> Answer:
    """Answer a GET of a list: of children, of a parent's, a group's or a subscription's resources.

    Raises:
        ArmError: 404 if what holds the list is missing; 501 if Azure has no such list.
    """
    if target.entry.children is not None:
        record = require(call, target)
        body = present(call, service.catalog, record)
        return Answer(body={"value": body["properties"].get(target.entry.field, [])})
    kind = target.entry.type
    require_group(call, target.path)
    if len(target.path.types) > 1 and call.get(target.owner) is None:
        raise absent(target)
    if len(target.path.types) == 1 and not kind.scoped:
        over = Group.GROUP if target.path.group else Group.SUBSCRIPTION
        if over not in kind.lists:
            raise ArmError(501, "NotImplemented", f"{kind.kind} is not listed by {over.value}.")
    if kind.members is not None:
        records = kind.members(call, target.owner)
    else:
        records = call.tx.members(ids.key(target.owner), kind.folded)
    if kind.listed is not None:
        records = [record for record in records if kind.listed(call, record)]
    return page(service, call, target.path.id, records)


def page(service: Service, call: Call, path: str, records: list[Record]) -> Answer:
    """Answer with the page asked for, and the link to the next if there is more."""
    after = _token(call.query.get("$skiptoken", ""))
    size = min(_top(call.query.get("$top", "")) or service.settings.page_size, 5000)
    rest = [record for record in records if record.key > after]
    shown = rest[:size]
    body: dict[str, Any] = {"value": [present(call, service.catalog, each) for each in shown]}
    if len(rest) > size:
        token = base64.urlsafe_b64encode(shown[-1].key.encode()).decode()
        kept = {name: value for name, value in call.query.items() if name != "$skiptoken"}
        query = {"api-version": call.version, **kept, "$skiptoken": token}
        encoded = "&".join(f"{quote(n, safe='$')}={quote(v)}" for n, v in query.items())
        body["nextLink"] = f"{call.base}{quote(path)}?{encoded}"
    return Answer(body=body)


def _top(text: str) -> int:
    if not text:
        return 0
    if not text.isdecimal() or not int(text[:9]) > 0 or len(text) > 9:
        raise bad_request("InvalidTopQueryParameter", "The $top query parameter is not a number.")
    return int(text)


def _token(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text.encode("ascii")).decode()
    except (binascii.Error, UnicodeError):
        message = "The $skiptoken query parameter is not one of ours."
        raise bad_request("InvalidSkipToken", message) from None
