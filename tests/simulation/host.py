"""One simulated machine: clocks that can stop, an agent, a guard, a watchdog, and what serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hacluster_node.core.clocks import Clocks

if TYPE_CHECKING:
    from hacluster_node.core.machine import Machine

BOOTTIME_OFFSET_S = 7.0
REALTIME_OFFSET_S = 1_000_000.0


class Host:
    """A machine. ``raw`` time runs at ``rate`` of true time, and not at all while frozen."""

    __slots__ = (
        "actions",
        "address",
        "agent",
        "alive",
        "boots",
        "clock_raw",
        "clock_true",
        "deadlines",
        "fence_s",
        "fencing",
        "freezes",
        "frozen",
        "frozen_total",
        "guard_parked",
        "guard_stopped",
        "heard",
        "lease_until",
        "name",
        "on",
        "open",
        "parked",
        "rate",
        "realtime",
        "runs",
        "saved",
        "sequence",
        "serving",
        "stopped",
        "wake",
        "watchdog",
        "watched",
    )

    def __init__(self, name: str, address: str, rate: float) -> None:
        self.name = name
        self.address = address
        self.rate = rate
        self.clock_true = 0.0
        self.clock_raw = 100.0 * rate
        self.realtime = REALTIME_OFFSET_S
        self.frozen = False
        self.frozen_total = 0.0
        self.freezes = 0.0
        self.alive = False
        self.boots = 0
        self.runs = 0
        self.agent: Machine | None = None
        self.stopped = False
        self.guard_stopped = False
        self.parked: list[tuple[Any, tuple[Any, ...]]] = []
        self.guard_parked: list[tuple[Any, tuple[Any, ...]]] = []
        self.saved: dict[str, Any] | None = None
        self.sequence = 0
        self.heard: dict[tuple[str, str], int] = {}
        self.wake = 0.0
        self.clear()

    def clear(self) -> None:
        """Forget what a power loss takes."""
        self.on: dict[str, int] = {}
        self.open: dict[str, int] = {}
        self.serving: dict[str, int] = {}
        self.actions: dict[str, int] = {}
        self.fence_s: dict[str, float] = {}
        self.fencing: dict[str, list[int]] = {}
        self.deadlines: dict[str, tuple[Clocks, float]] = {}
        self.lease_until: dict[str, tuple[Clocks, float]] = {}
        self.watchdog = 0.0
        self.watched: set[str] = set()
        self.heard.clear()
        self.parked.clear()
        self.guard_parked.clear()

    def raw(self, true: float) -> float:
        """Return the raw clock at a true time."""
        if self.frozen:
            return self.clock_raw
        return self.clock_raw + (true - self.clock_true) * self.rate

    def clocks(self, true: float) -> Clocks:
        """Return all three clocks at a true time."""
        if self.frozen:
            raw = self.clock_raw
        else:
            raw = self.clock_raw + (true - self.clock_true) * self.rate
        return Clocks(raw, raw + BOOTTIME_OFFSET_S, raw + self.realtime)

    def true_at(self, raw: float, now: float) -> float:
        """Return the true time at which the raw clock shows ``raw``, if it does not stop."""
        return now + (raw - self.raw(now)) / self.rate

    def freeze(self, true: float) -> None:
        """Stop the clocks."""
        self.clock_raw, self.clock_true = self.raw(true), true
        self.frozen = True

    def thaw(self, true: float) -> float:
        """Let the clocks run on; return for how long they stood still."""
        stood = true - self.clock_true
        self.clock_true = true
        self.frozen = False
        self.frozen_total += stood
        return stood
