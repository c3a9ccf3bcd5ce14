"""Many schedules on several processes, with progress and an honest count."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.simulation import faults
from tests.simulation.world import BrokenError

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK = 25


@dataclass
class Result:
    """What a batch found."""

    schedules: int = 0
    steps: int = 0
    acquisitions: int = 0
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)

    def add(self, other: Result) -> None:
        """Add another batch's counts."""
        self.schedules += other.schedules
        self.steps += other.steps
        self.acquisitions += other.acquisitions
        self.broken += other.broken

    def __str__(self) -> str:
        rate = self.schedules / self.seconds if self.seconds else 0.0
        return (
            f"{self.schedules} schedules of {faults.LENGTH_S:.0f} s, {len(self.broken)} broken, "
            f"{self.acquisitions} changes of holder, {self.steps} steps, "
            f"{rate:.1f} schedules/s in all"
        )


def chunk(seeds: tuple[int, int]) -> Result:
    """Run one range of seeds in this process."""
    result = Result()
    for seed in range(*seeds):
        result.schedules += 1
        try:
            world = faults.run(seed)
        except BrokenError as broken:
            result.broken.append(str(broken))
        else:
            result.steps += world.steps
            result.acquisitions += world.acquisitions
    return result


def course(first: int, count: int) -> str:
    """Return a digest of every event and effect in ``count`` schedules from seed ``first`` on."""
    digest = hashlib.sha256()
    for seed in range(first, first + count):
        log: list[str] = []
        try:
            faults.run(seed, log=log)
        except BrokenError as broken:
            log.append(str(broken))
        digest.update("\n".join(log).encode())
    return digest.hexdigest()


def run(
    first: int,
    count: int,
    *,
    processes: int = 0,
    progress: Callable[[Result], None] | None = None,
) -> Result:
    """Run ``count`` schedules from seed ``first`` on ``processes`` (default: all) cores."""
    ranges = [
        (seed, min(seed + CHUNK, first + count)) for seed in range(first, first + count, CHUNK)
    ]
    total, begin = Result(), time.monotonic()
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes or os.cpu_count() or 1) as pool:
        for result in pool.imap_unordered(chunk, ranges):
            total.add(result)
            total.seconds = time.monotonic() - begin
            if progress is not None:
                progress(total)
    return total
