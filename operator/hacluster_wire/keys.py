"""Keys: several are accepted, one is active, and none is ever printed.

The operator keeps one 32-byte master per key id. A node never sees a master: it gets
the cluster's heartbeat key and its own document key, both derived here. So a node that
is broken into can forge heartbeats and its own documents, not another node's.

Rotation without interruption is three steps: accept the new id everywhere, make it
active everywhere, drop the old one (docs/protocol.md, "Keys").
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Mapping

from hacluster_wire.errors import WireError

KEY_BYTES = 32
MAX_KEYS = 8  # Two are enough to rotate; more only cost time on each packet.
KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,32}\Z")


class Secret:
    """Bytes whose `repr` is stars, so that a log or a traceback cannot show them."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """Return the bytes themselves; only cryptography may ask."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other.reveal())

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(****)"


@dataclass(frozen=True)
class KeyRing:
    """The keys for one purpose.

    Attributes:
        keys: every accepted key by its id.
        active: the id that signs; one of `keys`.
    """

    keys: Mapping[str, Secret] = field(repr=False)
    active: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.keys) <= MAX_KEYS:
            raise WireError("keys", f"a key ring holds 1 to {MAX_KEYS} keys")
        if self.active not in self.keys:
            raise WireError(
                "keys", f"the active key {self.active!r} is not among the accepted keys"
            )
        for key_id, secret in self.keys.items():
            if not KEY_ID.match(key_id):
                raise WireError("keys", "a key id is 1 to 32 of A-Z a-z 0-9 . _ -")
            if len(secret.reveal()) != KEY_BYTES:
                raise WireError("keys", f"key {key_id!r} is not {KEY_BYTES} bytes long")

    def sign(self, message: bytes) -> bytes:
        """Return the active key's HMAC-SHA256 of `message` (32 bytes)."""
        return hmac.digest(self.keys[self.active].reveal(), message, "sha256")

    def verify(self, key_id: str, message: bytes, signature: bytes) -> bool:
        """Tell in constant time whether `key_id` is accepted and made `signature`."""
        secret = self.keys.get(key_id)
        if secret is None:
            return False
        return hmac.compare_digest(hmac.digest(secret.reveal(), message, "sha256"), signature)


def derive(master: bytes, purpose: str, node: str = "") -> Secret:
    """Return the key for one purpose (`heartbeat`, or `document` of one node) of a master."""
    label = b"hacluster/1\0" + purpose.encode() + b"\0" + node.encode()
    return Secret(hmac.new(master, label, hashlib.sha256).digest())


def parse_ring(texts: Mapping[str, str], active: str) -> KeyRing:
    """Return the ring of base64 texts by key id.

    Raises:
        WireError: a text is not base64 of 32 bytes, or `active` names no key.
    """
    keys = {}
    for key_id, text in texts.items():
        try:
            keys[key_id] = Secret(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError, TypeError):
            raise WireError("keys", f"key {key_id!r} is not base64") from None
    return KeyRing(keys=keys, active=active)
