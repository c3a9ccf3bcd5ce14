"""What is in the kernel: all it can be asked for, and what a killed simulator leaves."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import socket
import struct
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.netns.fabric.lab import PATIENCE_S, SILENCE_S, pings
from tests.netns.world import why_not
from tests.prerequisites import require
from tests.unit.azuresim.fabric.values import TWO, balance, interface, network

from azuresim.clean import clean
from azuresim.fabric import kernel, ranges
from azuresim.fabric.built import Built, Goal
from azuresim.fabric.door import PLACES
from azuresim.fabric.kernel import KernelError
from azuresim.fabric.names import Names
from azuresim.fabric.namespaces import NAMED, inside
from azuresim.fabric.wanted import Forward, Group, Machine, SecurityRule, Wanted
from azuresim.state.database import DirectoryInUseError, lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def names(tmp_path: Path) -> Iterator[Names]:
    why = why_not()
    require(not why, why or "root", "run as root, with iproute2 and nftables")
    yield Names.of(tmp_path)
    clean(tmp_path)


def goal(names: Names) -> Goal:
    """Return a network with two machines that are plugged, and a client."""
    ends = [
        interface(f"10.0.0.{10 + place}", device=names.device(str(place))) for place in range(2)
    ]
    client = interface("10.0.0.5", device=names.device("client"), id="client")
    net = network(
        namespace=names.network("net"), device=names.device("net"), interfaces=tuple(ends),
        client=client, client_namespace=names.client("net"),
    )  # fmt: skip
    machines = {
        f"vm{place}": Machine(
            id=f"vm{place}", namespace=names.machine(f"vm{place}"), interfaces=(end,)
        )
        for place, end in enumerate(ends)
    }
    wanted = Wanted(networks={net.id: net}, machines=machines)
    return Goal(wanted=wanted, plugged=frozenset(machines))


def test_all_of_it_is_found_by_the_directory_unless_somebody_serves_from_there(
    names: Names, tmp_path: Path
) -> None:
    killed = Built(names)
    killed.begin()
    killed.bring(goal(names))
    assert pings(names.client("net"), "10.0.0.10")
    with lock(tmp_path), pytest.raises(DirectoryInUseError):
        clean(tmp_path)
    assert len(clean(tmp_path)) == 5
    assert not [name for name in kernel.namespaces() if names.owns(name)]
    assert clean(tmp_path) == []


def test_the_next_start_keeps_machines_that_run_and_gives_them_new_cables(names: Names) -> None:
    killed, wanted = Built(names), goal(names)
    killed.begin()
    killed.bring(wanted)
    alive, dead = names.machine("vm0"), names.machine("vm1")
    before = (NAMED / alive).stat().st_ino
    guest = subprocess.Popen(
        ["nsenter", f"--net={NAMED / alive}", "--", "sh", "-c", "echo there; exec sleep 600"],
        stdout=subprocess.PIPE,
    )
    try:
        assert guest.stdout is not None
        assert guest.stdout.readline() == b"there\n"
        again = Built(names)
        again.begin()
        assert {alive} == {name for name in kernel.namespaces() if names.is_machine(name)}
        again.bring(Goal(wanted=wanted.wanted))
        assert not pings(names.client("net"), "10.0.0.10", SILENCE_S)
        again.bring(wanted)
        assert pings(names.client("net"), "10.0.0.10")
        assert pings(alive, "10.0.0.11")
        assert (NAMED / alive).stat().st_ino == before
        assert dead in kernel.namespaces()
        last = Built(names)
        last.begin()
        last.discard(alive)
        assert alive not in kernel.namespaces()
    finally:
        guest.kill()
        guest.communicate()


def test_an_emulated_machine_gets_frames_by_its_tap(names: Names) -> None:
    made, wanted = Built(names), goal(names)
    made.begin()
    made.bring(replace(wanted, emulated=frozenset({"vm0"})))
    mac = bytes.fromhex(interface().mac.replace(":", ""))
    own, gateway = (socket.inet_aton(each) for each in ("10.0.0.10", "10.0.0.1"))
    asked = b"\xff" * 6 + mac + b"\x08\x06" + bytes.fromhex("0001080006040001")
    asked += mac + own + bytes(6) + gateway
    with opened_tap(names.machine("vm0"), "tap0") as tap:
        answer = b""
        for _ in range(int(PATIENCE_S)):
            os.write(tap, asked)
            readable, _, _ = select.select([tap], [], [], 1.0)
            answer = os.read(tap, 2000) if readable else b""
            if answer[:6] == mac and answer[12:14] == b"\x08\x06":
                break
        assert answer[28:32] == gateway
    assert not pings(names.client("net"), "10.0.0.10", SILENCE_S)  # only its own kernel answers


@contextlib.contextmanager
def opened_tap(namespace: str, name: str) -> Iterator[int]:
    """Open a tap as an emulator does."""
    with inside(namespace):
        tap = os.open("/dev/net/tun", os.O_RDWR)
    try:
        request = struct.pack("16sH22x", name.encode(), 0x0002 | 0x1000)  # a tap, bare frames
        with inside(namespace):
            fcntl.ioctl(tap, 0x400454CA, request)
        yield tap
    finally:
        os.close(tap)


def test_the_kernel_takes_everything_that_can_be_rendered(names: Names) -> None:
    every = [
        balance(id=f"{protocols}{port}{floating}{hashed}{public}", protocols=protocols, port=port,
                back_port=port, floating=floating, hashed=hashed, public=public, resets=True)
        for protocols in (("tcp",), ("udp",), ("tcp", "udp"))
        for port in (0, 80)
        for floating in (False, True)
        for hashed in (2, 3, 5)
        for public in (False, True)
    ]  # fmt: skip
    rules = tuple(
        SecurityRule(allow=allow, protocol=protocol, sources=space, destinations=space, ports=ports)
        for allow in (False, True)
        for protocol in ("", "tcp", "udp", "icmp", "esp", "ah")
        for space in (ranges.ALL_ADDRESSES, ranges.addresses(["10.0.0.0/8", "192.0.2.1"]))
        for ports in (ranges.ALL_PORTS, ranges.ports(["22", "80-90"]))
        if ports == ranges.ALL_PORTS or protocol in {"", "tcp", "udp"}
    )
    forwards = (
        Forward(front="192.0.2.9", public=True, back="10.0.0.10"),
        Forward(front="10.0.0.201", public=False, back="10.0.0.10", protocols=("tcp", "udp"),
                port=2201, back_port=22),
    )  # fmt: skip
    plain = goal(names)
    (net,) = plain.wanted.networks.values()
    net = replace(
        net, balances=tuple(every), forwards=forwards,
        groups=(Group(id="group", inbound=rules, outbound=rules),),
    )  # fmt: skip
    made = Built(names)
    made.begin()
    made.bring(
        Goal(
            wanted=Wanted(networks={net.id: net}, machines=plain.wanted.machines),
            plugged=plain.plugged,
            healthy={each.id: [backend.address for backend in TWO] for each in every},
            cuts={
                pair: 30 for place in (*PLACES, "vm1") for pair in (("vm0", place), (place, "vm0"))
            },
        )
    )
    made.bring(plain)
    assert pings(names.client("net"), "10.0.0.10")


def test_what_failed_half_way_is_made_whole_by_the_next_attempt(names: Names) -> None:
    made, wanted = Built(names), goal(names)
    made.begin()
    kernel.add_namespace(names.network("net"), {})
    with pytest.raises(KernelError):
        made.bring(wanted)
    made.bring(wanted)
    assert pings(names.client("net"), "10.0.0.10")
