"""The heartbeats' socket: signed datagrams to and from the configured nodes, nothing else.

What comes in is judged in the order of cost: the source's address, its budget, the size, the
signature, then the replay rule. Refusals are counted by their code, never logged one by one:
a flood must not fill the disk.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Mapping

from hacluster_node.errors import Broken
from hacluster_wire import heartbeat as codec
from hacluster_wire.errors import WireError
from hacluster_wire.heartbeat import Heartbeat, Receiver
from hacluster_wire.replay import Budget, ReplayFilter

_RATE = 50.0  # Ten times the fastest profile's; a peer that sends more is broken or not a peer.
_BURST = 100


@dataclass(frozen=True)
class Identity:
    """What this agent run says of itself in every datagram."""

    cluster: str
    node: str
    boot_id: str
    incarnation: str


@dataclass(frozen=True)
class Peers:
    """Whom to talk to.

    Attributes:
        addresses: each peer's address by name.
        port: the UDP port of every node.
        reader: keys and strictness for what comes in, keys for what goes out.
    """

    addresses: Mapping[str, str]
    port: int
    reader: Receiver


@dataclass
class _Counts:
    refused: Counter[str] = field(default_factory=Counter)
    accepted: int = 0


class Heartbeats:
    """One UDP socket and the thread that reads it.

    Args:
        identity: put into every datagram.
        address: this node's own address.
        peers: whom to talk to; may be changed at any time with `configure`.
        deliver: called in the reading thread with each accepted heartbeat.

    Raises:
        Broken: HAN-H01, the port cannot be used.
    """

    def __init__(
        self, identity: Identity, address: str, peers: Peers, deliver: Callable[[Heartbeat], None]
    ) -> None:
        self._identity = identity
        self._deliver = deliver
        self._peers = peers
        self._by_address: Dict[str, str] = {}
        self._replay = ReplayFilter(lambda: os.urandom(codec.NONCE_BYTES))
        self._budget = Budget(_RATE, _BURST)
        self._sequence = 0
        self._lock = threading.Lock()
        self._counts = _Counts()
        self.configure(peers)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._sock.bind((address, peers.port))
        except OSError as error:
            self._sock.close()
            raise Broken("HAN-H01", f"{address} port {peers.port}: {error.strerror}") from error

    def configure(self, peers: Peers) -> None:
        """Talk to these from now on; the port itself stays as it was opened."""
        self._peers = peers
        self._by_address = {address: name for name, address in peers.addresses.items()}

    def start(self) -> None:
        """Begin to read, in a thread of its own."""
        threading.Thread(target=self._read, name="heartbeats", daemon=True).start()

    def send(self, to: str, epoch: int, body: Mapping[str, Any]) -> None:
        """Send one datagram; what the network refuses is lost, as any datagram may be."""
        peers = self._peers
        address = peers.addresses.get(to)
        if address is None:
            return
        with self._lock:
            self._sequence += 1
            sequence = self._sequence
            nonce, echo = self._replay.greeting(to)
        beat = Heartbeat(
            cluster=self._identity.cluster,
            sender=self._identity.node,
            receiver=to,
            boot_id=self._identity.boot_id,
            incarnation=self._identity.incarnation,
            sequence=sequence,
            epoch=epoch,
            nonce=nonce,
            echo=echo,
            body=body,
        )
        try:
            packet = codec.encode(beat, peers.reader.keys, peers.reader.rollout)
            self._sock.sendto(packet, (address, peers.port))
        except (OSError, WireError):
            self._counts.refused["not sent"] += 1

    def counts(self) -> Mapping[str, int]:
        """Return how many datagrams were accepted, and how many refused by why."""
        return {"accepted": self._counts.accepted, **self._counts.refused}

    def close(self) -> None:
        """Stop reading."""
        self._sock.close()

    def _read(self) -> None:
        while True:
            try:
                packet, source = self._sock.recvfrom(codec.MAX_BYTES + 1)
            except OSError:
                return
            try:
                beat = self._judge(packet, str(source[0]))
            except WireError as error:
                self._counts.refused[error.code] += 1
                continue
            self._counts.accepted += 1
            self._deliver(beat)

    def _judge(self, packet: bytes, source: str) -> Heartbeat:
        name = self._by_address.get(source)
        if name is None:
            raise WireError("address", "not the address of a node")
        if not self._budget.take(source, time.monotonic()):
            raise WireError("rate", "too many packets")
        beat = codec.decode(packet, self._peers.reader)
        if beat.sender != name:
            raise WireError("sender", "the sender is not the node at this address")
        with self._lock:
            self._replay.admit(beat)
        return beat
