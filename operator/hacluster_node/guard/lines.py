"""JSON objects, one a line, over a local stream socket: how the node's programs talk.

Both sides are the node's own programs, checked by the kernel's word on who is at the other
end. A line is bounded, so that a broken program cannot fill the guard's memory.
"""

from __future__ import annotations

import json
import os
import pwd
import socket
import struct
from typing import TYPE_CHECKING, Any, Iterator, Mapping, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

MAX_LINE = 1 << 20


class PeerCredentials(NamedTuple):
    """The kernel's word on the process that connected."""

    pid: int
    uid: int
    gid: int


class LineError(ValueError):
    """The other side sent something that is not a line of ours."""


class Lines:
    """Collects bytes into messages."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        """Yield each whole message.

        Raises:
            LineError: not a JSON object, or too long.
        """
        self._rest += chunk
        while b"\n" in self._rest:
            line, _, self._rest = self._rest.partition(b"\n")
            try:
                message = json.loads(line)
            except ValueError:
                raise LineError("not JSON") from None
            if not isinstance(message, dict):
                raise LineError("not a JSON object")
            yield message
        if len(self._rest) > MAX_LINE:
            raise LineError("the line is too long")


def line(message: Mapping[str, Any]) -> bytes:
    """Return a message as one line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


USER = "hacluster"  # the agent's own user and group


def listen(path: Path, mode: int = 0o660) -> socket.socket:
    """Return a listening socket at `path`, replacing what an earlier run left there.

    It belongs to the agent's group where that exists.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o777 & ~mode)
    try:
        sock.bind(str(path))
    finally:
        os.umask(before)
    if os.geteuid() == 0:
        os.chown(path, -1, agent_ids()[1])
    sock.listen(16)
    return sock


def agent_ids() -> tuple[int, int]:
    """Return the agent's user and group id; root's where the user does not exist."""
    try:
        found = pwd.getpwnam(USER)
    except KeyError:
        return 0, 0
    return found.pw_uid, found.pw_gid


def is_agent(sock: socket.socket) -> bool:
    """Tell whether root or the agent's user is at the other end."""
    return credentials(sock).uid in (0, agent_ids()[0])


def connect(path: Path, timeout_s: float) -> socket.socket:
    """Return a connection to `path`; OSError if nobody listens."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout_s)
        sock.connect(str(path))
    except OSError:
        sock.close()
        raise
    return sock


def credentials(sock: socket.socket) -> PeerCredentials:
    """Return who is at the other end, as the kernel knows it."""
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return PeerCredentials(*struct.unpack("3i", raw))
