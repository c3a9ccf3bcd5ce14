"""The protocol's numbers: four profiles, and the check that refuses numbers that are not safe.

Each inequality is derived in ``docs/protocol.md``. All times are seconds. A set that breaks one is
refused with the inequality's name and what to write instead; nothing is corrected silently.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping


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
