"""Keeps references true in both directions, and one operation at a time on a resource."""

from azuresim import ids
from azuresim.errors import ArmError, bad_request
from azuresim.resources.call import Call, Draft
from azuresim.resources.catalog import child_id
from azuresim.resources.contract import ResourceType
from azuresim.resources.families import NETWORK, dependent_busy, missing_reference
from azuresim.state.records import Link, Operation, Record
from azuresim.wire import operations
from azuresim.wire.service import Service


def pending(call: Call, record: Record) -> Operation | None:
    """Return the operation a record is under, if it is under one."""
    operation = call.tx.operation(record.operation)
    return None if operation is None or operation.is_over(call.now) else operation


def require_idle(service: Service, call: Call, record: Record) -> None:
    """Refuse a write while an operation is under way on the same resource.

    Raises:
        ArmError: In the provider's own words.
    """
    operation = pending(call, record)
    if operation is not None:
        family = service.catalog.type_of(record).family
        raise family.busy(operations.status_url(call, family, operation))


def require_staying(service: Service, call: Call, parent: Record) -> None:
    """Refuse a write below a resource that is on its way out.

    Raises:
        ArmError: In the provider's own words.
    """
    operation = pending(call, parent)
    if operation is not None and operation.verb == "DELETE":
        require_idle(service, call, parent)


def require_not_deleting(call: Call, group: Record) -> None:
    """Refuse a write into a group that is on its way out.

    Raises:
        ArmError: ARM's 409.
    """
    operation = pending(call, group)
    if operation is not None and operation.verb == "DELETE":
        message = (
            f"The resource group '{group.name}' is in deprovisioning state and cannot perform "
            "this operation."
        )
        raise ArmError(409, "ResourceGroupBeingDeleted", message)


def check(service: Service, call: Call, kind: ResourceType, draft: Draft) -> None:
    """Refuse a draft that refers to what is missing, busy or taken, or drops what is used.

    Raises:
        ArmError: In the words of whoever is at the other end.
    """
    links = [
        *kind.properties.links(draft.properties, draft.id),
        *kind.beside.links(draft.body, draft.id),
    ]
    own = _own_children(kind, draft)
    before = _links_before(kind, draft)
    for link in links:
        if link.target.startswith(f"{ids.key(draft.id)}/"):
            if link.target not in own and not link.optional:
                raise missing_reference(link.target, link.source)
        elif not link.optional:
            target = _require_target(service, call, link, known=link in before)
            if kind.family is NETWORK:
                _require_same_region(draft, link, target)
    _require_free(service, call, draft, links)
    _keep_used(call, kind, draft, own)


def refuse_if_used(call: Call, kind: ResourceType, record: Record) -> None:
    """Refuse to delete a record that others rest on, itself or by one of its children.

    Raises:
        ArmError: With the code of what is in use.
    """
    if kind.in_use:
        _refuse_used(call, kind.in_use, record.id, within=record.key)
    properties = record.body()["properties"]
    for name, children in kind.collections.items():
        for item in properties.get(name, ()):
            if children.in_use:
                item_id = child_id(record.id, children, item["name"])
                _refuse_used(call, children.in_use, item_id, within=record.key)


def _own_children(kind: ResourceType, draft: Draft) -> set[str]:
    return {
        ids.key(child_id(draft.id, children, item["name"]))
        for name, children in kind.collections.items()
        for item in draft.properties.get(name, ())
    }


def _links_before(kind: ResourceType, draft: Draft) -> set[Link]:
    if draft.before is None:
        return set()
    return {
        *kind.properties.links(draft.before["properties"], draft.id),
        *kind.beside.links(draft.before, draft.id),
    }


def _require_target(service: Service, call: Call, link: Link, *, known: bool) -> Record | None:
    """Return what a reference leads to: it is there and at rest; a kept one may be busy."""
    target = call.tx.get(link.target)
    found = service.catalog.locate(call, link.target)
    if found is None:
        raise missing_reference(link.target, link.source)
    if target is None:
        target = call.tx.get(ids.parent_key(link.target))
    operation = pending(call, target) if target else None
    if operation is not None and not known:
        raise dependent_busy(found)
    return target


def _require_same_region(draft: Draft, link: Link, target: Record | None) -> None:
    """Refuse a reference into another region (source: document)."""
    there = target.body().get("location") if target else None
    here = draft.body.get("location")
    if there and here and there != here and "global" not in {here, there}:
        raise missing_reference(link.target, link.source)


def _require_free(service: Service, call: Call, draft: Draft, links: list[Link]) -> None:
    """Refuse a second referrer where there may be one, inside the draft as well as beside it."""
    users: dict[str, str] = {}
    for link in links:
        if link.single:
            user = users.get(link.target) or _other_user(call, link.target, draft)
            if user:
                raise _taken(service, call, link, user)
            users[link.target] = link.source


def _other_user(call: Call, target: str, draft: Draft) -> str:
    own = ids.key(draft.id)
    for other in call.tx.referrers(target):
        source = ids.key(other.source)
        if other.single and source != own and not source.startswith(f"{own}/"):
            return other.source
    return ""


def _taken(service: Service, call: Call, link: Link, user: str) -> ArmError:
    entry = service.catalog.entry(ids.parse(link.target).kind)
    code, message = (entry.type.taken if entry else ()) or (
        "ResourceInUse",
        "{id} is already used by {user}.",
    )
    found = service.catalog.locate(call, link.target) or link.target
    words = {"id": found, "name": ids.name_of(found), "user": user, "source": link.source}
    return bad_request(code, message.format(**words), details=[])


def _keep_used(call: Call, kind: ResourceType, draft: Draft, own: set[str]) -> None:
    """Refuse to leave out a child that others rest on."""
    if draft.before is None:
        return
    for name, children in kind.collections.items():
        for item in draft.before["properties"].get(name, ()):
            item_id = child_id(draft.id, children, item["name"])
            if ids.key(item_id) not in own and children.in_use:
                _refuse_used(call, children.in_use, item_id, within=ids.key(draft.id))


def _refuse_used(call: Call, words: tuple[str, str], resource_id: str, *, within: str) -> None:
    for link in call.tx.referrers(ids.key(resource_id)):
        if not link.optional and not ids.key(link.source).startswith(f"{within}/"):
            code, message = words
            text = message.format(
                id=resource_id, name=ids.name_of(resource_id), user=link.source, source=link.source
            )
            raise bad_request(code, text, details=[])
