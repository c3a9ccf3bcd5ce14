"""ARM ids taken apart: what kind a resource is, and where it and its list are found."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from hacluster.arm.versions import GROUP, KINDS, Kind, Listing
from hacluster.errors import InvariantBroken
from hacluster.model import ids

_PROVIDERS: Final = "/providers/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A resource id, understood.

    ``group`` is casefolded, and empty where the id lies in no group. ``parent`` is the id of the
    resource that a child lives in, empty for others.
    """

    id: str
    key: str
    """The id as dictionaries are keyed by it."""
    kind: Kind
    subscription: str
    group: str
    parent: str


@lru_cache(maxsize=32_768)
def parse(resource: str) -> Address:
    """Take an id apart; the answers are kept for all ids of a thousand clusters.

    Raises:
        InvariantBroken: the kind is not in the table: a bug, for names are made in one place.
    """
    return _parse(resource)


def _parse(resource: str) -> Address:
    key = ids.key(resource)
    scope, rest = _split(resource)
    words = scope.split("/")
    subscription = words[2] if len(words) > 2 else ""
    group = words[4].casefold() if len(words) > 4 else ""
    if not rest:
        return Address(
            id=resource, key=key, kind=GROUP, subscription=subscription, group=group, parent=""
        )
    provider, *path = rest.split("/")
    name = "/".join([provider, *path[::2]]).casefold()
    kind = KINDS.get(name)
    if kind is None:
        raise InvariantBroken(f"No API version is pinned for {name}, asked for by {resource}")
    return Address(
        id=resource,
        key=key,
        kind=kind,
        subscription=subscription,
        group=group,
        parent=_parent(resource, kind, scope),
    )


def of_kind(resource: str, kind: Kind) -> Address | None:
    """Take a listed id apart; None if it is of another kind: some lists hold scale sets' parts."""
    try:
        found = _parse(resource)
    except InvariantBroken:
        return None
    return found if found.kind is kind else None


def subscription_list(address: Address) -> str:
    """Return the path of the list, over the whole subscription, that has this resource."""
    root = f"/subscriptions/{address.subscription}"
    if address.kind is GROUP:
        return f"{root}/resourcegroups"
    return f"{root}/providers/{address.kind.name}"


def group_list(address: Address) -> str:
    """Return the path of the list, over its own group, that has this resource."""
    return f"{root(address)}/providers/{address.kind.name}"


def root(address: Address) -> str:
    """Return the id of the group that a resource is in, or of the subscription."""
    end = address.id.casefold().find(_PROVIDERS)
    return address.id if end < 0 else address.id[:end]


def parent_list(address: Address) -> str:
    """Return the path of the list, under its parent, that has this resource."""
    return address.id.rsplit("/", maxsplit=1)[0]


def _split(resource: str) -> tuple[str, str]:
    """Return what stands before and after the last provider's mark, in whatever letter case."""
    end = resource.casefold().rfind(_PROVIDERS)
    return (resource, "") if end < 0 else (resource[:end], resource[end + len(_PROVIDERS) :])


def _parent(resource: str, kind: Kind, scope: str) -> str:
    if kind.listing is Listing.SUBSCRIPTION_ONLY:
        return scope
    words = kind.name.split("/")[1:]
    return resource.rsplit("/", maxsplit=2)[0] if len(words) > 1 else ""
