"""The agent's ends of the two local connections: to the guard and to the helper.

A lost connection is final for this agent run: without its guard nothing may serve, so the
agent ends and systemd starts it anew. The guard has fenced by then, by itself.
"""

from __future__ import annotations

import itertools
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional

from hacluster_node.errors import Broken
from hacluster_node.guard import lines

if TYPE_CHECKING:
    from pathlib import Path

Answer = Mapping[str, Any]
_PATIENCE_S = 1.0
_APPEARS_S = 20.0  # Guard and helper start beside the agent; on a busy machine they are later.
_PAUSE_S = 0.1


class Link:
    """One connection. Answers come by number; all other lines go to `on_event`.

    It waits for the other program to listen: the guard takes one agent at a time, so an agent
    that had come for a part of its links would stand in its own way at the next try.

    Args:
        path: the other program's socket.
        on_event: called in the reading thread with each line that is not an answer.
        on_lost: called once when the connection ends.
        code: the error code that tells of its loss.
        appears_s: how long to wait for the other program to listen.

    Raises:
        Broken: nobody listens.
    """

    def __init__(
        self,
        path: Path,
        on_event: Callable[[Answer], None],
        on_lost: Callable[[], None],
        code: str = "HAN-G01",
        appears_s: float = _APPEARS_S,
    ) -> None:
        self._sock = _connect(path, code, appears_s)
        self._sock.settimeout(None)
        self._sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDTIMEO, b"\x01\0\0\0\0\0\0\0" + bytes(8)
        )
        self._on_event = on_event
        self._on_lost = on_lost
        self._code = code
        self._numbers = itertools.count(1)
        self._waiting: Dict[int, Callable[[Answer], None]] = {}
        self._since: Dict[int, float] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._read, name=f"link {path.name}", daemon=True).start()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a line; a lost connection is told by `on_lost`, not here."""
        try:
            with self._lock:
                self._sock.sendall(lines.line(message))
        except OSError:
            self._sock.close()

    def ask(self, message: Mapping[str, Any], on_answer: Callable[[Answer], None]) -> None:
        """Send a line and have `on_answer` called, in the reading thread, with its answer."""
        number = next(self._numbers)
        self._since[number] = time.monotonic()
        self._waiting[number] = on_answer
        self.send({**message, "id": number})

    def call(self, message: Mapping[str, Any], timeout_s: float = _PATIENCE_S) -> Answer:
        """Send a line and return its answer.

        Raises:
            Broken: no answer within `timeout_s` seconds.
        """
        answered = threading.Event()
        box: Dict[str, Answer] = {}

        def take(answer: Answer) -> None:
            box["answer"] = answer
            answered.set()

        self.ask(message, take)
        if not answered.wait(timeout_s):
            raise Broken(self._code, f"no answer within {timeout_s:g} s")
        return box["answer"]

    def oldest_wait_s(self) -> float:
        """Return for how long the oldest question has waited, 0 if none does."""
        oldest: Optional[float] = min(list(self._since.values()), default=None)
        return 0.0 if oldest is None else time.monotonic() - oldest

    def wait_anew(self) -> None:
        """Count all waiting from now: this process itself stood still, so nobody was slow."""
        for number in list(self._since):
            self._since[number] = time.monotonic()

    def close(self) -> None:
        """End the connection."""
        self._sock.close()

    def _read(self) -> None:
        collected = lines.Lines()
        try:
            while True:
                chunk = self._sock.recv(65536)
                if not chunk:
                    break
                for message in collected.feed(chunk):
                    self._deliver(message)
        except (OSError, lines.LineError):
            pass
        self._on_lost()

    def _deliver(self, message: Answer) -> None:
        number = message.get("re")
        if number is None:
            self._on_event(message)
            return
        self._since.pop(number, None)
        waiting = self._waiting.pop(number, None)
        if waiting is not None:
            waiting(message)


def _connect(path: Path, code: str, appears_s: float) -> socket.socket:
    end = time.monotonic() + appears_s
    while True:
        try:
            return lines.connect(path, _PATIENCE_S)
        except OSError as error:
            if time.monotonic() >= end:
                raise Broken(code, f"{path}: {error.strerror or error}") from error
        time.sleep(_PAUSE_S)
