"""One resource as the spec wants it, and whether the one that is there may be touched at all.

Ownership is read where the type has a place for it: in tags; in metadata (record sets, containers);
in the description (roles); or, for a subnet, which has none of these, in its network's tags and in
the inventory.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

from hacluster.model.azure import Adoption
from hacluster.model.ids import ArmId, child, key, parent_of, type_of
from hacluster.model.names import OWNER, UID
from hacluster.model.observed import Present
from hacluster.plan.view import View

_METADATA_TYPES: Final = frozenset(
    {
        "microsoft.network/dnszones/a",
        "microsoft.network/privatednszones/a",
        "microsoft.storage/storageaccounts/blobservices/containers",
    }
)
_DESCRIBED_TYPES: Final = frozenset(
    {"microsoft.authorization/roledefinitions", "microsoft.authorization/roleassignments"}
)
_UNMARKED_TYPES: Final = frozenset({"microsoft.network/virtualnetworks/subnets"})


LOCATION: Final = {
    "location": "Set azure.location back, or delete the resource and let it be made again.",
}
"""What every regional type has in common that Azure never changes."""


def regional(view: View, properties: Mapping[str, Any], **top: Any) -> dict[str, Any]:
    """Return a body with the cluster's region and tags; ``top`` stands beside them."""
    return {
        "location": view.spec.azure.location,
        "tags": view.names.tags,
        **top,
        "properties": dict(properties),
    }


def unless_seen(view: View, owner: ArmId, field_name: str, reference: ArmId) -> dict[str, Any]:
    """Return the statement that a reference of ours, no longer wanted, is taken away.

    Empty where ``owner`` does not refer to it: a reference of somebody else is not ours to take.
    """
    seen = view.present(owner)
    found = (seen.properties.get(field_name) or {}) if seen else {}
    is_there = key(str(found.get("id") or "")) == key(reference)
    return {field_name: None} if is_there else {}


class Ownership(Enum):
    """Whose a resource is."""

    OURS = auto()
    """It carries both our owner tags, or the inventory tells that we made it."""
    FORMERLY_OURS = auto()
    """It carries the tag of our name and another uid: an earlier object made it."""
    UNOWNED = auto()
    """It carries no owner tag."""
    ANOTHERS = auto()
    """Another HAClusterSpec object owns it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A resource that the spec asks for.

    Paths are patterns of `diff.is_at`.
    """

    id: ArmId
    body: Mapping[str, Any]
    """All that we state, in wire form. None in it means that nothing may be there."""
    needs: frozenset[ArmId] = frozenset()
    needs_begun: frozenset[ArmId] = frozenset()
    immutable: Mapping[str, str] = field(default_factory=dict)
    """What Azure does not change in place, and what to do instead."""
    at_creation: tuple[str, ...] = ()
    """What only counts when the resource is made: secrets, and names within it."""
    omitted: tuple[str, ...] = ()
    """What must not be sent back though Azure shows it: children with an URL of their own."""
    disruptive: tuple[str, ...] = ()
    """Changes that interrupt the service of ``node``."""
    node: str | None = None
    children: tuple[str, ...] = ()
    """The lists under ``properties`` whose items have ids of their own."""

    def child_ids(self) -> Iterator[ArmId]:
        """Yield the id of each child that the body states."""
        properties = self.body.get("properties") or {}
        for kind in self.children:
            for item in properties.get(kind) or ():
                yield child(self.id, kind, item["name"])


def ownership(view: View, seen: Present) -> Ownership:
    """Return whose a resource is that is there."""
    kind = type_of(seen.id).casefold()
    if kind in _UNMARKED_TYPES:
        return _of_unmarked(view, seen)
    marks = _marks(seen, kind)
    owner, uid = marks.get(OWNER), marks.get(UID)
    if owner == view.names.owner:
        is_ours = uid == view.cluster.uid
        return Ownership.OURS if is_ours else Ownership.FORMERLY_OURS
    if owner:
        return Ownership.ANOTHERS
    is_child = kind in _METADATA_TYPES | _DESCRIBED_TYPES
    # The nodes may rewrite a record's metadata; the inventory still knows who made it.
    return Ownership.OURS if is_child and view.is_inventoried(seen.id) else Ownership.UNOWNED


def may_adopt(found: Ownership, adoption: Adoption) -> bool:
    """Say whether a resource that is not ours may become ours."""
    match found:
        case Ownership.OURS:
            return True
        case Ownership.FORMERLY_OURS:
            return adoption is not Adoption.NEVER
        case Ownership.UNOWNED:
            return adoption is Adoption.ALWAYS
        case Ownership.ANOTHERS:
            return False


def is_ours(view: View, seen: Present) -> bool:
    """Say whether a resource may be deleted by us."""
    return ownership(view, seen) is Ownership.OURS


def _of_unmarked(view: View, seen: Present) -> Ownership:
    if view.is_inventoried(seen.id):
        return Ownership.OURS
    parent = view.present(parent_of(seen.id))
    # In a network of our own everything that has one of our names is ours.
    if parent is None or key(seen.id) != key(view.names.subnet):
        return Ownership.UNOWNED
    return ownership(view, parent)


def _marks(seen: Present, kind: str) -> Mapping[str, str]:
    if kind in _METADATA_TYPES:
        found = seen.properties.get("metadata") or {}
        return {name.replace("_", "-").casefold(): value for name, value in found.items()}
    if kind in _DESCRIBED_TYPES:
        words = str(seen.properties.get("description") or "").split()
        return dict(word.split("=", 1) for word in words if "=" in word)
    return seen.tags
