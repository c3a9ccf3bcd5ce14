"""Run schedules, show one step by step, or look for the seeds that catch each mutant.

python -m tests.simulation --seeds 100000 --from 0 [--processes 2] [--record FILE]
python -m tests.simulation --show 4711
python -m tests.simulation --mutants [--limit 10000] [--only no-guard]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "operator"))

from tests.simulation import batch, faults, mutants, record
from tests.simulation.world import BrokenError

EVERY_S = 5.0


def main() -> int:
    """Return 0 if no invariant broke (or every mutant was caught), else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many schedules")
    parser.add_argument("--from", type=int, default=0, dest="first", help="first seed")
    parser.add_argument("--processes", type=int, default=0, help="default: all cores")
    parser.add_argument("--record", type=Path, help="add ranges to this file; skip those in it")
    parser.add_argument("--course", action="store_true", help="print a digest of all that happens")
    parser.add_argument("--show", type=int, help="tell one seed's schedule step by step")
    parser.add_argument("--mutants", action="store_true", help="find a catching seed for each")
    parser.add_argument("--limit", type=int, default=10_000, help="seeds to try per mutant")
    parser.add_argument("--only", help="one mutant; with --show: show the seed under it")
    options = parser.parse_args()
    if options.show is not None:
        return show(options.show, options.only)
    if options.course:
        sys.stdout.write(f"{batch.course(options.first, options.seeds)}\n")
        return 0
    if options.mutants:
        return find(options.first, options.limit, options.only)
    if options.record is not None:
        return recorded(options.first, options.seeds, options.processes, options.record)
    result = batch.run(options.first, options.seeds, processes=options.processes, progress=Told())
    sys.stdout.write(f"{result}\n")
    for text in sorted(result.broken):
        sys.stdout.write(f"{text}\n")
    return 1 if result.broken else 0


def recorded(first: int, count: int, processes: int, file: Path) -> int:
    """Run what the file does not have yet, range by range, and tell the sum of all it has."""
    had = {(each["first"], each["schedules"]) for each in record.done(file)}
    for seed in range(first, first + count, record.PIECE):
        seeds = min(record.PIECE, first + count - seed)
        if (seed, seeds) not in had:
            record.append(file, seed, batch.run(seed, seeds, processes=processes, progress=Told()))
            sys.stdout.write(f"{record.total(record.done(file))}\n")
            sys.stdout.flush()
    ranges = record.done(file)
    sys.stdout.write(f"{record.total(ranges)}\n")
    broken = [text for each in ranges for text in each["broken"]]
    sys.stdout.write("".join(f"{text}\n" for text in broken))
    return 1 if broken else 0


class Told:
    """Prints a line every few seconds."""

    def __init__(self) -> None:
        self.next = time.monotonic() + EVERY_S
        self.shown = 0

    def __call__(self, result: batch.Result) -> None:
        """Print what broke at once, and where the batch is if it is time."""
        for text in result.broken[self.shown :]:
            sys.stderr.write(f"{text}\n")
        self.shown = len(result.broken)
        if time.monotonic() >= self.next:
            self.next = time.monotonic() + EVERY_S
            sys.stderr.write(f"{result}\n")


def show(seed: int, only: str | None) -> int:
    """Print every event and effect of one schedule."""
    log: list[str] = []
    code = 0
    try:
        if only is None:
            faults.run(seed, log=log)
        else:
            with mutants.by_name(only).applied():
                faults.run(seed, log=log)
    except BrokenError as broken:
        log.append(str(broken))
        code = 1
    sys.stdout.write("\n".join(log) + "\n")
    return code


def find(first: int, limit: int, only: str | None) -> int:
    """Look for the first seed that catches each mutant."""
    missed = 0
    for mutant in mutants.MUTANTS:
        if only is None or mutant.name == only:
            seed, text = mutants.catch(mutant, first, limit)
            missed += seed is None
            sys.stdout.write(f"{mutant.name}: {text}\n")
            sys.stdout.flush()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
