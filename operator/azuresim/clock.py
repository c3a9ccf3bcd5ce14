"""Simulated time: starts with the wall clock and may run faster.

Every instant the simulator keeps is a reading of this clock, in seconds since
1970. Kept in the state directory, it goes on where it was after a restart,
whatever the new speed; the time the simulator was down counts at the old one.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What tells the simulated time."""

    def now(self) -> float:
        """Return seconds since 1970, never less than before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """Where simulated time met the wall clock, and how fast it has run since."""

    wall: float
    simulated: float
    speed: float

    def at(self, wall: float) -> float:
        """Return the simulated time at an instant of the wall clock."""
        return self.simulated + max(0.0, wall - self.wall) * self.speed


class ScaledClock:
    """The wall clock, `speed` times as fast, continued from an earlier anchor if there is one."""

    def __init__(self, speed: float = 1.0, *, since: Anchor | None = None) -> None:
        wall = time.time()
        self.anchor = Anchor(wall=wall, simulated=since.at(wall) if since else wall, speed=speed)
        self._last = 0.0

    def now(self) -> float:
        """Return simulated seconds since 1970; a wall clock set back only makes it stand still."""
        self._last = max(self._last, self.anchor.at(time.time()))
        return self._last


def timestamp(instant: float) -> str:
    """Return an instant as Azure writes it, for example `2026-01-31T08:00:00.1234567Z`."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
