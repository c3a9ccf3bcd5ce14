"""ARM's own index: the tracked resources of a group or of all groups, and the tags in use."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import quote, urlencode

from azuresim import ids
from azuresim.clock import timestamp
from azuresim.errors import bad_request, group_not_found
from azuresim.resources import filters, versions
from azuresim.resources.catalog import GROUP_KIND
from azuresim.resources.contract import ResourceType
from azuresim.resources.present import state_of
from azuresim.resources.subscriptions import Route, Scene
from azuresim.state.records import Record

INDEXED: Final = ("location", "tags", "sku", "kind", "zones", "identity", "managedBy")
EXPANDED: Final = ("provisioningState", "createdTime", "changedTime")
MOST: Final = 1_000
"""Items in one page."""


def resources(scene: Scene) -> dict[str, Any]:
    """Answer a list of resources: filtered, expanded, ordered by id, page by page.

    Raises:
        ArmError: 404 for a missing group; 400 for a query that is not understood.
    """
    query = scene.call.query
    passes = filters.test_for(query.get("$filter", ""))
    expanded = _expanded(query.get("$expand", ""))
    after, top = query.get("$skiptoken", ""), _top(query.get("$top", ""))
    rest = [
        (record, kind)
        for record, kind in sorted(_tracked(scene), key=lambda each: each[0].key)
        if record.key > after and passes(_item(record, kind))
    ]
    answer: dict[str, Any] = {
        "value": [_shown(scene, record, kind, expanded) for record, kind in rest[:top]]
    }
    if len(rest) > top and not query.get("$top"):
        answer["nextLink"] = _next(scene, rest[top - 1][0].key)
    return answer


def _next(scene: Scene, after: str) -> str:
    call, group = scene.call, scene.names.get("group")
    path = f"/subscriptions/{call.subscription}"
    path += f"/resourceGroups/{quote(group)}/resources" if group else "/resources"
    query = {"api-version": call.version, **call.query, "$skiptoken": after}
    return f"{call.base}{path}?{urlencode(query, safe='$', quote_via=quote)}"


def tag_names(scene: Scene) -> dict[str, Any]:
    """Answer the list of tags that resources and groups carry, with how many carry each."""
    counts: Counter[tuple[str, str]] = Counter()
    container = f"/subscriptions/{scene.call.subscription}".casefold()
    groups = list(scene.call.tx.members(container, GROUP_KIND))
    for record in (*groups, *(record for record, _ in _tracked(scene))):
        counts.update(record.body().get("tags", {}).items())
    holder = f"/subscriptions/{scene.call.subscription}/tagNames"
    value = []
    for name in sorted({name for name, _ in counts}):
        values = [
            {"id": f"{holder}/{name}/tagValues/{text}", "tagValue": text, "count": _total(count)}
            for (each, text), count in sorted(counts.items())
            if each == name
        ]
        total = sum(count for (each, _), count in counts.items() if each == name)
        entry = {"id": f"{holder}/{name}", "tagName": name, "count": _total(total)}
        value.append({**entry, "values": values})
    return {"value": value}


def _total(count: int) -> dict[str, Any]:
    return {"type": "Total", "value": count}


def _tracked(scene: Scene) -> Iterator[tuple[Record, ResourceType]]:
    holder = f"/subscriptions/{scene.call.subscription}"
    group = scene.names.get("group")
    if group is not None:
        holder = f"{holder}/resourceGroups/{group}"
        if scene.call.get(holder) is None:
            raise group_not_found(group)
    kinds = {kind.folded: kind for kind in scene.catalog.types}
    for record in scene.call.tx.store.within(ids.key(holder)):
        kind = kinds[record.kind]
        if kind.tagged and kind.folded != GROUP_KIND:
            yield record, kind


def _item(record: Record, kind: ResourceType) -> filters.Item:
    body = record.body()
    return filters.Item(
        name=record.name,
        kind=kind.kind,
        group=ids.parse(record.id).group,
        location=str(body.get("location", "")),
        tags=body.get("tags", {}),
    )


def _shown(
    scene: Scene, record: Record, kind: ResourceType, expanded: tuple[str, ...]
) -> dict[str, Any]:
    body = record.body()
    more = {
        "provisioningState": state_of(scene.call, record),
        "createdTime": timestamp(record.created),
        "changedTime": timestamp(record.changed),
    }
    return {
        "id": record.id,
        "name": record.name,
        "type": kind.kind,
        **{name: body[name] for name in INDEXED if name in body},
        **{name: more[name] for name in expanded},
    }


def _expanded(text: str) -> tuple[str, ...]:
    known = {name.casefold(): name for name in EXPANDED}
    asked = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in asked if word.casefold() not in known]
    if unknown:
        message = (
            f"The $expand value '{ascii(unknown[0])[1:-1][:80]}' is not supported. Supported are "
            f"{', '.join(EXPANDED)}."
        )
        raise bad_request("InvalidExpandQueryParameter", message)
    return tuple(known[word.casefold()] for word in asked)


def _top(text: str) -> int:
    if not text:
        return MOST
    if not text.isdecimal() or len(text) > 9 or not int(text):
        raise bad_request("InvalidTopQueryParameter", "The $top query parameter is not a number.")
    return min(int(text), MOST)


_IN: Final = "/subscriptions/{subscription}"
_WHERE: Final[dict[str, Callable[[Scene], Any]]] = {
    f"{_IN}/resources": resources,
    f"{_IN}/resourceGroups/{{group}}/resources": resources,
    f"{_IN}/tagNames": tag_names,
}
ROUTES: Final[tuple[Route, ...]] = tuple(
    Route(verb="GET", pattern=pattern, versions=versions.RESOURCES, answer=answer)
    for pattern, answer in _WHERE.items()
)
