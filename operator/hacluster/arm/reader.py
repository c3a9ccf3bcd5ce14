"""The one reader of a subscription as one identity: it reads for all clusters there.

Each type is listed once for the whole subscription, or, where the rights or the number of clusters
do not warrant it, once per group or by single GETs; every cluster is served from that until it is
older than the asker accepts. Ten clusters or a thousand then cost about the same number of calls.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from hacluster.arm import address
from hacluster.arm.address import Address
from hacluster.arm.caller import Call, Caller
from hacluster.arm.readings import Reading, Readings
from hacluster.arm.versions import GROUP, Listing
from hacluster.errors import ArmDenied, ArmError, ArmThrottled
from hacluster.model import ids
from hacluster.model.ids import ArmId
from hacluster.model.observed import Absent, Present, Seen, Snapshot, Unknown
from hacluster.model.reasons import Reason
from hacluster.reconcile.ports import Look
from hacluster.reconcile.turns import Turns

AGE_PER_CLUSTER_S: Final = 0.05
"""How old a shared reading may be, for each cluster that shares it: one alone always reads anew."""
LONGEST_AGE: Final = 0.5
"""The oldest that a shared reading may be, as a part of the asker's period."""
MOVING_AGE: Final = 0.25
"""The same for what stands still while something else of the cluster moves."""
CLUSTERS_PER_PERIOD: Final = 10
"""Children that only a parent lists are read every n-th period, n being the clusters over this."""
LONGEST_PERIODS: Final = 30
DENIED_FOR_S: Final = 600.0
"""How long a list that was denied is not asked for again."""
FORGET_EVERY_S: Final = 600.0
_NEXT: Final = b'"nextLink"'
ROUNDS: Final = 3
"""A list of the subscription, one of the group, single reads."""


class Unfolding(Mapping[str, Seen]):
    """What was seen, made up when it is first looked at: most passes at rest never do."""

    def __init__(self, make: Callable[[], Mapping[str, Seen]]) -> None:
        self._make = make

    @cached_property
    def _all(self) -> Mapping[str, Seen]:
        return self._make()

    def __getitem__(self, key: str) -> Seen:
        return self._all[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


@dataclass(frozen=True, slots=True)
class _Fetch:
    """One reading to take: a single resource, or a list of its kind over ``scope``."""

    path: str
    wanted: Address
    scope: str | None = None

    @property
    def is_list(self) -> bool:
        return self.scope is not None


class Reader:
    """Takes and shares readings."""

    def __init__(self, caller: Caller, subscription: str) -> None:
        self._caller = caller
        self._subscription = subscription
        self._readings = Readings()
        self._flights: dict[str, tuple[float, asyncio.Task[None]]] = {}
        self._denied: dict[str, float] = {}
        self._owners: dict[str, float] = {}
        self._forgot_at = 0.0
        self._turns = Turns()

    @property
    def sharers(self) -> int:
        """How many clusters have looked lately."""
        return len(self._owners)

    async def look(self, look: Look) -> Snapshot:
        """Return what is there; see `Subscription.look`."""
        now = _now()
        self._tidy(now)
        self._owners[look.owner] = now
        wanted = {each.key: each for each in map(address.parse, look.ids | look.fresh)}
        self._readings.expect(wanted.values(), now)
        fresh = {ids.key(each) for each in look.fresh}
        ages = self._ages(look)
        since = {
            key: now if key in fresh else now - ages[each.kind.listing is Listing.PARENT]
            for key, each in wanted.items()
        }
        errors = await self._refresh(wanted, since, fresh)
        await self._turns.next()  # A list that many waited for wakes them all at once.
        members = {ids.key(look.group): await self._members(look.group)} if look.members else {}
        found = {key: self._readings.find(each, since[key]) for key, each in wanted.items()}
        return self._snapshot(look, wanted, found, errors, members)

    def _snapshot(
        self,
        look: Look,
        wanted: dict[str, Address],
        found: dict[str, Reading | None],
        errors: dict[str, ArmError],
        members: dict[str, tuple[ArmId, ...]],
    ) -> Snapshot:
        """Return what was found; bodies are taken apart only if somebody looks at them."""
        group = ids.key(look.group).rpartition("/")[2]
        owned = tuple(self._readings.owned(group, look.owner))
        readings = (*found.values(), *(reading for _, reading in owned))
        is_whole = None not in found.values() and not look.members

        def seen() -> dict[str, Seen]:
            resources = {
                key: _seen(each, found[key], errors.get(key)) for key, each in wanted.items()
            }
            for each, reading in owned:
                if each.key not in resources:
                    resources[each.key] = _seen(each, reading, None)
            return resources

        return Snapshot(
            resources=Unfolding(seen),
            members=members,
            tag=tuple(sorted({one.version for one in readings if one})) if is_whole else None,
        )

    def written(self, resource: ArmId) -> None:
        """Forget what was read of a resource that was just written, or that was not as read."""
        self._readings.touched(address.parse(resource), _now())

    async def _refresh(
        self, wanted: dict[str, Address], since: dict[str, float], fresh: set[str]
    ) -> dict[str, ArmError]:
        """Take the readings that are missing; return by key why some could not be taken.

        A list that is denied takes another round, with a smaller list or single reads.
        """
        failed: dict[str, ArmError] = {}
        for _ in range(ROUNDS):
            missing = {
                key: self._single(each) if key in fresh else self._fetch_for(each, since[key])
                for key, each in wanted.items()
                if key not in failed and self._readings.find(each, since[key]) is None
            }
            if not missing:
                break
            failed |= await self._round(missing, since)
        return failed

    async def _round(
        self, missing: dict[str, _Fetch], since: dict[str, float]
    ) -> dict[str, ArmError]:
        fetches: dict[str, tuple[_Fetch, float]] = {}
        for key, fetch in missing.items():
            _, at = fetches.get(fetch.path, (fetch, since[key]))
            fetches[fetch.path] = (fetch, max(at, since[key]))
        results = await asyncio.gather(
            *(self._take(fetch, at) for fetch, at in fetches.values()), return_exceptions=True
        )
        errors: dict[str, ArmError] = {}
        for path, result in zip(fetches, results, strict=True):
            if isinstance(result, ArmError):
                errors[path] = result
            elif isinstance(result, BaseException):
                raise result
        _raise_what_concerns_all(errors, len(fetches))
        return {key: errors[one.path] for key, one in missing.items() if one.path in errors}

    async def _take(self, fetch: _Fetch, since: float) -> None:
        """Take one reading, or wait for the same one that is already under way."""
        while (flight := self._flights.get(fetch.path)) and flight[0] < since:
            await asyncio.wait([flight[1]])
            self._flights.pop(fetch.path, None)
        if flight is None:
            act = self._list if fetch.is_list else self._get
            task = asyncio.create_task(self._fly(act, fetch))
            self._flights[fetch.path] = flight = (_now(), task)
        await asyncio.shield(flight[1])

    async def _fly(self, act: Callable[[_Fetch], Awaitable[None]], fetch: _Fetch) -> None:
        try:
            await act(fetch)
        finally:
            if (flight := self._flights.get(fetch.path)) and flight[1] is asyncio.current_task():
                del self._flights[fetch.path]

    async def _get(self, fetch: _Fetch) -> None:
        kind, at = fetch.wanted.kind, _now()
        reply = await self._caller.send(
            Call(method="GET", path=fetch.path, version=kind.version, params=kind.single_reads)
        )
        if reply.is_absent:
            self._readings.keep(fetch.wanted, None, None, at)
            return
        etag = reply.headers.get("etag") or (reply.body or {}).get("etag")
        self._readings.keep(fetch.wanted, reply.content, etag, at)

    async def _list(self, fetch: _Fetch) -> None:
        kind, at = fetch.wanted.kind, _now()
        over_group = bool(fetch.scope) and kind.listing is not Listing.PARENT
        params = kind.group_reads if over_group else kind.list_reads
        scope = fetch.scope or ""
        try:
            pages = await self._pages(fetch.path, kind.version, params)
            has_overlay = bool(kind.overlay) and fetch.scope == ""
            views = await self._pages(fetch.path, kind.version, kind.overlay) if has_overlay else ()
        except ArmDenied:
            if fetch.wanted.kind.listing is Listing.PARENT:
                raise
            self._denied[fetch.path] = at
            return
        digest = _digest(pages, views)
        if not self._readings.repeated(kind, scope, digest, at):
            items = _items(pages)
            _lay_over(items, _items(views))
            self._readings.keep_list(kind, scope, items, at, digest)

    async def _pages(
        self, path: str, version: str, params: tuple[tuple[str, str], ...]
    ) -> tuple[bytes, ...]:
        """Return all pages of a list; a list below something absent is empty."""
        pages: list[bytes] = []
        call = Call(method="GET", path=path, version=version, params=params)
        while True:
            reply = await self._caller.send(call)
            if reply.is_absent:
                return ()
            pages.append(reply.content)
            after = (reply.body or {}).get("nextLink") if _NEXT in reply.content else None
            if not after:
                return tuple(pages)
            call = Call(method="GET", path=after)

    async def _members(self, group: ArmId) -> tuple[ArmId, ...]:
        items = _items(await self._pages(f"{group}/resources", GROUP.version, ()))
        return tuple(ArmId(str(item["id"])) for item in items)

    def _fetch_for(self, wanted: Address, since: float) -> _Fetch:
        """Choose the cheapest reading that tells of a resource."""
        match wanted.kind.listing:
            case Listing.EMBEDDED:
                return self._fetch_for(address.parse(wanted.parent), since)
            case Listing.PARENT:
                scope, path = wanted.parent, address.parent_list(wanted)
                several = self._readings.interest(wanted.kind, wanted.parent) > 1
                return _Fetch(path, wanted, scope) if several else self._single(wanted)
            case Listing.SUBSCRIPTION | Listing.SUBSCRIPTION_ONLY:
                return self._list_for(wanted, since)

    def _list_for(self, wanted: Address, since: float) -> _Fetch:
        is_elsewhere = wanted.subscription.casefold() != self._subscription.casefold()
        if is_elsewhere or self._readings.interest(wanted.kind) <= 1:
            return self._single(wanted)
        whole = address.subscription_list(wanted)
        is_only = wanted.kind.listing is Listing.SUBSCRIPTION_ONLY or wanted.kind is GROUP
        is_new = self._readings.listed_at(wanted.kind) >= since  # and yet not found in it
        if whole not in self._denied and not is_new and (is_only or self._readings.groups() > 1):
            return _Fetch(whole, wanted, "")
        group = address.group_list(wanted)
        if not is_only and group not in self._denied:
            return _Fetch(group, wanted, wanted.group)
        return self._single(wanted)

    def _single(self, wanted: Address) -> _Fetch:
        return _Fetch(wanted.id, wanted)

    def _ages(self, look: Look) -> tuple[float, float]:
        """Return in seconds how old readings may be, and those that only a parent lists."""
        period = look.period.total_seconds()
        clusters = len(self._owners)
        age = min(period * LONGEST_AGE, AGE_PER_CLUSTER_S * (clusters - 1))
        if look.is_moving:
            age = period * MOVING_AGE
        periods = min(clusters // CLUSTERS_PER_PERIOD, LONGEST_PERIODS)
        return age, age + period * max(periods - 1, 0)

    def _tidy(self, now: float) -> None:
        if now - self._forgot_at < FORGET_EVERY_S:
            return
        self._forgot_at = now
        self._readings.forget(now)
        self._denied = {p: at for p, at in self._denied.items() if now - at < DENIED_FOR_S}
        self._owners = {o: at for o, at in self._owners.items() if now - at < 2 * FORGET_EVERY_S}


def _raise_what_concerns_all(errors: dict[str, ArmError], asked: int) -> None:
    found: Iterable[ArmError] = errors.values()
    for error in found:
        if isinstance(error, ArmThrottled) or error.reason is Reason.UNAUTHENTICATED:
            raise error
    if errors and len(errors) == asked:
        raise next(iter(errors.values()))


def _items(pages: Iterable[bytes]) -> list[dict[str, Any]]:
    return [item for page in pages for item in json.loads(page or b"{}").get("value") or ()]


def _digest(*lists: Iterable[bytes]) -> bytes:
    """Return what tells lists apart that differ in any byte, or in their pages."""
    made = hashlib.blake2b(digest_size=16)
    for pages in lists:
        for page in pages:
            made.update(len(page).to_bytes(8, "big") + page)
        made.update(b"|")
    return made.digest()


def _lay_over(items: list[dict[str, Any]], views: list[dict[str, Any]]) -> None:
    """Put the instance views of a second list into the items of the first."""
    found = {
        ids.key(str(one["id"])): (one.get("properties") or {}).get("instanceView") for one in views
    }
    for item in items:
        view = found.get(ids.key(str(item["id"])))
        if view is not None:
            item.setdefault("properties", {})["instanceView"] = view


def _seen(wanted: Address, reading: Reading | None, error: ArmError | None) -> Seen:
    resource = ArmId(wanted.id)
    if reading is not None:
        body = reading.body_of(wanted)
        if body is None:
            return Absent(id=resource)
        return Present(id=resource, body=body, etag=body.get("etag") or reading.etag)
    if error is None:
        why = "it was changed while it was read"
        return Unknown(id=resource, why=why, reason=Reason.NOT_OBSERVED)
    return Unknown(id=resource, why=str(error), reason=error.reason)


def _now() -> float:
    return asyncio.get_running_loop().time()
