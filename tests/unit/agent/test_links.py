"""The agent's ends of its local connections, against real sockets."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from hacluster_node.errors import Broken
from hacluster_node.guard import lines
from hacluster_node.runtime.links import Link

if TYPE_CHECKING:
    from pathlib import Path


def ignore(*_: object) -> None:
    """Nothing is expected."""


def test_an_agent_waits_for_a_guard_that_starts_later(tmp_path: Path) -> None:
    """Found on a busy machine: the agent came, half linked, into its own way, and ended."""
    path = tmp_path / "guard.sock"
    answered = []

    def serve() -> None:
        time.sleep(0.5)
        with lines.listen(path) as listener:
            sock, _ = listener.accept()
            with sock:
                (asked,) = lines.Lines().feed(sock.recv(65536))
                sock.sendall(lines.line({"re": asked["id"], "ok": True}))
                answered.append(asked["do"])
                sock.recv(1)

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    link = Link(path, ignore, ignore)
    assert link.call({"do": "configure"}, 10.0)["ok"]
    assert answered == ["configure"]
    link.close()


def test_a_guard_that_never_comes_is_told(tmp_path: Path) -> None:
    with pytest.raises(Broken, match=r"guard\.sock: No such file"):
        Link(tmp_path / "guard.sock", ignore, ignore, appears_s=0.2)
