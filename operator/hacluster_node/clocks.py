"""The three clocks of a node, read together.

A frozen machine's monotonic clock stands still, and its wall clock may be corrected
later or never (docs/protocol.md, "Clocks"). So a deadline is judged by the clock that
says the most time has passed, and the readings travel together.
"""

from __future__ import annotations

import time
from typing import NamedTuple

# CLOCK_BOOTTIME counts a suspend as well. Other systems than Linux may lack it.
_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_RAW = getattr(time, "CLOCK_MONOTONIC_RAW", time.CLOCK_MONOTONIC)


class Reading(NamedTuple):
    """One instant on all three clocks, in seconds."""

    raw: float
    boot: float
    real: float

    def elapsed(self, since: Reading) -> float:
        """Return the longest time that any clock saw pass since `since`, at least 0."""
        return max(self.raw - since.raw, self.boot - since.boot, self.real - since.real, 0.0)

    def disagreement(self, since: Reading) -> float:
        """Return how far the clocks disagree about the time since `since`."""
        spans = (self.raw - since.raw, self.boot - since.boot, self.real - since.real)
        return max(spans) - min(spans)


def now() -> Reading:
    """Read all three clocks."""
    return Reading(time.clock_gettime(_RAW), time.clock_gettime(_BOOT), time.time())
