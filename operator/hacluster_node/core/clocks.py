"""Clock readings, and the two ways to say how long ago something was.

A frozen Azure machine's clocks stand still and the wall clock is corrected later or never, so no
single clock is right. A holder asks for the longest time that may have passed, a contender for the
shortest. ``docs/protocol.md``, "Time", says why.
"""

from __future__ import annotations

from typing import Final, NamedTuple

DISAGREEMENT_S: Final = 1.0
"""Two clocks that moved differently by more than this since the last reading mean a thaw."""


class Clocks(NamedTuple):
    """One reading of the node's three clocks, taken together, each in seconds.

    Args:
        raw: CLOCK_MONOTONIC_RAW: never adjusted, stands still in suspend and in a freeze.
        boottime: CLOCK_BOOTTIME: as monotonic, but counts suspend.
        realtime: CLOCK_REALTIME: the wall clock; may step either way at any time.
    """

    raw: float
    boottime: float
    realtime: float


def longest(since: Clocks, now: Clocks) -> float:
    """Return the most seconds that may have passed: what a holder must assume."""
    raw = now[0] - since[0]
    boottime = now[1] - since[1]
    realtime = now[2] - since[2]
    if boottime > raw:
        raw = boottime
    return realtime if realtime > raw else raw


def shortest(since: Clocks, now: Clocks) -> float:
    """Return the fewest seconds that may have passed: what a contender must assume."""
    raw = now[0] - since[0]
    boottime = now[1] - since[1]
    realtime = now[2] - since[2]
    if boottime < raw:
        raw = boottime
    return realtime if realtime < raw else raw


def disagree(since: Clocks, now: Clocks) -> bool:
    """Tell whether the clocks moved differently by more than ``DISAGREEMENT_S``."""
    raw = now[0] - since[0]
    boottime = now[1] - since[1] - raw
    realtime = now[2] - since[2] - raw
    most = boottime if boottime > realtime else realtime
    least = boottime if boottime < realtime else realtime
    return max(most, 0.0) - min(least, 0.0) > DISAGREEMENT_S
