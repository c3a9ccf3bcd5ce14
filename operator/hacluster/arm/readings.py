"""What was read of a subscription and when: the memory that all its clusters share.

Only a hint's worth is promised: a reading has a time, and whoever asks says how old it may be. What
was written since a reading was taken makes the reading worthless. A complete list is also evidence
of absence, but only for groups that were of interest when it was read, since nothing else is kept.

Bodies are kept as bytes: a thousand clusters' resources as parsed mappings would take four times
the memory.
"""

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from hacluster.arm import address
from hacluster.arm.address import Address
from hacluster.arm.versions import GROUP, Kind, Listing
from hacluster.model import ids
from hacluster.model.names import OWNER

FORGET_AFTER_S: Final = 2 * 3600.0
"""What nobody has asked for so long is forgotten: twice the longest period of a cluster."""
_NEVER: Final = float("-inf")
_VERSIONS: Final = itertools.count(1)
"""Of all readings of this process: two subscriptions never have the same."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A resource at a time; ``content`` is None where it was absent.

    ``version`` is another one whenever the content of something present is, and 0 for what is
    absent: whoever saw the same versions before has seen the same, and need not look closer.
    """

    at: float
    content: bytes | None
    etag: str | None = None
    version: int = 0
    is_parents: bool = False
    """Whether it is the parent's reading, in which the resource stands, if it is there."""

    def body_of(self, wanted: Address) -> dict[str, Any] | None:
        """Return the body of the resource that was asked for; None where it was absent."""
        if self.content is None:
            return None
        body: dict[str, Any] = json.loads(self.content)
        if not self.is_parents:
            return body
        items = (body.get("properties") or {}).get(wanted.kind.embedded_in) or ()
        return next((one for one in items if ids.key(str(one.get("id", ""))) == wanted.key), None)


@dataclass(frozen=True, slots=True)
class _List:
    """What a list was made of; forgotten as soon as what is kept may be something else."""

    digest: bytes
    keys: tuple[str, ...]


class Readings:
    """All readings of one subscription as one identity. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._taken: dict[str, Reading] = {}
        self._covered: dict[tuple[str, str], float] = {}
        self._listed: dict[tuple[str, str], _List] = {}
        self._touched: dict[str, float] = {}
        self._owned: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._asked: defaultdict[str, dict[str, float]] = defaultdict(dict)
        self._groups: dict[str, float] = {}
        self._ids: dict[str, str] = {}

    def expect(self, wanted: Iterable[Address], now: float) -> None:
        """Note that somebody is interested in resources."""
        for each in wanted:
            self._asked[each.kind.name][each.key] = now
            if each.group not in self._groups:
                self._groups[each.group] = now
                self._listed.clear()  # They were read without regard to this group.
            if each.kind.listing is Listing.PARENT:
                self._asked[f"{each.kind.name} {each.parent.casefold()}"][each.key] = now

    def interest(self, kind: Kind, parent: str = "") -> int:
        """Return how many resources of a kind, below one parent if named, are of interest."""
        return len(self._asked.get(f"{kind.name} {parent.casefold()}" if parent else kind.name, ()))

    def groups(self) -> int:
        """Return how many groups are of interest."""
        return sum(bool(group) for group in self._groups)

    def listed_at(self, kind: Kind) -> float:
        """Return when a kind was last listed for the whole subscription."""
        return self._covered.get((kind.name, ""), _NEVER)

    def find(self, wanted: Address, since: float) -> Reading | None:
        """Return the newest reading that is not older than ``since``, or None."""
        since = max(since, self._touched.get(wanted.key, _NEVER))
        newest = self._newest(wanted)
        return newest if newest is not None and newest.at >= since else None

    def keep(self, wanted: Address, content: bytes | None, etag: str | None, at: float) -> bool:
        """Remember a reading of one resource; say whether what is kept is just that."""
        known = self._taken.get(wanted.key)
        is_same = known is not None and known.content == content
        if known is not None and known.at > at:
            return is_same
        if known is not None and is_same:
            self._taken[wanted.key] = Reading(at, known.content, etag, known.version)
            return True
        version = next(_VERSIONS) if content is not None else 0
        self._taken[wanted.key] = Reading(at, content, etag, version)
        self._ids[wanted.key] = wanted.id
        for key in [key for key in self._listed if key[0] == wanted.kind.name]:
            del self._listed[key]  # They no longer tell what is kept.
        return True

    def keep_list(
        self,
        kind: Kind,
        scope: str,
        items: Iterable[Mapping[str, Any]],
        at: float,
        digest: bytes = b"",
    ) -> None:
        """Remember a complete list.

        Args:
            kind: What is listed.
            scope: A group, a parent, or empty for the whole subscription.
            items: All items of the list.
            at: When it was asked for.
            digest: What the list can be told by; see `repeated`.
        """
        keys, is_kept = [], True
        for item in items:
            listed = address.of_kind(str(item["id"]), kind)
            if listed is None or (listed.group and listed.group not in self._groups):
                continue
            content = json.dumps(item, separators=(",", ":")).encode()
            is_kept &= self.keep(listed, content, item.get("etag"), at)
            keys.append(listed.key)
            owner = (item.get("tags") or {}).get(OWNER)
            if owner:
                self._owned[listed.group, owner].add(listed.key)
        self._cover(kind, scope, at)
        if digest and is_kept:
            self._listed[kind.name, scope.casefold()] = _List(digest, tuple(keys))

    def repeated(self, kind: Kind, scope: str, digest: bytes, at: float) -> bool:
        """Say whether a list is, byte for byte, what it was; what it tells is then as new as it is.

        At rest nearly all lists are, and to take them apart is most of what reading costs.
        """
        known = self._listed.get((kind.name, scope.casefold()))
        if known is None or known.digest != digest:
            return False
        for key in known.keys:
            reading = self._taken.get(key)
            if reading is not None and reading.at < at:
                self._taken[key] = Reading(at, reading.content, reading.etag, reading.version)
        self._cover(kind, scope, at)
        return True

    def _cover(self, kind: Kind, scope: str, at: float) -> None:
        key = (kind.name, scope.casefold())
        self._covered[key] = max(self._covered.get(key, _NEVER), at)

    def touched(self, changed: Address, now: float) -> None:
        """Make all that was read of a resource, its parent and its children worthless."""
        self._touched[changed.key] = now
        if changed.parent:
            self._touched[changed.parent.casefold()] = now
        inside = f"{changed.key}/"
        for key in self._taken:
            if key.startswith(inside):
                self._touched[key] = now

    def owned(self, group: str, owner: str) -> Iterable[tuple[Address, Reading]]:
        """Yield what carries an owner tag in a group."""
        for key in tuple(self._owned.get((group, owner), ())):
            if key not in self._ids:
                continue
            each = address.parse(self._ids[key])
            found = self._newest(each)
            if found is not None and found.content is not None:
                yield each, found

    def forget(self, now: float) -> None:
        """Drop what nobody has asked for in a long time."""
        self._listed.clear()
        for asked in self._asked.values():
            for key in [key for key, at in asked.items() if now - at > FORGET_AFTER_S]:
                del asked[key]
        alive = {key for asked in self._asked.values() for key in asked}
        groups = {address.parse(self._ids[key]).group for key in alive if key in self._ids}
        self._groups = {group: at for group, at in self._groups.items() if group in groups}
        for key, reading in tuple(self._taken.items()):
            if key not in alive and now - reading.at > FORGET_AFTER_S:
                del self._taken[key]
                self._ids.pop(key, None)
        self._touched = {k: at for k, at in self._touched.items() if now - at <= FORGET_AFTER_S}

    def _newest(self, wanted: Address) -> Reading | None:
        """Return the newest word on a resource; of two at one time, the one that it is there."""
        newest = self._taken.get(wanted.key)
        told = (self._not_listed(wanted), self._embedded(wanted), self._without_group(wanted))
        for other in told:
            if other is None:
                continue
            is_newer = newest is None or other.at > newest.at
            if is_newer or (newest and other.at == newest.at and newest.content is None):
                newest = other
        return newest

    def _not_listed(self, wanted: Address) -> Reading | None:
        """Return the absence that the newest list over the resource would tell."""
        scopes = [wanted.group, wanted.parent.casefold()] if wanted.parent else [wanted.group]
        times = [self._covered.get((wanted.kind.name, scope), _NEVER) for scope in scopes if scope]
        whole = self._covered.get((wanted.kind.name, ""), _NEVER)
        if whole >= self._groups.get(wanted.group, float("inf")):
            times.append(whole)
        at = max(times, default=_NEVER)
        return Reading(at, None) if at > _NEVER else None

    def _embedded(self, wanted: Address) -> Reading | None:
        if wanted.kind.listing is not Listing.EMBEDDED:
            return None
        parent = self._newest(address.parse(wanted.parent))
        return replace(parent, is_parents=True) if parent is not None else None

    def _without_group(self, wanted: Address) -> Reading | None:
        if wanted.kind is GROUP or not wanted.group:
            return None
        group = self._taken.get(address.root(wanted).casefold())
        return Reading(group.at, None) if group is not None and group.content is None else None
