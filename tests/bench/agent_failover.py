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
import signal
import statistics
import sys
import tempfile
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

from tests.netns.cluster import NODES, Cluster, running, wait_for
from tests.netns.faults import other
from tests.netns.world import World, why_not, world

from hacluster_node.settings.document import wire_name
from hacluster_node.timing import PROFILES, Timings

GOALS = {"Fastest": "p50 4.6, max 5", "Fast": "p50 9, max 9.7", "Balanced": "p50 15.5, max 16.5"}


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def row(what: str, seconds: list[float], goal: str) -> str:
    """Return n, median, 90th percentile, extremes and the goal of one measurement."""
    if not seconds:
        return f"{what:22}   0"
    ordered = sorted(seconds)
    p90 = ordered[min(len(ordered) - 1, round(0.9 * (len(ordered) - 1)))]
    values = (statistics.median(ordered), p90, ordered[0], ordered[-1])
    return f"{what:22} {len(ordered):3} " + " ".join(f"{v:8.3f}" for v in values) + f"  {goal}"


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


def measure(made: World, profile: str, runs: int) -> None:
    name = profile.lower()
    with running(made, name, partition=partition(profile)) as cluster:
        cluster.wait_active(within_s=60)
        say(row(f"crash, {name}", crashes(cluster, runs), GOALS.get(profile, "")))
        if profile == "Fastest":
            say(row("planned move", moves(cluster, runs), "max 0.5 beyond stop and start"))
            say(row("fence by the guard", fences(cluster, runs), "p99 1, max S"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--profiles", nargs="+", default=["Fastest", "Fast", "Balanced"])
    options = parser.parse_args()
    if why_not():
        say(f"Not possible here: {why_not()}")
        return 2
    say("seconds                  n   median      p90      min      max  goal")
    with (
        tempfile.TemporaryDirectory(prefix="hacluster-bench-") as directory,
        world(Path(directory)) as made,
    ):
        for profile in options.profiles:
            measure(made, profile, options.runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
