"""What an idle agent costs: CPU, memory, writes to the witness, and the time of a status.

    python -m tests.bench.agent_cost [--seconds 120] [--profile Balanced]

Needs root. Counts agent, guard and helper of the active and of the standby node. Memory is
given twice: resident (shared pages counted in each process) and proportional (each page once).
A status is timed by the wall clock and by the CPU it used, since a busy machine delays every
process. Prints tables and judges nothing.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.agent_failover import HEAD as SECONDS
from tests.bench.agent_failover import partition, row, say
from tests.bench.table import show, spread
from tests.netns.cluster import NODES, Cluster, running
from tests.netns.world import end, why_not, world

from hacluster_node.install.steps import PROGRAMS, install

HEAD = ("node", "program", "CPU % of a core", "resident MB", "proportional MB")
WINDOWS = 6
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def processes(cluster: Cluster, node: str) -> dict[str, int]:
    """Return the pids of a node's three programs by name."""
    words = ["ip", "netns", "pids", cluster.world.namespace(node)]
    pids = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    found: dict[str, int] = {}
    for pid in pids:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        for verb in ("run", "guard", "helper"):
            if verb in words and str(cluster.program) in words:
                found[verb] = int(pid)
    return found


def cpu_s(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) * TICK_S


def memory_mb(pid: int, what: str) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(rf"^{what}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else float("nan")


def status_seconds(cluster: Cluster, node: str, runs: int) -> tuple[list[float], list[float]]:
    """Return wall-clock and CPU seconds of `status` as it is installed."""
    root = cluster.directory / "installed"
    name = install(cluster.program, root)
    socket = cluster.directory / node / "run" / "agent.sock"
    command = [str(root / PROGRAMS / name), f"--socket={socket}"]
    wall, cpu = [], []
    for _ in range(runs):
        begun, used = time.monotonic(), os.times()
        subprocess.run(
            [sys.executable, "-IS", *command, "status"], stdout=subprocess.DEVNULL, check=True
        )
        after = os.times()
        wall.append(time.monotonic() - begun)
        children = after.children_user + after.children_system
        cpu.append(children - used.children_user - used.children_system)
    return wall, cpu


def measure(cluster: Cluster, seconds: float) -> None:
    active = cluster.wait_active(within_s=90)
    if cluster.observer is not None:  # Twenty probes a second are not what a balancer asks.
        end(cluster.observer)
    time.sleep(5)
    writes = cluster.status(active)["witness"]["writes"]
    pids = {node: processes(cluster, node) for node in NODES}
    windows = [used(pids, seconds / WINDOWS) for _ in range(WINDOWS)]
    written = cluster.status(active)["witness"]["writes"] - writes
    rows = []
    for node in NODES:
        role = "active" if node == active else "standby"
        rows += [program(role, verb, [pid], windows) for verb, pid in pids[node].items()]
        rows.append(program(role, "all", list(pids[node].values()), windows))
    rows.append(("goal", "agent with guard", "below 0.5", "below 50", ""))
    show(
        f"Agent: what it costs at rest, n = {WINDOWS} windows of {seconds / WINDOWS:g} s",
        HEAD,
        rows,
    )
    sys.stdout.write(f"\nWrites to the witness per minute: {60 * written / seconds:.1f}.\n\n")
    wall, cpu = status_seconds(cluster, active, 20)
    rows = [row("wall clock", wall, "max 0.05"), row("CPU", cpu, "")]
    show("Agent: the time of a status", SECONDS, rows)


def used(pids: dict[str, dict[str, int]], seconds: float) -> dict[int, float]:
    """Return the share of a core in per cent that each process used during some seconds."""
    all_pids = [pid for node in pids.values() for pid in node.values()]
    began, before = time.monotonic(), {pid: cpu_s(pid) for pid in all_pids}
    time.sleep(seconds)
    took = time.monotonic() - began
    return {pid: 100 * (cpu_s(pid) - before[pid]) / took for pid in all_pids}


def program(
    role: str, name: str, pids: list[int], windows: list[dict[int, float]]
) -> tuple[str, ...]:
    """Return one line of the table: the sum of some processes."""
    shares = [sum(window[pid] for pid in pids) for window in windows]
    memory = [f"{sum(memory_mb(pid, what) for pid in pids):.1f}" for what in ("Rss", "Pss")]
    return (role, name, spread(shares, digits=2), *memory)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--profile", default="Balanced")
    options = parser.parse_args()
    if why_not():
        say(f"Not possible here: {why_not()}")
        return 2
    with (
        tempfile.TemporaryDirectory(prefix="hacluster-bench-") as directory,
        world(Path(directory)) as made,
        running(made, "cost", partition=partition(options.profile)) as cluster,
    ):
        measure(cluster, options.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
