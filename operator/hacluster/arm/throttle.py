"""The gate that all clusters of one subscription and identity pass: Azure counts them together.

After a 429 nobody asks before the time that Azure names, for asking earlier prolongs the wait. And
before the bucket is empty the calls are spaced at the rate it refills. Figures: docs/azure.md,
throttling.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

LOW: Final = 25
"""Calls left from which on they are spaced: a tenth of the smallest bucket."""
LONGEST_WAIT_S: Final = 2.0
"""A call that would wait longer is refused, so that a pass never hangs in the gate."""
DEFAULT_RETRY_S: Final = 5.0
"""The pause after a 429 that names none."""
_SUBSCRIPTION_WIDE: Final = frozenset(
    {"SubscriptionRequestsThrottled", "TenantRequestsThrottled", "ResourceRequestsThrottled"}
)


class Use(Enum):
    """What a call costs: each has its own bucket, refilled at so many calls per second."""

    READS = ("reads", 25.0)
    WRITES = ("writes", 10.0)
    DELETES = ("deletes", 10.0)

    @property
    def header(self) -> str:
        """The word in Azure's headers."""
        return self.value[0]

    @property
    def spacing_s(self) -> float:
        """Seconds in which one call is refilled."""
        return 1 / self.value[1]


def use_of(method: str) -> Use:
    """Return the bucket that a method draws from."""
    return {"GET": Use.READS, "DELETE": Use.DELETES}.get(method, Use.WRITES)


@dataclass(slots=True)
class _Bucket:
    remaining: int | None = None
    next_slot: float = 0.0


class GateClosedError(Exception):
    """No call may be made for ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"closed for {seconds:.1f} s")
        self.seconds = seconds


class Gate:
    """Says when a call may be made; told of every answer."""

    def __init__(self) -> None:
        self._closed_until: dict[tuple[Use, str], float] = {}
        self._buckets = {use: _Bucket() for use in Use}

    async def enter(self, use: Use, provider: str) -> None:
        """Return when a call may be made, at once unless the bucket is nearly empty.

        Raises:
            GateClosedError: Azure has asked for a longer pause.
        """
        now = _now()
        closed = max(self._closed_until.get((use, scope), 0.0) for scope in (provider, ""))
        if closed > now:
            raise GateClosedError(closed - now)
        wait = self._slot(use, now)
        if wait > LONGEST_WAIT_S:
            raise GateClosedError(wait)
        if wait > 0:
            await asyncio.sleep(wait)

    def answered(self, use: Use, headers: Mapping[str, str]) -> None:
        """Take note of how many calls Azure says are left."""
        counts = [
            int(value)
            for kind in ("", "global-")
            if (
                value := headers.get(
                    f"x-ms-ratelimit-remaining-subscription-{kind}{use.header}", ""
                )
            )
            and value.isdigit()
        ]
        if counts:
            self._buckets[use].remaining = min(counts)

    def throttled(self, use: Use, provider: str, code: str, retry_after_s: float | None) -> float:
        """Close the gate after a 429; return for how many seconds."""
        pause = DEFAULT_RETRY_S if retry_after_s is None else retry_after_s
        scope = "" if code in _SUBSCRIPTION_WIDE else provider
        key = (use, scope)
        self._closed_until[key] = max(self._closed_until.get(key, 0.0), _now() + pause)
        return pause

    def remaining(self, use: Use) -> int | None:
        """Return how many calls Azure last said are left, or None before the first answer."""
        return self._buckets[use].remaining

    def _slot(self, use: Use, now: float) -> float:
        bucket = self._buckets[use]
        if bucket.remaining is None or bucket.remaining >= LOW:
            return 0.0
        start = max(now, bucket.next_slot)
        if start - now <= LONGEST_WAIT_S:
            bucket.next_slot = start + use.spacing_s
        return start - now


def _now() -> float:
    return asyncio.get_running_loop().time()
