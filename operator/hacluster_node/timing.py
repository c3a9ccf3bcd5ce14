"""The protocol's numbers: four profiles, and the check that refuses numbers that are not safe.

Each inequality is derived in ``docs/protocol.md``. All times are seconds. A set that breaks one is
refused with the inequality's name and what to write instead; nothing is corrected silently.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Iterator, Mapping

_MAX_RATE_ERROR: Final = 0.1
_MIN_RETRIES: Final = 3
_ROUNDING_S: Final = 1e-9
_POSITIVE: Final = (
    "lease_s",
    "renew_s",
    "request_s",
    "fence_s",
    "slack_s",
    "wait_s",
    "watchdog_s",
    "poll_s",
    "promise_s",
    "freeze_s",
)


@dataclass(frozen=True)
class Timings:
    """One complete set of numbers.

    ``lease_s`` D, ``renew_s`` R, ``request_s`` T, ``retries`` k, ``fence_s`` S, ``slack_s`` J,
    ``rate_error`` rho, ``freeze_s`` F, ``poll_s`` A, ``watchdog_s`` W, ``wait_s`` C, ``promise_s``
    P, ``guard_s`` G in the protocol's letters.
    """

    lease_s: float
    """D: how long a confirmed write holds."""
    renew_s: float
    """R: from one confirmed renewal to the next attempt."""
    request_s: float
    """T: a reply later than this is no reply."""
    retries: int
    """k: failed attempts in a row that must fit before the fence."""
    backoff_s: float
    """Pause after a failed attempt."""
    fence_s: float
    """S: the longest a fence takes, enforced by kill."""
    slack_s: float
    """J: how late a timer may fire before it counts as a thaw."""
    wait_s: float
    """C: how long a contender must have seen the record unchanged."""
    watchdog_s: float
    """W: the kernel watchdog's time."""
    poll_s: float
    """A: how often a contender reads the record."""
    promise_s: float
    """P: how long a peer promises not to contend (failsafe)."""
    rate_error: float = 0.01
    """rho: no clock runs faster or slower than true time by more than this share."""
    freeze_s: float = 30.0
    """F: the longest a machine stands still with stopped clocks within one lease."""
    guard_s: float = 30.3
    """G: from acquiring to activating without evidence; 0 turns the freeze guard off."""
    strict: bool = True
    """Whether the freeze guard is kept. If not, a frozen holder may wake beside a new one."""

    @property
    def ratio(self) -> float:
        """M = (1 + rho) / (1 - rho): the most two clocks' rates differ by."""
        return (1 + self.rate_error) / (1 - self.rate_error)

    @property
    def fence_after_s(self) -> float:
        """V - S - J, when a holder begins to fence; V = D for a compare-and-set record."""
        return self.lease_s - self.fence_s - self.slack_s

    @property
    def activation_delay_s(self) -> float:
        """G if strict, else 0."""
        return self.guard_s if self.strict else 0.0

    @property
    def promise_fence_after_s(self) -> float:
        """P / M - S - J: when a holder that lives on promises begins to fence."""
        return self.promise_s / self.ratio - self.fence_s - self.slack_s


FASTEST = Timings(
    lease_s=4.0,
    renew_s=0.5,
    request_s=0.5,
    retries=3,
    backoff_s=0.2,
    fence_s=1.0,
    slack_s=0.3,
    wait_s=4.1,
    watchdog_s=3.0,
    poll_s=0.25,
    promise_s=4.0,
)
FAST = Timings(
    lease_s=8.0,
    renew_s=1.0,
    request_s=1.0,
    retries=3,
    backoff_s=0.4,
    fence_s=2.5,
    slack_s=0.3,
    wait_s=8.2,
    watchdog_s=6.0,
    poll_s=0.5,
    promise_s=8.0,
)
BALANCED = Timings(
    lease_s=15.0,
    renew_s=2.0,
    request_s=2.0,
    retries=3,
    backoff_s=0.4,
    fence_s=5.0,
    slack_s=0.5,
    wait_s=15.31,
    watchdog_s=12.0,
    poll_s=1.0,
    promise_s=15.0,
)
RIDE_THROUGH = Timings(
    lease_s=60.0,
    renew_s=5.0,
    request_s=4.0,
    retries=4,
    backoff_s=1.0,
    fence_s=8.0,
    slack_s=0.5,
    wait_s=61.3,
    watchdog_s=45.0,
    poll_s=1.0,
    promise_s=60.0,
)

PROFILES: Mapping[str, Timings] = {
    "Fastest": FASTEST,
    "Fast": FAST,
    "Balanced": BALANCED,
    "RideThrough": RIDE_THROUGH,
}


@dataclass(frozen=True)
class Violation:
    """One broken inequality."""

    inequality: str
    """Its name and form, as in ``docs/protocol.md``."""
    found: str
    """The numbers as they are."""
    instead: str
    """What to write so that it holds."""

    def __str__(self) -> str:
        return f"{self.inequality} does not hold ({self.found}): {self.instead}"


def rides_through(timings: Timings) -> bool:
    """Tell whether a holder survives a freeze of F without losing the group (rule 8)."""
    needed_s = timings.freeze_s + timings.renew_s + timings.request_s
    return timings.fence_after_s >= needed_s * (1 + timings.rate_error)


def check_timings(timings: Timings, *, failsafe: bool = True) -> list[Violation]:
    """Return every inequality of ``docs/protocol.md`` that the numbers break; empty if none."""
    return [
        *_positive(timings),
        *_fence(timings),
        *_watchdog(timings),
        *_takeover(timings),
        *(_promises(timings) if failsafe else ()),
    ]


def _positive(t: Timings) -> Iterator[Violation]:
    for name in _POSITIVE:
        value = getattr(t, name)
        if not value > 0:
            yield Violation(f"{name} > 0", f"{name} = {value}", "write a number of seconds above 0")
    if not 0 <= t.rate_error < _MAX_RATE_ERROR:
        found = f"rho = {t.rate_error}"
        yield Violation("0 <= rho < 0.1", found, "write the clocks' rate error as a share: 0.01")


def _fence(t: Timings) -> Iterator[Violation]:
    if t.retries < _MIN_RETRIES:
        yield Violation("rule 8: k >= 3", f"k = {t.retries}", "write retries: 3 or more")
    needed = t.renew_s + t.retries * (t.request_s + t.backoff_s)
    if needed > t.fence_after_s + _ROUNDING_S:
        lease_s = needed + t.fence_s + t.slack_s
        found = f"{needed:g} > {t.fence_after_s:g}"
        instead = f"write a lease of at least {lease_s:g} s, or a smaller R, T, k or S"
        yield Violation("rule 8: R + k (T + backoff) <= D - S - J", found, instead)


def _watchdog(t: Timings) -> Iterator[Violation]:
    low, high = t.renew_s + t.request_s, t.lease_s - t.request_s - t.slack_s
    if t.watchdog_s <= low:
        instead = f"write a watchdog time above {low:g} s"
        yield Violation("rule 4: R + T < W", f"{low:g} >= {t.watchdog_s:g}", instead)
    if t.watchdog_s > high + _ROUNDING_S:
        instead = f"write a watchdog time of at most {high:g} s"
        yield Violation("rule 4: W <= D - T - J", f"{t.watchdog_s:g} > {high:g}", instead)


def _takeover(t: Timings) -> Iterator[Violation]:
    wait_s = t.lease_s * t.ratio
    if t.wait_s < wait_s - _ROUNDING_S:
        found = f"{t.wait_s:g} < {wait_s:.3f}"
        instead = f"write a wait of at least {_up(wait_s):g} s"
        yield Violation("rule 5: C >= D (1 + rho) / (1 - rho)", found, instead)
    guard_s = t.freeze_s * (1 + t.rate_error)
    if t.strict and t.guard_s < guard_s - _ROUNDING_S:
        found = f"{t.guard_s:g} < {guard_s:.3f}"
        instead = f"write a guard of at least {_up(guard_s):g} s"
        yield Violation("rule 6: G >= F (1 + rho)", found, instead)
    if t.poll_s > t.lease_s:
        found, instead = f"{t.poll_s:g} > {t.lease_s:g}", f"poll at least every {t.lease_s:g} s"
        yield Violation("A <= D", found, instead)


def _promises(t: Timings) -> Iterator[Violation]:
    needed = t.renew_s + t.request_s
    if t.promise_fence_after_s < needed:
        promise_s = (needed + t.fence_s + t.slack_s) * t.ratio
        found = f"{t.promise_fence_after_s:.3f} < {needed:g}"
        instead = f"write a promise of at least {_up(promise_s):g} s, or failsafe: false"
        yield Violation("failsafe: R + T <= P / M - S - J", found, instead)


def check_heartbeat_timeout(
    timeout_s: float, a_s: float, b_s: float, c_s: float
) -> list[Violation]:
    """Guide mode: the heartbeat timeout is at least A + B + C.

    Args:
        timeout_s: The heartbeat timeout.
        a_s: A, the largest interval x (retries + 1) among the multi-target monitor's members.
        b_s: B, the multi-target monitor's own interval x (retries + 1).
        c_s: C, the grace.
    """
    needed = a_s + b_s + c_s
    if timeout_s >= needed:
        return []
    found = f"{timeout_s:g} < {a_s:g} + {b_s:g} + {c_s:g}"
    instead = f"write a heartbeat timeout of at least {needed:g} s, or check more often"
    return [Violation("heartbeat timeout >= A + B + C", found, instead)]


def _up(seconds: float) -> float:
    """Round up to hundredths, so that what is proposed also holds."""
    return math.ceil(seconds * 100) / 100
