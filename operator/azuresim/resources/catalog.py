"""Finds the type, and the place inside a resource, that a path or an id speaks of."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from azuresim import ids
from azuresim.ids import Path
from azuresim.resources.call import Call
from azuresim.resources.children import Children
from azuresim.resources.contract import Action, ResourceType
from azuresim.state.records import Link, Record

GROUP_KIND = "microsoft.resources/resourcegroups"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A type, or a child collection in the body of one."""

    type: ResourceType
    children: Children | None = None
    field: str = ""

    @property
    def kind(self) -> str:
        """The full type, as Azure writes it."""
        return self.children.kind if self.children else self.type.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a path speaks of.

    Attributes:
        path: The path itself.
        entry: The type or child collection.
        owner: Id, as written, of the resource whose record is meant; for a list of records
            the id of what holds them.
        child: Name of the child, or empty.
        listing: The path names a set, not one of its members.
        action: The POST that is asked for, or None.
    """

    path: Path
    entry: Entry
    owner: str
    child: str = ""
    listing: bool = False
    action: Action | None = None


class Catalog:
    """All types, looked up by name.

    Args:
        types: The types there are; a name may come once.
    """

    def __init__(self, types: Iterable[ResourceType]) -> None:
        self.types = tuple(types)
        self._entries: dict[str, Entry] = {}
        self._hides: dict[tuple[str, str], bool] = {}
        for kind in self.types:
            self._entries[kind.folded] = Entry(type=kind)
            for name, children in kind.collections.items():
                entry = Entry(type=kind, field=name, children=children)
                self._entries[children.kind.casefold()] = entry

    def type_of(self, record: Record) -> ResourceType:
        """Return the type of a record."""
        return self._entries[record.kind].type

    def entry(self, kind: str) -> Entry | None:
        """Return what a full type name stands for, in whatever letter case."""
        return self._entries.get(kind.casefold())

    def hides(self, kind: ResourceType, version: str) -> bool:
        """Whether replies of an api-version leave out something that is stored."""
        at = (kind.folded, version)
        if at not in self._hides:
            self._hides[at] = kind.properties.hides(version) or kind.beside.hides(version)
        return self._hides[at]

    def find(self, path: Path) -> Target | None:
        """Return what a path speaks of, or None if no type here does."""
        if not path.namespace:
            return self._find_group(path)
        entry = self.entry(path.kind)
        if entry is not None:
            return _target(path, entry)
        if not path.is_collection or not path.names:
            return None
        return self._find_action(path)

    def _find_group(self, path: Path) -> Target | None:
        entry = self._entries.get(GROUP_KIND)
        if entry is None or not path.subscription or len(path.segments) not in {3, 4}:
            return None
        if path.segments[2].casefold() != "resourcegroups":
            return None
        holder = f"/subscriptions/{path.subscription}"
        listing = not path.group
        return Target(path=path, entry=entry, owner=holder if listing else path.id, listing=listing)

    def _find_action(self, path: Path) -> Target | None:
        entry = self.entry("/".join((path.namespace, *path.types[:-1])))
        if entry is None:
            return None
        prefix = f"{entry.children.segment}/" if entry.children else ""
        wanted = f"{prefix}{path.types[-1]}".casefold()
        for name, action in entry.type.actions.items():
            if name.casefold() == wanted:
                segments = path.segments[:-3] if entry.children else path.segments[:-1]
                child = path.names[-1] if entry.children else ""
                owner = "/" + "/".join(segments)
                return Target(path=path, entry=entry, owner=owner, child=child, action=action)
        return None

    def locate(self, call: Call, resource_id: str) -> str | None:
        """Return an id as Azure writes it, if there is such a resource."""
        record = call.get(resource_id)
        if record is not None:
            return record.id
        path = ids.parse(resource_id)
        entry = self.entry(path.kind)
        if entry is None or entry.children is None or not path.names:
            return None
        parent = call.get("/" + "/".join(path.segments[:-2]))
        if parent is None:
            return None
        items = parent.body()["properties"].get(entry.field, [])
        item = entry.children.find(items, path.names[-1])
        return child_id(parent.id, entry.children, item["name"]) if item else None

    def refer(self, record: Record) -> Iterator[Link]:
        """Yield the references a record makes."""
        kind = self.type_of(record)
        if kind.properties.may_link() or kind.beside.may_link():
            body = record.body()
            yield from kind.properties.links(body["properties"], record.id)
            yield from kind.beside.links(body, record.id)

    def new_id(self, call: Call, target: Target) -> str:
        """Return the id Azure gives to a new resource at a path."""
        kind, path = target.entry.type, target.path
        form = kind.id_form
        words = (form.kind or kind.short).split("/")
        if kind.folded == GROUP_KIND:
            return f"/subscriptions/{call.subscription}/{form.groups}/{path.group}"
        scope = path.scope
        if path.group and not kind.scoped:
            group = call.get(f"/subscriptions/{path.subscription}/resourceGroups/{path.group}")
            name = group.name if group else path.group
            name = name.lower() if form.lower_group else name
            scope = f"/subscriptions/{call.subscription}/{form.groups}/{name}"
        pairs = zip(words, path.names, strict=False)
        inner = "/".join(f"{word}/{name}" for word, name in pairs)
        return f"{scope}/providers/{kind.kind.split('/')[0]}/{inner}"


def child_id(owner: str, children: Children, name: str) -> str:
    """Return the id of a child in its parent's body."""
    return f"{owner}/{children.segment}/{name}"


def _target(path: Path, entry: Entry) -> Target:
    listing = path.is_collection
    if entry.children is None:
        owner = "/" + "/".join(path.segments[:-1]) if listing else path.id
        if listing and len(path.types) == 1:
            owner = path.scope
        return Target(path=path, entry=entry, owner=owner, listing=listing)
    drop = 1 if listing else 2
    owner = "/" + "/".join(path.segments[:-drop])
    child = "" if listing else path.names[-1]
    return Target(path=path, entry=entry, owner=owner, child=child, listing=listing)
