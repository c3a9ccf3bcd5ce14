"""How many simulated schedules one core runs in a second, and how many the record has.

    python -m tests.bench.agent_schedules [--rounds 8] [--schedules 100] [--record FILE]

One process, no log, consecutive seeds. The rate is by the CPU that was used, since a busy machine
delays every process. With the file that `python -m tests.simulation --record FILE` keeps, its sum
is told too. Prints a table and judges nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from tests.bench.table import show, spread
from tests.simulation import batch, faults, record


def rate(first: int, count: int) -> tuple[float, int]:
    """Return schedules and steps per second of CPU."""
    before = time.process_time()
    result = batch.chunk((first, first + count))
    took = time.process_time() - before
    for text in result.broken:
        sys.stderr.write(f"{text}\n")
    return count / took, round(result.steps / took)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--schedules", type=int, default=100)
    default = os.environ.get("HACLUSTER_RECORD")
    parser.add_argument("--record", type=Path, default=Path(default) if default else None)
    options = parser.parse_args()
    rates = [rate(each * options.schedules, options.schedules) for each in range(options.rounds)]
    what = f"schedules of {faults.LENGTH_S:.0f} s"
    rows = [
        (f"{what} per second", spread([each for each, _ in rates], digits=1), "100"),
        ("events of an agent per second", spread([each for _, each in rates]), ""),
    ]
    if options.record is not None:
        ranges = record.done(options.record)
        schedules = sum(each["schedules"] for each in ranges)
        broken = sum(len(each["broken"]) for each in ranges)
        rows.append((f"recorded: {broken} broken of", f"{schedules:,}", "0 of 1,000,000"))
    title = f"Agent: simulation on one core, n = {options.rounds} rounds of {options.schedules}"
    show(title, ("what", "measured", "goal"), rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
