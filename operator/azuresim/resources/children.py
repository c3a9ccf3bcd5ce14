"""Collections that live in their parent's body and have URLs of their own.

Subnets, security rules, a balancer's front ends: there is one truth, the item in
the parent's list. Its own URL shows and changes that item, and a write to it is
a write to the parent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from azuresim import ids
from azuresim.resources.schema import MISSING, Field, Place, Shape
from azuresim.state.records import Link

ENVELOPE: Final = frozenset({"id", "name", "etag", "type", "properties"})


@dataclass(frozen=True, kw_only=True)
class Children(Field):
    """A list of named items, each a sub-resource.

    Attributes:
        kind: Full type, for example `Microsoft.Network/virtualNetworks/subnets`.
        item: Shape of an item's properties.
        beside: Shape of what stands beside them, for example zones.
        writable: The items' own URLs take PUT and DELETE.
        fixed: Items that are always there and never stored; then nothing can be sent.
        in_use: Refusal to take away an item others refer to: code and message, which may
            name `{name}`, `{id}` and `{user}`.
        most: Items there can be (source: document, where a type says otherwise; 1,000 is what a
            security group's rules are limited to).
        kept_since: From this api-version on a parent PUT that leaves the list out keeps it.
    """

    kind: str
    item: Shape
    beside: Shape = field(default_factory=lambda: Shape(members={}))
    writable: bool = True
    fixed: tuple[Mapping[str, Any], ...] = ()
    in_use: tuple[str, str] = ()  # type: ignore[assignment] # empty is for children nobody refers to
    most: int = 1_000
    kept_since: str = ""

    @cached_property
    def segment(self) -> str:
        """The word in paths, for example `subnets`."""
        return self.kind.rsplit("/", 1)[1]

    def settle(self, given: Any, kept: Any, place: Place) -> Any:
        """Keep the list where it was left out and the api-version says so, else take it whole."""
        if self.fixed or self.read_only:
            return MISSING
        if given is MISSING or given is None:
            keeps = self.kept_since and place.call.version >= self.kept_since
            return kept if keeps and kept is not MISSING else []
        return self.accept(given, kept, place)

    def accept(self, given: Any, kept: Any, place: Place) -> Any:
        """Check each item against the one of the same name, and order them by name."""
        if not isinstance(given, list):
            raise place.wrong("an array is expected.")
        if len(given) > self.most:
            raise place.wrong(f"more than {self.most} items are given.")
        before = {item["name"].casefold(): item for item in kept} if kept is not MISSING else {}
        items: dict[str, dict[str, Any]] = {}
        for at, raw in enumerate(given):
            inner = place.at(f"[{at}]")
            name = _name(raw, inner)
            if name.casefold() in items:
                raise inner.wrong(f"the name '{name}' is used twice.")
            items[name.casefold()] = self._item(raw, name, before.get(name.casefold()), inner)
        return [items[name] for name in sorted(items)]

    def _item(
        self, raw: dict[str, Any], name: str, before: dict[str, Any] | None, place: Place
    ) -> dict[str, Any]:
        kept = before or {}
        rest = {name: value for name, value in raw.items() if name.casefold() not in ENVELOPE}
        old_rest = {name: value for name, value in kept.items() if name not in ENVELOPE}
        given = raw.get("properties")
        properties = self.item.accept(
            {} if given is None else given, kept.get("properties", {}), place.at("properties")
        )
        beside = self.beside.accept(rest, old_rest, place)
        return {"name": kept.get("name", name), **beside, "properties": properties}

    def links(self, value: Any, owner: str) -> Iterator[Link]:
        """Yield the references of each item, the item being the owner."""
        for item in value:
            item_id = f"{owner}/{self.segment}/{item['name']}"
            yield from self.item.links(item["properties"], item_id)
            yield from self.beside.links(item, item_id)

    def may_link(self) -> bool:
        """Ask the items' shapes."""
        return self.item.may_link() or self.beside.may_link()

    def hides(self, version: str) -> bool:
        """Ask the items' shape too."""
        return super().hides(version) or self.item.hides(version)

    def show(self, value: Any, version: str) -> Any:
        """Show each item's properties."""
        return [
            {**item, "properties": self.item.show(item["properties"], version)} for item in value
        ]

    def find(self, items: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
        """Return the item of a name, in whatever letter case."""
        folded = name.casefold()
        for item in self.fixed or items:
            if item["name"].casefold() == folded:
                return dict(item)
        return None


def _name(raw: Any, place: Place) -> str:
    if not isinstance(raw, dict):
        raise place.wrong("an object is expected.")
    name = raw.get("name")
    if name is None and isinstance(raw.get("id"), str):
        name = ids.name_of(raw["id"])
    if not isinstance(name, str) or not name:
        raise place.wrong("the name is missing.")
    ids.parse(f"/{name}")
    if "/" in name:
        raise place.wrong("a name has no slash.")
    return name
