"""The replay rule and the budget: what an authentic packet must still prove.

A recorded packet is authentic for ever, so authenticity is not enough. Within one
incarnation of a sender the sequence must grow. A new incarnation counts only after it
echoed *our* nonce, which a recording cannot. Nothing here reads a clock: the caller
passes its own monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from hacluster_wire.errors import WireError
from hacluster_wire.heartbeat import NO_NONCE, NONCE_BYTES, Heartbeat


@dataclass
class _Peer:
    incarnation: str
    sequence: int
    nonce: bytes
    echo: bytes = NO_NONCE


class ReplayFilter:
    """Remembers, per sender, the incarnation that proved itself and its last sequence.

    Args:
        draw: returns 8 fresh random bytes; called once per new conversation.
    """

    def __init__(self, draw: Callable[[], bytes]) -> None:
        self._draw = draw
        self._peers: dict[str, _Peer] = {}

    def greeting(self, peer: str) -> tuple[bytes, bytes]:
        """Return (nonce, echo) to put into the next packet for `peer`."""
        state = self._peer(peer)
        return state.nonce, state.echo

    def admit(self, heartbeat: Heartbeat) -> None:
        """Accept the packet and remember it.

        Raises:
            WireError: `replayed` for an old sequence, `unproven` for an incarnation that has
                not echoed our nonce yet; its nonce is noted, so our next packet answers it.
        """
        peer = self._peer(heartbeat.sender)
        if heartbeat.incarnation == peer.incarnation:
            if heartbeat.sequence <= peer.sequence:
                raise WireError("replayed", "the packet was seen before")
        elif heartbeat.echo != peer.nonce:
            peer.echo = heartbeat.nonce
            raise WireError("unproven", "a new incarnation has not answered our question yet")
        else:
            peer.incarnation = heartbeat.incarnation
            peer.nonce = self._fresh()  # A second use would let a recording of this packet in.
        peer.sequence = heartbeat.sequence
        peer.echo = heartbeat.nonce

    def _peer(self, name: str) -> _Peer:
        if name not in self._peers:
            self._peers[name] = _Peer(incarnation="", sequence=0, nonce=self._fresh())
        return self._peers[name]

    def _fresh(self) -> bytes:
        nonce = self._draw()
        if len(nonce) != NONCE_BYTES or nonce == NO_NONCE:
            raise ValueError("a nonce is 8 random bytes, not all zero")
        return nonce


class Budget:
    """A token bucket per source address, spent before any cryptography.

    Args:
        rate: packets per second that a source may send for ever.
        burst: packets that a source may send at once.
        sources: source addresses remembered; the oldest gives way, so memory is bounded.
    """

    def __init__(self, rate: float, burst: int, sources: int = 64) -> None:
        self._rate = rate
        self._burst = burst
        self._sources = sources
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, source: str, now: float) -> bool:
        """Spend one packet of `source` at `now` (monotonic seconds); False when none is left."""
        tokens, then = self._left.pop(source, (float(self._burst), now))
        tokens = min(float(self._burst), tokens + max(0.0, now - then) * self._rate)
        allowed = tokens >= 1.0
        if len(self._left) >= self._sources:
            del self._left[next(iter(self._left))]
        self._left[source] = (tokens - 1.0 if allowed else tokens, now)
        return allowed
