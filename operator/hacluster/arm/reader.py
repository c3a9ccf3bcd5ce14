"""The one reader of a subscription as one identity: it reads for all clusters there.

Each type is listed once for the whole subscription, or, where the rights or the number of clusters
do not warrant it, once per group or by single GETs; every cluster is served from that until it is
older than the asker accepts. Ten clusters or a thousand then cost about the same number of calls.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
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
LONGEST_AGE: Final = 0.25
"""The oldest that a shared reading may be, as a part of the asker's period."""
CLUSTERS_PER_PERIOD: Final = 10
"""Children that only a parent lists are read every n-th period, n being the clusters over this."""
LONGEST_PERIODS: Final = 10
DENIED_FOR_S: Final = 600.0
"""How long a list that was denied is not asked for again."""
FORGET_EVERY_S: Final = 600.0
ROUNDS: Final = 3
"""A list of the subscription, one of the group, single reads."""


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

    async def look(self, look: Look) -> Snapshot:
        """Return what is there; see `Subscription.look`."""
        now = _now()
        self._tidy(now)
        self._owners[look.owner] = now
        wanted = {ids.key(each): address.parse(each) for each in look.ids | look.fresh}
        self._readings.expect(wanted.values(), now)
        fresh = {ids.key(each) for each in look.fresh}
        since = {
            key: now if key in fresh else now - self._age(each, look)
            for key, each in wanted.items()
        }
        errors = await self._refresh(wanted, since, fresh)
        await self._turns.next()  # A list that many waited for wakes them all at once.
        resources = {
            key: self._seen(each, since[key], errors.get(key)) for key, each in wanted.items()
        }
        group = ids.key(look.group).rpartition("/")[2]
        for owned, reading in self._readings.owned(group, look.owner):
            resources.setdefault(ids.key(owned), _present(ArmId(owned), reading))
        members = {ids.key(look.group): await self._members(look.group)} if look.members else {}
        return Snapshot(resources=resources, members=members)

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
        try:
            items = await self._pages(fetch.path, kind.version, params)
            if kind.overlay and fetch.scope == "":
                views = await self._pages(fetch.path, kind.version, kind.overlay)
                _lay_over(items, views)
        except ArmDenied:
            if fetch.wanted.kind.listing is Listing.PARENT:
                raise
            self._denied[fetch.path] = at
            return
        self._readings.keep_list(kind, fetch.scope or "", items, at)

    async def _pages(
        self, path: str, version: str, params: tuple[tuple[str, str], ...]
    ) -> list[dict[str, Any]]:
        """Return all items of a list; a list below something absent is empty."""
        items: list[dict[str, Any]] = []
        call = Call(method="GET", path=path, version=version, params=params)
        while True:
            reply = await self._caller.send(call)
            if reply.is_absent:
                return []
            page = reply.body or {}
            items += page.get("value") or ()
            if not page.get("nextLink"):
                return items
            call = Call(method="GET", path=page["nextLink"])

    async def _members(self, group: ArmId) -> tuple[ArmId, ...]:
        items = await self._pages(f"{group}/resources", GROUP.version, ())
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

    def _seen(self, wanted: Address, since: float, error: ArmError | None) -> Seen:
        resource = ArmId(wanted.id)
        reading = self._readings.find(wanted, since)
        if reading is not None:
            return _present(resource, reading) if reading.content else Absent(id=resource)
        if error is None:
            why = "it was changed while it was read"
            return Unknown(id=resource, why=why, reason=Reason.NOT_OBSERVED)
        return Unknown(id=resource, why=str(error), reason=error.reason)

    def _age(self, wanted: Address, look: Look) -> float:
        period = look.period.total_seconds()
        clusters = len(self._owners)
        age = period * LONGEST_AGE
        if not look.is_moving:
            age = min(age, AGE_PER_CLUSTER_S * (clusters - 1))
        if wanted.kind.listing is Listing.PARENT:
            periods = min(clusters // CLUSTERS_PER_PERIOD, LONGEST_PERIODS)
            age += period * max(periods - 1, 0)
        return age

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


def _lay_over(items: list[dict[str, Any]], views: list[dict[str, Any]]) -> None:
    """Put the instance views of a second list into the items of the first."""
    found = {
        ids.key(str(one["id"])): (one.get("properties") or {}).get("instanceView") for one in views
    }
    for item in items:
        view = found.get(ids.key(str(item["id"])))
        if view is not None:
            item.setdefault("properties", {})["instanceView"] = view


def _present(resource: ArmId, reading: Reading) -> Present:
    return Present(id=resource, body=json.loads(reading.content or b"{}"), etag=reading.etag)


def _now() -> float:
    return asyncio.get_running_loop().time()
