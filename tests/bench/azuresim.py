"""What azuresim can take: reads and writes a second, a long list, memory, the way to ready.

    python -m tests.bench.azuresim [--resources 10000] [--most 20000] [--rounds 5]

The simulator has one core to itself, the client another. The client sends one request after
the other over one connection, as most Azure clients do, so a rate is also the latency. Beside
the clock's rates stand those by the CPU that the server used: what one core can do that has
nothing else to do, whatever other work this machine has. Prints a table with the goals beside it.
"""

import argparse
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.table import show, spread
from tests.sim.simulator import Simulator

NETWORK = "api-version=2025-05-01"
PER_GROUP = 500
BALANCERS = 1_000
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
ASKED = 1_000
"""Requests in one round."""


class World:
    """A simulator and what was put into it.

    Args:
        sim: The simulator, started.
    """

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.made = 0
        self.paths: list[str] = []

    def group(self) -> str:
        """Return the group for the next resource, made if need be."""
        path = f"{self.sim.subscription}/resourceGroups/g{self.made // PER_GROUP}"
        if self.made % PER_GROUP == 0:
            reply = self.sim.send("PUT", f"{path}?api-version=2021-04-01", {"location": "eastus"})
            assert reply.status == 201, reply.body
        return path

    def make(self) -> None:
        """Create one resource: of every ten a balancer, three networks, six security groups."""
        group, turn = self.group(), self.made % 10
        if turn == 0 and self.made < BALANCERS * 10:
            kind, properties = "loadBalancers", BALANCER
        elif turn < 4:
            kind, properties = "virtualNetworks", VIRTUAL_NETWORK
        else:
            kind, properties = "networkSecurityGroups", SECURITY_GROUP
        path = f"{group}/providers/Microsoft.Network/{kind}/r{self.made}"
        body: dict[str, Any] = {
            "location": "eastus",
            "tags": {"n": str(self.made)},
            "properties": properties,
        }
        if kind == "loadBalancers":
            body["sku"] = {"name": "Standard"}
        reply = self.sim.send("PUT", f"{path}?{NETWORK}", body)
        assert reply.status == 201, reply.body
        self.paths.append(path)
        self.made += 1

    def fill(self, count: int) -> None:
        """Create resources until there are so many."""
        while self.made < count:
            self.make()

    def read(self, at: int) -> None:
        """Read one resource."""
        path = self.paths[at * 7919 % len(self.paths)]
        assert self.sim.send("GET", f"{path}?{NETWORK}").status == 200

    def change(self, at: int) -> None:
        """Write one security group anew."""
        path = next(p for p in self._from(at * 7919) if "/networkSecurityGroups/" in p)
        body = {"location": "eastus", "tags": {"at": str(time.time())}}
        body |= {"properties": SECURITY_GROUP}
        assert self.sim.send("PUT", f"{path}?{NETWORK}", body).status == 200

    def _from(self, at: int) -> Iterator[str]:
        at %= len(self.paths)
        yield from self.paths[at:]
        yield from self.paths[:at]


BALANCER: dict[str, Any] = {
    "backendAddressPools": [{"name": "nodes"}],
    "probes": [{"name": "active", "properties": {"protocol": "Tcp", "port": 62000}}],
}
VIRTUAL_NETWORK: dict[str, Any] = {
    "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
    "subnets": [{"name": "a", "properties": {"addressPrefix": "10.0.0.0/24"}}],
}
SECURITY_GROUP: dict[str, Any] = {
    "securityRules": [
        {
            "name": "web",
            "properties": {
                "protocol": "Tcp", "sourcePortRange": "*", "destinationPortRange": "443",
                "sourceAddressPrefix": "*", "destinationAddressPrefix": "*",
                "access": "Allow", "priority": 200, "direction": "Inbound",
            },
        }
    ]
}  # fmt: skip


def rates(
    act: Callable[[int], None], rounds: int, pid: int, asked: int = ASKED
) -> tuple[list[float], list[float]]:
    """Return how many a second were done in each round: by the clock, and by the server's CPU."""
    by_clock, by_cpu = [], []
    for turn in range(rounds):
        begun, used = time.perf_counter(), cpu_s(pid)
        for at in range(turn * asked, (turn + 1) * asked):
            act(at)
        by_clock.append(asked / (time.perf_counter() - begun))
        by_cpu.append(asked / max(cpu_s(pid) - used, TICK_S))
    return by_clock, by_cpu


def cpu_s(pid: int) -> float:
    """Return the seconds of CPU a process has used."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) * TICK_S


def listing(world: World) -> float:
    """Return the milliseconds that one list of all balancers takes, transfer included."""
    path = f"{world.sim.subscription}/providers/Microsoft.Network/loadBalancers?{NETWORK}"
    begun = time.perf_counter()
    reply = world.sim.send("GET", path)
    took = (time.perf_counter() - begun) * 1000
    expected = min(BALANCERS, (world.made + 9) // 10)
    assert len(reply.body["value"]) == expected
    return took


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1000 if found else float("nan")


@contextmanager
def pinned(directory: Path) -> Iterator[Simulator]:
    """Yield a simulator that has a core of its own, the client keeping to another."""
    cores = sorted(os.sched_getaffinity(0))
    sim = Simulator(directory).start()
    try:
        os.sched_setaffinity(sim.pid, cores[:1])
        os.sched_setaffinity(0, cores[1:] or cores)
        yield sim
    finally:
        os.sched_setaffinity(0, cores)
        sim.stop()


def ready_s(directory: Path, rounds: int) -> list[float]:
    """Return the seconds from the start of a simulator with this state to its ready line."""
    found = []
    for _ in range(rounds):
        begun = time.perf_counter()
        sim = Simulator(directory).start()
        found.append(time.perf_counter() - begun)
        sim.stop()
    return found


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--resources", type=int, default=10_000)
    options.add_argument("--most", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    rounds, rows = given.rounds, []
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "sim"
        with pinned(directory) as sim:
            world = World(sim)
            empty = memory_mb(sim.pid)
            world.fill(given.resources)
            n, there = f"{rounds} x {ASKED:,}", f"{given.resources:,} there"
            works = {"GET": (world.read, 300), "PUT": (world.change, 150)}
            for verb, (act, goal) in works.items():
                by_clock, by_cpu = rates(act, rounds, sim.pid)
                rows.append([f"{verb}, {there}", n, spread(by_clock, "/s"), f">= {goal}/s"])
                rows.append([f"{verb}, by the server's CPU", n, spread(by_cpu, "/s"), ""])
            begun, used, before = time.perf_counter(), cpu_s(sim.pid), world.made
            world.fill(before + ASKED)
            took, worked = time.perf_counter() - begun, cpu_s(sim.pid) - used
            rows.append(
                [f"PUT of a new one, {there}", f"{ASKED:,}", f"{ASKED / took:,.0f}/s", ">= 150/s"]
            )
            rows.append(
                ["the same, by the server's CPU", f"{ASKED:,}", f"{ASKED / worked:,.0f}/s", ""]
            )
            used = cpu_s(sim.pid)
            lists = [listing(world) for _ in range(rounds * 2)]
            worked = (cpu_s(sim.pid) - used) / len(lists) * 1000
            what = f"list of {min(BALANCERS, given.resources // 10):,} balancers"
            rows.append([what, str(len(lists)), spread(lists, " ms"), "<= 200 ms"])
            rows.append(["the same, the server's CPU", str(len(lists)), f"{worked:.0f} ms", ""])
            world.fill(given.most)
            full = memory_mb(sim.pid)
            rows.append(["memory, empty", "1", f"{empty:.0f} MB", ""])
            rows.append([f"memory, {given.most:,} there", "1", f"{full:.0f} MB", "<= 250 MB"])
        starts = ready_s(directory, rounds)
        what = f"start to ready, {given.most:,} there"
        rows.append([what, str(rounds), spread(starts, " s", 2), ""])
        starts = ready_s(Path(folder) / "other", rounds)
        rows.append(["start to ready, empty", str(rounds), spread(starts, " s", 2), ""])
    show("azuresim", ["what", "n", "median (least to most)", "goal"], rows)


if __name__ == "__main__":
    main()
