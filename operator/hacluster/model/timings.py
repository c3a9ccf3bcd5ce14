"""The numbers that keep two nodes from serving at once, and the inequalities they must obey.

docs/protocol.md derives them. The symbols: D lease length, R renew interval, T request time-out,
k retries, b pause between them, S fence time, J scheduling slack, W watchdog, C how long a
contender sees the record unchanged, A how often it looks, G guard before activation, P how long a
node's promise not to contend lasts (P = D), F the longest freeze of a machine with its clock
standing still, rho the rate error of clocks, M = (1 + rho) / (1 - rho).

A record that is changed by compare-and-set is valid for V = D from the moment its renewal was sent.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

from pydantic import Field

from hacluster.model.base import Invariant, Noun

if TYPE_CHECKING:
    from hacluster.model.cluster import ClusterService

FREEZE_S: Final = 30.0
"""F: Azure's memory-preserving maintenance may pause a machine for up to 30 s."""

GRACE_S: Final = 30.0
"""C of the guide's A + B + C."""

TARGET_CHECK_S: Final = 30.0
"""A target is asked every 10 s and counts as lost after the third silence."""


def _is_fenced_in_time(t: "Timings") -> bool:
    return t.slack_seconds + t.fence_seconds < t.lease_seconds


def _outlasts_renewal(t: "Timings") -> bool:
    return t.renew_seconds + t.request_timeout_seconds < t.watchdog_seconds


def _bites_in_time(t: "Timings") -> bool:
    return t.watchdog_seconds <= t.lease_seconds - t.request_timeout_seconds - t.slack_seconds


def _waits_out_the_lease(t: "Timings") -> bool:
    rho = t.clock_rate_error
    return t.lease_seconds * (1.0 + rho) <= t.contend_seconds * (1.0 - rho)


def _waits_out_a_freeze(t: "Timings") -> bool:
    return t.guard_seconds >= FREEZE_S * (1.0 + t.clock_rate_error)


def _survives_retries(t: "Timings") -> bool:
    each = t.request_timeout_seconds + t.backoff_seconds
    left = t.lease_seconds - t.fence_seconds - t.slack_seconds
    return t.renew_seconds + t.retries * each <= left


def _outlasts_promises(t: "Timings") -> bool:
    rho = t.clock_rate_error
    lasts = t.lease_seconds * (1.0 - rho) / (1.0 + rho)
    left = lasts - t.fence_seconds - t.slack_seconds
    return t.renew_seconds + t.request_timeout_seconds <= left


def _looks_within_a_lease(t: "Timings") -> bool:
    return t.poll_seconds <= t.lease_seconds


INEQUALITIES: Final = (
    Invariant(
        message="S + J < D does not hold: write a leaseSeconds greater than fenceSeconds + "
        "slackSeconds",
        holds=_is_fenced_in_time,
        cel="self.slackSeconds + self.fenceSeconds < self.leaseSeconds",
        field="leaseSeconds",
    ),
    Invariant(
        message="R + T < W does not hold: write a watchdogSeconds greater than renewSeconds + "
        "requestTimeoutSeconds",
        holds=_outlasts_renewal,
        cel="self.renewSeconds + self.requestTimeoutSeconds < self.watchdogSeconds",
        field="watchdogSeconds",
    ),
    Invariant(
        message="W <= V - T - J does not hold: write a watchdogSeconds of at most leaseSeconds - "
        "requestTimeoutSeconds - slackSeconds",
        holds=_bites_in_time,
        cel=(
            "self.watchdogSeconds"
            " <= self.leaseSeconds - self.requestTimeoutSeconds - self.slackSeconds"
        ),
        field="watchdogSeconds",
    ),
    Invariant(
        message="C >= D * M does not hold: write a contendSeconds of at least leaseSeconds * "
        "(1 + clockRateError) / (1 - clockRateError)",
        holds=_waits_out_the_lease,
        cel=(
            "self.leaseSeconds * (1.0 + self.clockRateError)"
            " <= self.contendSeconds * (1.0 - self.clockRateError)"
        ),
        field="contendSeconds",
    ),
    Invariant(
        message="G >= F * (1 + rho) does not hold: write a guardSeconds of at least 30 * "
        "(1 + clockRateError), because a machine may freeze for 30 s",
        holds=_waits_out_a_freeze,
        cel=f"self.guardSeconds >= {FREEZE_S} * (1.0 + self.clockRateError)",
        field="guardSeconds",
    ),
    Invariant(
        message="R + k * (T + b) <= V - S - J does not hold: write a longer leaseSeconds, or a "
        "shorter requestTimeoutSeconds, so that renewing can be tried retries times",
        holds=_survives_retries,
        cel=(
            "self.renewSeconds"
            " + double(self.retries) * (self.requestTimeoutSeconds + self.backoffSeconds)"
            " <= self.leaseSeconds - self.fenceSeconds - self.slackSeconds"
        ),
        field="leaseSeconds",
    ),
    Invariant(
        message="R + T <= P / M - S - J does not hold (P is D): write a longer leaseSeconds, or a "
        "shorter renewSeconds, so that the nodes' promises to each other outlast a renewal",
        holds=_outlasts_promises,
        cel=(
            "self.renewSeconds + self.requestTimeoutSeconds <="
            " self.leaseSeconds * (1.0 - self.clockRateError) / (1.0 + self.clockRateError)"
            " - self.fenceSeconds - self.slackSeconds"
        ),
        field="leaseSeconds",
    ),
    Invariant(
        message="A <= D does not hold: write a pollSeconds of at most leaseSeconds",
        holds=_looks_within_a_lease,
        cel="self.pollSeconds <= self.leaseSeconds",
        field="pollSeconds",
    ),
)


class Timings(Noun):
    """Explicit numbers instead of a profile; every inequality of docs/protocol.md must hold."""

    invariants: ClassVar[tuple[Invariant, ...]] = INEQUALITIES

    lease_seconds: float = Field(gt=0, le=600)
    """D: how long a renewal of the witness record lasts."""
    renew_seconds: float = Field(gt=0, le=60)
    """R: how often the record is renewed."""
    request_timeout_seconds: float = Field(gt=0, le=60)
    """T: after how long a request to the witness counts as unanswered."""
    retries: int = Field(ge=3, le=20)
    """k: how often renewing is tried before the node gives up."""
    backoff_seconds: float = Field(default=0.1, ge=0, le=10)
    """b: the pause between two tries."""
    fence_seconds: float = Field(gt=0, le=120)
    """S: within how long a node stops serving, by force if need be."""
    slack_seconds: float = Field(default=0.3, gt=0, le=10)
    """J: how late the system may wake the agent."""
    watchdog_seconds: float = Field(gt=0, le=600)
    """W: after how long without a renewal the watchdog resets the machine."""
    contend_seconds: float = Field(gt=0, le=1200)
    """C: for how long another node must see the record unchanged before it may take over."""
    poll_seconds: float = Field(gt=0, le=60)
    """A: how often another node looks at the record."""
    guard_seconds: float = Field(default=30.3, ge=0, le=600)
    """G: how long a new active node waits without evidence that the old one cannot serve."""
    clock_rate_error: float = Field(default=0.01, ge=0, lt=0.1)
    """rho: by which part a clock may run too fast or too slow."""

    @property
    def fence_at_seconds(self) -> float:
        """When fencing starts, counted from the last confirmed renewal: V - S - J."""
        return self.lease_seconds - self.fence_seconds - self.slack_seconds

    @property
    def rides_through_freeze(self) -> bool:
        """Whether a machine may freeze for F without losing its groups: V - S - J >= F + R + T."""
        frozen = FREEZE_S + self.renew_seconds + self.request_timeout_seconds
        return self.fence_at_seconds >= frozen * (1 + self.clock_rate_error)


class Profile(StrEnum):
    """A proven set of timings."""

    FASTEST = "Fastest"
    FAST = "Fast"
    BALANCED = "Balanced"
    RIDE_THROUGH = "RideThrough"


PROFILES: Final[Mapping[Profile, Timings]] = MappingProxyType(
    {
        Profile.FASTEST: Timings(
            lease_seconds=4,
            renew_seconds=0.5,
            request_timeout_seconds=0.5,
            retries=3,
            backoff_seconds=0.2,
            fence_seconds=1,
            slack_seconds=0.3,
            watchdog_seconds=3,
            contend_seconds=4.1,
            poll_seconds=0.25,
        ),
        Profile.FAST: Timings(
            lease_seconds=8,
            renew_seconds=1,
            request_timeout_seconds=1,
            retries=3,
            backoff_seconds=0.4,
            fence_seconds=2.5,
            slack_seconds=0.3,
            watchdog_seconds=6,
            contend_seconds=8.2,
            poll_seconds=0.5,
        ),
        Profile.BALANCED: Timings(
            lease_seconds=15,
            renew_seconds=2,
            request_timeout_seconds=2,
            retries=3,
            backoff_seconds=0.4,
            fence_seconds=5,
            slack_seconds=0.5,
            watchdog_seconds=12,
            contend_seconds=15.31,
            poll_seconds=1,
        ),
        Profile.RIDE_THROUGH: Timings(
            lease_seconds=60,
            renew_seconds=5,
            request_timeout_seconds=4,
            retries=4,
            backoff_seconds=1,
            fence_seconds=8,
            slack_seconds=0.5,
            watchdog_seconds=45,
            contend_seconds=61.3,
            poll_seconds=1,
        ),
    }
)
"""Each profile's numbers; the agent has the same ones, and a test compares them."""

HEARTBEAT_TIMEOUT_S: Final[Mapping[Profile, float]] = MappingProxyType(
    {
        Profile.FASTEST: 2.0,
        Profile.FAST: 4.0,
        Profile.BALANCED: 10.0,
        Profile.RIDE_THROUGH: 45.0,
    }
)
"""When a silent peer is suspected. With a witness that moves no group; it is shown."""


def guide_timeout(service: "ClusterService") -> float:
    """Return A + B + C: the shortest heartbeat time-out of the guide's mode, in seconds.

    A is the largest interval x (retries + 1) of a multi-target monitor's members, B the same of
    the multi-target monitor itself, C the grace. Targets without such a monitor are asked as
    `TARGET_CHECK_S` says, and there is no B.
    """
    monitors = service.effective_monitors
    checks = {monitor.name: monitor.detection_seconds for monitor in monitors}
    targets = TARGET_CHECK_S if service.partition.targets else 0.0
    longest = [targets] + [
        checks[member] + monitor.detection_seconds
        for monitor in monitors
        if monitor.multi_target is not None
        for member in monitor.multi_target.monitors
        if member in checks
    ]
    return max(longest) + GRACE_S
