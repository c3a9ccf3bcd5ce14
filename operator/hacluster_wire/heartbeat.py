"""The heartbeat datagram: one UDP packet from one agent to one other.

Layout, all integers big-endian:

    magic "HACL"  version u8  lengths u8 x 6  sequence u64  epoch u64  body length u16
    cluster  key id  sender  receiver  boot id  incarnation  (UTF-8, lengths above)
    nonce 8 bytes  echo 8 bytes  body (UTF-8 JSON object)  HMAC-SHA256 over all before it

`nonce` is the sender's standing question to the receiver, `echo` the receiver's last
question as the sender saw it. A datagram fits one Ethernet frame, so that a lost
fragment can never look like a lost peer.

While a cluster turns authentication on (`Rollout`), an unsigned packet has an empty key
id and a MAC of zeros. It is never `authentic`, and so never evidence nor a promise.
"""

from __future__ import annotations

import enum
import json
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Mapping

from hacluster_wire.errors import WireError

if TYPE_CHECKING:
    from hacluster_wire.keys import KeyRing

MAGIC = b"HACL"
VERSION = 1
MAX_BYTES = 1400  # One Ethernet frame with room for tunnel headers.
MAC_BYTES = 32
NONCE_BYTES = 8
NO_NONCE = bytes(NONCE_BYTES)
_FIXED = struct.Struct("!4sB6BQQH")
MIN_BYTES = _FIXED.size + 2 * NONCE_BYTES + MAC_BYTES
NO_MAC = bytes(MAC_BYTES)
_NAMES = ("cluster", "key", "sender", "receiver", "boot_id", "incarnation")


class Rollout(enum.Enum):
    """How strict an agent is while its cluster turns authentication on, in this order."""

    RECEIVE_ONLY = "receive-only"  # verify what is signed, sign nothing, let the unsigned pass
    PERMISSIVE = "permissive"  # verify what is signed, sign, let the unsigned pass
    ENFORCE = "enforce"  # sign, and refuse whatever no accepted key signed


@dataclass(frozen=True)
class Heartbeat:
    """What one agent tells one other.

    Attributes:
        cluster: the cluster's id; packets of another cluster are refused.
        sender: the sending node's name.
        receiver: the one node this packet is for.
        boot_id: the sender's kernel boot id.
        incarnation: drawn by the sender's agent at start; never used twice.
        sequence: starts at 1 and grows by at least 1 with each packet of an incarnation.
        epoch: the highest epoch the sender knows.
        nonce: the sender's question; the receiver returns it as `echo`.
        echo: the receiver's last nonce that the sender saw, or `NO_NONCE`.
        body: a JSON object for the agent's state machine.
        authentic: an accepted key signed it; always true under `Rollout.ENFORCE`.
    """

    cluster: str
    sender: str
    receiver: str
    boot_id: str
    incarnation: str
    sequence: int
    epoch: int
    nonce: bytes = NO_NONCE
    echo: bytes = NO_NONCE
    body: Mapping[str, Any] = field(default_factory=dict)
    authentic: bool = True


def encode(heartbeat: Heartbeat, keys: KeyRing, rollout: Rollout = Rollout.ENFORCE) -> bytes:
    """Return the datagram, signed unless the rollout is still receive-only.

    Raises:
        WireError: a field is too long, or the packet would exceed `MAX_BYTES`.
    """
    signs = rollout is not Rollout.RECEIVE_ONLY
    names = _names(heartbeat, keys.active if signs else "")
    body = json.dumps(heartbeat.body, separators=(",", ":"), sort_keys=True).encode()
    try:
        fixed = _FIXED.pack(
            MAGIC, VERSION, *map(len, names), heartbeat.sequence, heartbeat.epoch, len(body)
        )
    except struct.error:
        raise WireError("field", "a heartbeat field is out of range") from None
    message = b"".join((fixed, *names, heartbeat.nonce, heartbeat.echo, body))
    if len(message) + MAC_BYTES > MAX_BYTES:
        raise WireError("size", f"a heartbeat is at most {MAX_BYTES} bytes")
    return message + (keys.sign(message) if signs else NO_MAC)


@dataclass(frozen=True)
class Receiver:
    """Who reads a packet: only what is addressed to exactly this reader is interpreted.

    Attributes:
        keys: the accepted heartbeat keys.
        cluster: the reader's cluster id.
        node: the reader's own name.
        rollout: whether unsigned packets may pass.
    """

    keys: KeyRing
    cluster: str
    node: str
    rollout: Rollout = Rollout.ENFORCE


def decode(packet: bytes, reader: Receiver) -> Heartbeat:
    """Return the heartbeat of a packet that was meant for this reader and is authentic.

    Cheap refusals come first, the signature before anything is interpreted.

    Raises:
        WireError: with code `size`, `format`, `cluster`, `receiver`, `signature` or `body`.
    """
    lengths, sequence, epoch, body_length = _fixed_part(packet)
    names, rest = _split_names(packet, lengths)
    if len(packet) != rest + 2 * NONCE_BYTES + body_length + MAC_BYTES:
        raise WireError("size", "the packet's length is not what its header says")
    if names[0] != reader.cluster.encode():
        raise WireError("cluster", "the packet belongs to another cluster")
    if names[3] != reader.node.encode():
        raise WireError("receiver", "the packet is meant for another node")
    authentic = reader.keys.verify(_text(names[1]), packet[:-MAC_BYTES], packet[-MAC_BYTES:])
    if not authentic and (reader.rollout is Rollout.ENFORCE or names[1]):
        raise WireError("signature", "no accepted key signed the packet")
    texts = dict(zip(_NAMES, map(_text, names)))
    del texts["key"]
    body_at = rest + 2 * NONCE_BYTES
    return Heartbeat(
        sequence=sequence,
        epoch=epoch,
        nonce=packet[rest : rest + NONCE_BYTES],
        echo=packet[rest + NONCE_BYTES : body_at],
        body=_body(packet[body_at:-MAC_BYTES]),
        authentic=authentic,
        **texts,
    )


def _names(heartbeat: Heartbeat, key_id: str) -> list[bytes]:
    names = [getattr(heartbeat, name) if name != "key" else key_id for name in _NAMES]
    encoded = [name.encode() for name in names]
    if not all(len(name) <= 255 for name in encoded) or encoded.count(b"") > (not key_id):
        raise WireError("field", "a heartbeat name has 1 to 255 bytes")
    if len(heartbeat.nonce) != NONCE_BYTES or len(heartbeat.echo) != NONCE_BYTES:
        raise WireError("field", f"a nonce has {NONCE_BYTES} bytes")
    return encoded


def _fixed_part(packet: bytes) -> tuple[tuple[int, ...], int, int, int]:
    if not MIN_BYTES <= len(packet) <= MAX_BYTES:
        raise WireError("size", f"a heartbeat has {MIN_BYTES} to {MAX_BYTES} bytes")
    magic, version, *rest = _FIXED.unpack_from(packet)
    if magic != MAGIC or version != VERSION:
        raise WireError("format", "not a heartbeat of this version")
    return tuple(rest[:6]), rest[6], rest[7], rest[8]


def _split_names(packet: bytes, lengths: tuple[int, ...]) -> tuple[list[bytes], int]:
    names, at = [], _FIXED.size
    for length in lengths:
        names.append(packet[at : at + length])
        at += length
    return names, at


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise WireError("format", "a name in the packet is not UTF-8") from None


def _body(raw: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise WireError("body", "the packet's body is not JSON") from None
    if not isinstance(body, dict):
        raise WireError("body", "the packet's body is not a JSON object")
    return body
