"""The heartbeats' socket: from whom, how many, how big; what gets through is the peer's word."""

from __future__ import annotations

import queue
import socket
import time
from typing import TYPE_CHECKING

import pytest

from hacluster_node.errors import Broken
from hacluster_node.net.udp import Heartbeats, Identity, Peers
from hacluster_wire import heartbeat as codec
from hacluster_wire.heartbeat import Heartbeat, Receiver
from hacluster_wire.keys import KeyRing, Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS = KeyRing({"k1": Secret(b"1" * 32)}, "k1")
OTHER_KEYS = KeyRing({"k1": Secret(b"2" * 32)}, "k1")


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Node:
    """A node whose address is a loopback address of its own."""

    def __init__(self, name: str, other: str, port: int, keys: KeyRing = KEYS) -> None:
        self.heard: queue.Queue[Heartbeat] = queue.Queue()
        address, peer = ("127.0.0.1", "127.0.0.2") if name == "n1" else ("127.0.0.2", "127.0.0.1")
        peers = Peers({other: peer}, port, Receiver(keys, "c1", name))
        identity = Identity("c1", name, "boot", f"run-{name}")
        self.beats = Heartbeats(identity, address, peers, self.heard.put)
        self.beats.start()
        self.other = other

    def say(self, number: int) -> None:
        self.beats.send(self.other, 3, {"number": number})


@pytest.fixture
def pair() -> Iterator[tuple[Node, Node]]:
    port = free_port()
    nodes = Node("n1", "n2", port), Node("n2", "n1", port)
    yield nodes
    for node in nodes:
        node.beats.close()


def converse(pair: tuple[Node, Node]) -> None:
    """Let both prove themselves to each other, as two heartbeats each do."""
    first, second = pair
    for number in range(3):
        first.say(number)
        time.sleep(0.02)
        second.say(number)
        time.sleep(0.02)
    for node in pair:
        while not node.heard.empty():
            node.heard.get()


def test_two_nodes_hear_each_other_after_proving_who_they_are(pair: tuple[Node, Node]) -> None:
    first, second = pair
    first.say(0)
    time.sleep(0.05)
    assert second.heard.empty()
    converse(pair)
    first.say(7)
    beat = second.heard.get(timeout=2)
    assert (beat.sender, beat.body, beat.epoch) == ("n1", {"number": 7}, 3)


def test_what_another_key_signed_is_not_heard(pair: tuple[Node, Node]) -> None:
    _, second = pair
    converse(pair)
    beat = Heartbeat("c1", "n1", "n2", "boot", "run-n1", 99, 9)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = second.beats._peers.port
        sock.sendto(codec.encode(beat, OTHER_KEYS), ("127.0.0.2", port))
        time.sleep(0.05)
    assert second.heard.empty()
    assert second.beats.counts()["signature"] == 1


def test_a_stranger_is_refused_by_its_address_before_anything_else(
    pair: tuple[Node, Node],
) -> None:
    _, second = pair
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.3", 0))
        sock.sendto(b"x" * 100, ("127.0.0.2", second.beats._peers.port))
        time.sleep(0.05)
    assert second.beats.counts()["address"] == 1


def test_a_flood_from_a_peers_address_is_cut_to_its_budget(pair: tuple[Node, Node]) -> None:
    _, second = pair
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        begun = time.monotonic()
        while second.beats.counts().get("rate", 0) < 100:
            assert time.monotonic() - begun < 5
            sock.sendto(b"x" * 200, ("127.0.0.2", second.beats._peers.port))
        took = time.monotonic() - begun
    assert second.beats.counts()["format"] <= 100 + 50 * took + 1


def test_a_port_in_use_is_told_with_its_code() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        with pytest.raises(Broken, match="HAN-H01"):
            Node("n1", "n2", sock.getsockname()[1])
