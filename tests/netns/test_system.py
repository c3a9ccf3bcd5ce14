"""The Linux side of the system port, on real packets and interfaces of a namespace."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from tests.netns.cluster import wait_for
from tests.netns.world import HERE, World

from hacluster_node.system import cgroups
from hacluster_node.system.linux import LinuxSystem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Side:
    """A program inside a place that answers each line with a line."""

    def __init__(self, net: World, place: str, *words: str) -> None:
        self.process = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{net.namespace(place)}", "--", sys.executable, *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip

    def ask(self, line: str = "") -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def server(net: World) -> Iterator[Side]:
    side = Side(net, "observer", str(HERE / "system_side.py"))
    assert side.ask("missing") is not None
    yield side
    side.ask("open")
    side.end()


@pytest.fixture
def client(net: World, server: Side) -> Iterator[Side]:
    assert server.ask("has 127.0.0.1") == "True"
    side = Side(net, "store", str(HERE / "client_side.py"), net.address("observer"))
    assert side.ask() == "echo"
    yield side
    side.end()


def test_a_held_flow_is_silent_and_survives(server: Side, client: Side) -> None:
    server.ask("hold")
    assert client.ask() == "silence"
    server.ask("open")
    assert client.ask() == "echo"


def test_a_cut_flow_ends_with_a_reset(server: Side, client: Side) -> None:
    """Azure's balancer never ends an established flow; the fence has to."""
    server.ask("cut")
    assert client.ask() == "ConnectionResetError"


def test_an_address_is_carried_and_taken_away_and_both_can_be_repeated(server: Side) -> None:
    for _ in range(2):
        server.ask("add 10.9.9.9")
        assert server.ask("has 10.9.9.9") == "True"
    for _ in range(2):
        server.ask("del 10.9.9.9")
        assert server.ask("has 10.9.9.9") == "False"


def test_a_daemon_that_left_its_process_group_is_found_by_its_cgroup(tmp_path: Path) -> None:
    own = cgroups.own()
    place = own and cgroups.child(own, f"hacluster-test-{os.getpid()}")
    if place is None:
        pytest.skip("cgroup version 2 is not mounted or not writable")
    system, alive = LinuxSystem(place), tmp_path / "alive"
    daemon = f"setsid sh -c 'while :; do date >> {alive}; sleep 0.02; done' >/dev/null 2>&1 &"
    assert system.run("g", ("/bin/sh", "-c", daemon), 5, {}).ok
    wait_for(alive.exists, 5, "the daemon")
    system.kill_programs("g")
    size = alive.stat().st_size
    time.sleep(0.2)
    assert alive.stat().st_size == size
    (place / "group-g").rmdir()
    place.rmdir()
