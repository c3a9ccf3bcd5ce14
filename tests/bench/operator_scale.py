"""What clusters cost that need nothing: reads, CPU and memory with 1, 10, 100 and 1,000 of them.

    python -m tests.bench.operator_scale [--clusters 1 10 100 1000] [--periods 3] [--interval 60]
                                         [--node-agent External]

Each cluster is the minimal sample in a group of its own, all in one subscription and kept by one
operator; the simulator's operations are instant and unthrottled, so that setting up is quick. Then
whole periods pass in which nothing happens, at least so many that each balancer is asked once.
Calls are counted by the simulator, passes and CPU by the operator itself: its CPU over the window,
by the passes in it, all of the process included.
Prints a table and judges nothing.
"""

import argparse
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from tests.bench.system import System, manifest, say, system, writes
from tests.bench.table import show

from hacluster.reconcile.health import pause

REST = 5
"""Periods until all is told that had to be told, and balancers are asked as seldom as at rest."""
AT_A_TIME = 50
"""Objects applied by one command: as a thousand new clusters would hardly come at once."""


class Idle(NamedTuple):
    """What a window without work has cost."""

    clusters: int
    passes: float
    calls: Counter[tuple[str, str]]
    cpu_s: float
    resident_mb: float
    peak_mb: float

    def row(self) -> list[str]:
        """Return the table's row."""
        asked = sum(self.calls.values())
        return [
            f"{self.clusters:,}",
            f"{self.passes:,.0f}",
            f"{(asked - writes(self.calls)) / self.passes:.3f}",
            f"{writes(self.calls)}",
            f"{1000 * self.cpu_s / self.passes:.2f} ms",
            f"{self.resident_mb:,.0f} MB ({self.peak_mb:,.0f} MB)",
        ]


HEAD = ["clusters", "passes", "reads per pass", "writes", "CPU per pass", "memory (peak)"]
GOALS = ["goal at 1,000", "", "0.2", "0", "5 ms", "400 MB"]


def grow(made: System, names: list[str], count: int, agent: str, interval: int) -> None:
    """Apply clusters until there are so many, and wait until all are reconciled."""
    new = [f"c{number:04}" for number in range(len(names), count)]
    for first in range(0, len(new), AT_A_TIME):
        some = new[first : first + AT_A_TIME]
        made.apply(*(cluster(made, one, agent, interval) for one in some))
        names += some
        made.wait(set(names), 1800)
        say(f"{len(names)} clusters are there")


def cluster(made: System, name: str, agent: str, interval: int) -> dict[str, object]:
    """Return the manifest of one more minimal cluster."""
    raw = manifest("minimal", name, made.subscription, syncIntervalSeconds=interval)
    raw["spec"].setdefault("cluster", {})["nodeAgent"] = agent
    return raw


def window(periods: int, interval: int, clusters: int) -> float:
    """Return how many seconds to measure: so long that each balancer is asked at least once."""
    return max(periods * interval, pause(timedelta(seconds=interval), clusters).total_seconds())


def rest(made: System, clusters: int, seconds: float) -> Idle:
    """Return what a time without work costs."""
    passes, cpu = made.metric("hacluster_passes_total"), made.metric("process_cpu_seconds_total")
    calls = made.exchanges()
    time.sleep(seconds)
    return Idle(
        clusters=clusters,
        passes=made.metric("hacluster_passes_total") - passes,
        calls=made.exchanges() - calls,
        cpu_s=made.metric("process_cpu_seconds_total") - cpu,
        resident_mb=made.metric("process_resident_memory_bytes") / 1e6,
        peak_mb=made.peak_mb(),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, nargs="+", default=[1, 10, 100, 1000])
    parser.add_argument("--periods", type=int, default=3)
    parser.add_argument("--interval", type=int, default=60, help="syncIntervalSeconds")
    parser.add_argument("--node-agent", default="External", choices=["External", "Managed"])
    options = parser.parse_args()
    found: list[Idle] = []
    names: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="hacluster-bench-") as directory,
        system(Path(directory)) as made,
    ):
        for count in options.clusters:
            grow(made, names, count, options.node_agent, options.interval)
            time.sleep(REST * options.interval)
            found.append(rest(made, count, window(options.periods, options.interval, count)))
            say(" | ".join(found[-1].row()))
            for (verb, kind), times in found[-1].calls.most_common(12):
                say(f"    {times:5} {verb} {kind}")
    title = (
        f"Operator: idle clusters, nodeAgent {options.node_agent}, "
        f"at least {options.periods} periods of {options.interval} s"
    )
    show(title, HEAD, [*(one.row() for one in found), GOALS])


if __name__ == "__main__":
    main()
