"""Token buckets: how much a caller may ask for, and what it is told when that is used up.

Sizes (source: Azure's documents on throttling of Resource Manager, Network, DNS and Compute):
reads 250 refilled at 25 a second, writes and deletes 200 at 10 a second, each for a caller and a
subscription; Network 1,000 writes and deletes in 5 minutes; DNS 500 operations in 5 minutes; for
one virtual machine 4 writes and 12 reads a minute. Who asks again too early makes the wait longer.

Buckets are kept in memory: after a restart they are full.
"""

import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from azuresim.clock import Clock
from azuresim.errors import ArmError

FIVE_MINUTES_S: Final = 300.0
KEPT: Final = 20_000
"""Buckets remembered; the least recently used one is full by the time it is forgotten."""

DEBT: Final = 0.1
"""How far, as a share of its size, asking too early can empty a bucket below nothing."""

REGION_SHARE: Final[Mapping[str, int]] = {"reads": 66, "writes": 60, "deletes": 60}
"""How many callers' buckets a subscription's own bucket holds (source: recording's headers)."""


class Size(NamedTuple):
    """A bucket's size and how many tokens a second flow back into it."""

    tokens: float
    per_second: float


CALLER: Final[Mapping[str, Size]] = {
    "reads": Size(250, 25),
    "writes": Size(200, 10),
    "deletes": Size(200, 10),
}
NETWORK: Final = Size(1000, 1000 / FIVE_MINUTES_S)
DNS: Final = Size(500, 500 / FIVE_MINUTES_S)
MACHINE_WRITES: Final = Size(12, 4 / 60)
MACHINE_READS: Final = Size(36, 12 / 60)
"""Published for three minutes: 12 writes and 36 reads."""

MACHINE: Final = "microsoft.compute/virtualmachines"


def quota_of(verb: str) -> str:
    """Return which quota a verb draws on."""
    return {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}.get(verb, "writes")


@dataclass(slots=True)
class Bucket:
    """Tokens left at an instant of the simulated clock."""

    size: Size
    left: float
    at: float

    def take(self, now: float) -> float:
        """Take one token and return 0, or take none and return the seconds to wait for one."""
        refilled = self.left + max(0.0, now - self.at) * self.size.per_second
        self.left, self.at = min(self.size.tokens, refilled) - 1, now
        if self.left >= 0:
            return 0.0
        wait = -self.left / self.size.per_second
        self.left = max(self.left, -self.size.tokens * DEBT)
        return wait


class Throttle:
    """All buckets of a simulator.

    Args:
        clock: Tells the simulated time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, *, caller: str, verb: str, kind: str, machine: str) -> dict[str, str]:
        """Let a request through and return the headers that tell what is left.

        Args:
            caller: Object id of the principal.
            verb: HTTP method.
            kind: Full resource type, as Azure writes it.
            machine: Id of the virtual machine that it is about, or empty.

        Raises:
            ArmError: 429 with `Retry-After` if a bucket is empty.
        """
        quota = quota_of(verb)
        own = self._draw(f"{caller}/{quota}", CALLER[quota], f"'{quota[:-1]}' requests")
        for name, size in _of_provider(quota, kind.casefold(), machine.casefold()):
            self._draw(name, size, f"{kind} requests")
        used = CALLER[quota].tokens - own
        return {
            f"x-ms-ratelimit-remaining-subscription-{quota}": str(int(own)),
            f"x-ms-ratelimit-remaining-subscription-global-{quota}": str(
                int(CALLER[quota].tokens * REGION_SHARE[quota] - used)
            ),
        }

    def _draw(self, name: str, size: Size, what: str) -> float:
        now = self._clock.now()
        bucket = self._buckets.setdefault(name, Bucket(size, size.tokens, now))
        self._buckets.move_to_end(name)
        if len(self._buckets) > KEPT:
            self._buckets.popitem(last=False)
        wait = bucket.take(now)
        if wait:
            raise _refused(what, max(1, math.ceil(wait)))
        return bucket.left


def unlimited(quota: str) -> dict[str, str]:
    """Return the headers of a quiet day, for a simulator that throttles nobody."""
    left = int(CALLER[quota].tokens * REGION_SHARE[quota]) - 1
    return {f"x-ms-ratelimit-remaining-subscription-global-{quota}": str(left)}


def _of_provider(quota: str, kind: str, machine: str) -> Iterator[tuple[str, Size]]:
    """Yield the buckets a resource provider has of its own."""
    if kind.startswith(("microsoft.network/dnszones", "microsoft.network/privatednszones")):
        yield "dns", DNS
    elif kind.startswith("microsoft.network/") and quota != "reads":
        yield "network", NETWORK
    if machine and kind.startswith(MACHINE):
        reads = quota == "reads"
        yield (
            f"{machine}/{'reads' if reads else 'writes'}",
            MACHINE_READS if reads else MACHINE_WRITES,
        )


def _refused(what: str, wait: int) -> ArmError:
    message = (
        f"Number of {what} exceeded the limit for this time. Please try again after '{wait}' "
        "seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling "
        "for additional information."
    )
    return ArmError(
        429, "SubscriptionRequestsThrottled", message, headers={"Retry-After": str(wait)}
    )
