"""What was read of a subscription and when: the memory that all its clusters share.

Only a hint's worth is promised: a reading has a time, and whoever asks says how old it may be. What
was written since a reading was taken makes the reading worthless. A complete list is also evidence
of absence, but only for groups that were of interest when it was read, since nothing else is kept.

Bodies are kept as bytes: a thousand clusters' resources as parsed mappings would take four times
the memory.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hacluster.arm import address
from hacluster.arm.address import Address
from hacluster.arm.versions import GROUP, Kind, Listing
from hacluster.model.names import OWNER

FORGET_AFTER_S: Final = 2 * 3600.0
"""What nobody has asked for so long is forgotten: twice the longest period of a cluster."""
_NEVER: Final = float("-inf")


@dataclass(frozen=True, slots=True)
class Reading:
    """A resource at a time; ``content`` is None where it was absent."""

    at: float
    content: bytes | None
    etag: str | None = None


class Readings:
    """All readings of one subscription as one identity. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._taken: dict[str, Reading] = {}
        self._covered: dict[tuple[str, str], float] = {}
        self._touched: dict[str, float] = {}
        self._owned: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._asked: defaultdict[str, dict[str, float]] = defaultdict(dict)
        self._groups: dict[str, float] = {}
        self._ids: dict[str, str] = {}

    def expect(self, wanted: Iterable[Address], now: float) -> None:
        """Note that somebody is interested in resources."""
        for each in wanted:
            self._asked[each.kind.name][each.key] = now
            self._groups.setdefault(each.group, now)
            if each.parent:
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

    def keep(self, wanted: Address, content: bytes | None, etag: str | None, at: float) -> None:
        """Remember a reading of one resource."""
        known = self._taken.get(wanted.key)
        if known is None or known.at <= at:
            self._taken[wanted.key] = Reading(at, content, etag)
            self._ids[wanted.key] = wanted.id

    def keep_list(
        self, kind: Kind, scope: str, items: Iterable[Mapping[str, Any]], at: float
    ) -> None:
        """Remember a complete list; ``scope`` is a group, a parent, or empty for all."""
        for item in items:
            listed = address.of_kind(str(item["id"]), kind)
            if listed is None or (listed.group and listed.group not in self._groups):
                continue
            content = json.dumps(item, separators=(",", ":")).encode()
            self.keep(listed, content, item.get("etag"), at)
            owner = (item.get("tags") or {}).get(OWNER)
            if owner:
                self._owned[listed.group, owner].add(listed.key)
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

    def owned(self, group: str, owner: str) -> Iterable[tuple[str, Reading]]:
        """Yield ids and readings of what carries an owner tag in a group."""
        for key in tuple(self._owned.get((group, owner), ())):
            found = self._newest(address.parse(self._ids[key])) if key in self._ids else None
            if found is not None and found.content is not None:
                yield self._ids[key], found

    def forget(self, now: float) -> None:
        """Drop what nobody has asked for in a long time."""
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
        found = [
            reading
            for reading in (
                self._taken.get(wanted.key),
                self._not_listed(wanted),
                self._embedded(wanted),
                self._without_group(wanted),
            )
            if reading is not None
        ]
        return max(
            found, key=lambda reading: (reading.at, reading.content is not None), default=None
        )

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
        if parent is None or parent.content is None:
            return parent
        properties = json.loads(parent.content).get("properties") or {}
        for item in properties.get(wanted.kind.embedded_in) or ():
            if str(item.get("id", "")).casefold() == wanted.key:
                return Reading(parent.at, json.dumps(item).encode(), item.get("etag"))
        return Reading(parent.at, None)

    def _without_group(self, wanted: Address) -> Reading | None:
        if wanted.kind is GROUP or not wanted.group:
            return None
        group = self._taken.get(address.root(wanted).casefold())
        return Reading(group.at, None) if group is not None and group.content is None else None
