"""Shows a record in Azure's wire form: the stored body plus all that follows from it."""

from typing import Any

from azuresim import ids
from azuresim.resources.call import Call
from azuresim.resources.catalog import Catalog, child_id
from azuresim.resources.children import Children
from azuresim.resources.contract import ResourceType
from azuresim.state.records import Record


def state_of(call: Call, record: Record) -> str:
    """Return the provisioning state a record shows now."""
    operation = call.tx.operation(record.operation)
    if operation is not None and operation.shown and not operation.is_over(call.now):
        return operation.shown
    return record.settled


def present(call: Call, catalog: Catalog, record: Record, shown: str = "") -> dict[str, Any]:
    """Return a record as a reply shows it.

    Args:
        call: The request that asks.
        catalog: Knows the record's type.
        record: What is shown.
        shown: Overrides the provisioning state, for replies that start an operation.
    """
    kind = catalog.type_of(record)
    body = record.body()
    if catalog.hides(kind, call.version):
        hidden = kind.beside.show(
            {name: body[name] for name in kind.beside.members if name in body}, call.version
        )
        body = {n: v for n, v in body.items() if n not in kind.beside.members} | hidden
        body["properties"] = kind.properties.show(body["properties"], call.version)
    state = shown or state_of(call, record)
    tag = kind.family.tag(record.etag)
    properties = body.pop("properties")
    for name, children in kind.collections.items():
        if name in properties or children.fixed:
            items = children.fixed or properties[name]
            properties[name] = [
                _child(call, record, kind, children, item, state, tag) for item in items
            ]
    _show_referrers(call, record.key, properties)
    if kind.stateful:
        properties = {"provisioningState": state, **properties}
    wire: dict[str, Any] = {"name": record.name, "id": record.id}
    if tag:
        wire["etag"] = tag
    wire |= {"type": kind.kind, **body, "properties": properties}
    kind.show(call, record, wire)
    return wire


def present_child(
    call: Call, catalog: Catalog, record: Record, property_name: str, name: str, shown: str = ""
) -> dict[str, Any] | None:
    """Return one child as its own URL shows it, or None if there is none of that name."""
    for item in present(call, catalog, record, shown)["properties"].get(property_name, ()):
        if item["name"].casefold() == name.casefold():
            child: dict[str, Any] = item
            return child
    return None


def _child(
    call: Call,
    record: Record,
    kind: ResourceType,
    children: Children,
    item: Any,
    state: str,
    tag: str,
) -> dict[str, Any]:
    item_id = child_id(record.id, children, item["name"])
    properties = {"provisioningState": state, **item["properties"]}
    _show_referrers(call, ids.key(item_id), properties)
    wire = {"name": item["name"], "id": item_id}
    if kind.family.etag:
        wire["etag"] = tag
    rest = {name: value for name, value in item.items() if name not in {"name", "properties"}}
    return {**wire, **rest, "type": children.kind, "properties": properties}


def _show_referrers(call: Call, key: str, properties: dict[str, Any]) -> None:
    """Add the properties that show who refers to a resource."""
    shown: dict[str, list[str]] = {}
    for link in call.tx.referrers(key):
        if link.single:
            properties[link.shows] = {"id": link.source}
        elif link.shows:
            shown.setdefault(link.shows, []).append(link.source)
    for name, sources in shown.items():
        properties[name] = [{"id": source} for source in sorted(sources)]
