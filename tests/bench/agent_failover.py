"""How long a service is away: crash, planned move, and the fence itself, on real agents.

    python -m tests.bench.agent_failover [--runs 10] [--profiles Fastest Fast Balanced]

Needs root: real processes in network namespaces, Azurite as witness. Crash: from kill -9 of
everything on the active node to the first 200 on the other one, freeze guard off. Move: from
the command to the first 200. Fence: from the guard's decision to the last step done, with the
agent stopped, so that the guard is alone. Prints a table and judges nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import statistics
import sys
import tempfile
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

from tests.bench.table import show
from tests.netns.cluster import NODES, Cluster, running, wait_for
from tests.netns.faults import other
from tests.netns.world import World, why_not, world

from hacluster_node.settings.document import wire_name
from hacluster_node.timing import PROFILES, Timings

GOALS = {"Fastest": "p50 4.6, max 5", "Fast": "p50 9, max 9.7", "Balanced": "p50 15.5, max 16.5"}


HEAD = ("seconds", "n", "p50", "p90", "p99", "min", "max", "goal")


def say(text: str) -> None:
    """Tell how far it is."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def row(what: str, seconds: list[float], goal: str) -> tuple[str, ...]:
    """Return n, percentiles, extremes and the goal of one measurement."""
    if not seconds:
        return (what, "0", *[""] * 5, goal)
    ordered = sorted(seconds)
    p90, p99 = (ordered[math.ceil(share * len(ordered)) - 1] for share in (0.9, 0.99))
    values = (statistics.median(ordered), p90, p99, ordered[0], ordered[-1])
    found = (what, str(len(ordered)), *(f"{value:.3f}" for value in values), goal)
    say(" ".join(found))
    return found


def partition(profile: str) -> dict[str, Any]:
    """Return a profile's own numbers with the freeze guard off."""
    numbers = {wire_name(f.name): getattr(PROFILES[profile], f.name) for f in fields(Timings)}
    return {"profile": "Custom", "timings": {**numbers, "strict": False}}


def crashes(cluster: Cluster, runs: int) -> list[float]:
    found = []
    for _ in range(runs):
        active = cluster.heal()
        time.sleep(1.0)
        killed = time.monotonic()
        cluster.kill(active)
        cluster.wait_active(other(active), 90)
        found.append((cluster.first_after(killed, other(active)) or killed) - killed)
    return found


def moves(cluster: Cluster, runs: int) -> list[float]:
    found = []
    for _ in range(runs):
        active = cluster.heal()
        time.sleep(1.0)
        asked = time.monotonic()
        cluster.command(active, "move", "g", other(active))
        cluster.wait_active(other(active), 60)
        found.append((cluster.first_after(asked, other(active)) or asked) - asked)
    return found


def fences(cluster: Cluster, runs: int) -> list[float]:
    """Return how long the guard's own fences took, with the agent stopped."""
    for done in range(runs):
        active = cluster.heal()
        cluster.agents[active].send_signal(signal.SIGSTOP)
        wait_for(lambda n=done: len(fenced(cluster)) > n, 60, "the guard's fence")  # type: ignore[misc] # mypy cannot infer a default's type
        cluster.agents[active].send_signal(signal.SIGCONT)
    return fenced(cluster)


def fenced(cluster: Cluster) -> list[float]:
    """Return the duration of each fence a guard began by itself, from its log."""
    found = []
    for node in NODES:
        for text in (cluster.directory / f"{node}-guard.log").read_text().splitlines():
            line = json.loads(text) if text.startswith("{") else {}
            if line.get("reason") == "the lease was not renewed in time" and "took_s" in line:
                found.append(float(line["took_s"]))
    return found


def measure(made: World, profile: str, runs: int) -> list[tuple[str, ...]]:
    name = profile.lower()
    with running(made, name, partition=partition(profile)) as cluster:
        cluster.wait_active(within_s=60)
        rows = [row(f"crash, {name}", crashes(cluster, runs), GOALS.get(profile, ""))]
        if profile == "Fastest":
            rows.append(row("planned move", moves(cluster, runs), "max 0.5 beyond stop and start"))
            rows.append(row("fence by the guard", fences(cluster, runs), "p99 1, max S = 1"))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--profiles", nargs="+", default=["Fastest", "Fast", "Balanced"])
    options = parser.parse_args()
    if why_not():
        say(f"Not possible here: {why_not()}")
        return 2
    rows: list[tuple[str, ...]] = []
    with (
        tempfile.TemporaryDirectory(prefix="hacluster-bench-") as directory,
        world(Path(directory)) as made,
    ):
        for profile in options.profiles:
            rows += measure(made, profile, options.runs)
    show("Agent: how long a service is away", HEAD, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
