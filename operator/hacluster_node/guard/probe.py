"""The probe's sockets: the only place on a node where a 200 can come from.

HTTP: the kernel accepts connections for a stopped process, but only a running guard that has
a good deadline, and a running agent that agrees, answer 200. TCP: the guide's probe; it
judges the listener alone, with a backlog of 1, and is not safe against a stopped guard.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional

from hacluster_node.errors import Broken

MAX_REQUEST = 4096
ANSWER_WITHIN_S = 1.0
MAX_CONNECTIONS = 64


@dataclass
class _Connection:
    sock: socket.socket
    port: ProbePort
    since: float
    request: bytes = b""
    probe: int = 0


@dataclass(frozen=True)
class ProbePort:
    """One open probe port of a group."""

    group: str
    resource: str
    protocol: str
    listener: socket.socket = field(compare=False)


class Probes:
    """All probe ports of a node, inside the guard's loop.

    Args:
        selector: the guard's; each registered key's `data` is a callable to run.
        ask: called with (probe number, group) when an HTTP probe wants its answer.
    """

    def __init__(self, selector: selectors.BaseSelector, ask: Callable[[int, str], None]) -> None:
        self._selector = selector
        self._ask = ask
        self._ports: Dict[str, ProbePort] = {}
        self._waiting: Dict[int, _Connection] = {}
        self._connections: Dict[socket.socket, _Connection] = {}
        self._number = 0

    def open(self, group: str, resource: str, port: int, protocol: str) -> None:
        """Listen; already listening is success.

        Raises:
            Broken: HAN-R05, the port is taken.
        """
        if resource in self._ports:
            return
        try:
            listener = _listener(port, 1 if protocol == "TCP" else 32)
        except OSError as error:
            raise Broken("HAN-R05", f"port {port}: {error.strerror}") from error
        opened = ProbePort(group, resource, protocol, listener)
        self._ports[resource] = opened
        self._selector.register(listener, selectors.EVENT_READ, lambda: self._accept(opened))

    def close(self, resource: str) -> None:
        """Close a port and every connection to it, with 503 where an answer was awaited."""
        port = self._ports.pop(resource, None)
        if port is None:
            return
        self._selector.unregister(port.listener)
        port.listener.close()
        for connection in [item for item in self._connections.values() if item.port is port]:
            self._finish(connection, None, "closed")

    def close_group(self, group: str) -> None:
        """Close all ports of a group."""
        for resource in [name for name, port in self._ports.items() if port.group == group]:
            self.close(resource)

    def is_listening(self, resource: str) -> bool:
        """Tell whether the resource's port is open."""
        return resource in self._ports

    def answer(self, probe: int, epoch: Optional[int], reason: str) -> None:
        """Answer one HTTP probe: 200 with the epoch, or 503 with the reason if it is None."""
        connection = self._waiting.get(probe)
        if connection is not None:
            self._finish(connection, epoch, reason)

    def group_of(self, probe: int) -> str:
        """Return the group a waiting probe is for, or "" if it waits no longer."""
        connection = self._waiting.get(probe)
        return connection.port.group if connection is not None else ""

    def expire(self, now: float) -> None:
        """Refuse what has waited too long; `now` is monotonic seconds."""
        for connection in list(self._connections.values()):
            if now - connection.since > ANSWER_WITHIN_S:
                self._finish(connection, None, "the agent did not answer in time")

    @property
    def is_busy(self) -> bool:
        """Tell whether a probe waits for its answer."""
        return bool(self._connections)

    def _accept(self, port: ProbePort) -> None:
        with contextlib.suppress(OSError):
            sock, _ = port.listener.accept()
            if port.protocol == "TCP" or len(self._connections) >= MAX_CONNECTIONS:
                sock.close()
                return
            sock.settimeout(0)
            connection = _Connection(sock, port, time.monotonic())
            self._connections[sock] = connection
            self._selector.register(sock, selectors.EVENT_READ, lambda: self._receive(connection))

    def _receive(self, connection: _Connection) -> None:
        try:
            chunk = connection.sock.recv(MAX_REQUEST)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        connection.request += chunk
        if not chunk or len(connection.request) > MAX_REQUEST:
            self._drop(connection)
        elif b"\r\n\r\n" in connection.request and not connection.probe:
            self._number += 1
            connection.probe = self._number
            self._waiting[connection.probe] = connection
            self._ask(connection.probe, connection.port.group)

    def _finish(self, connection: _Connection, epoch: Optional[int], reason: str) -> None:
        with contextlib.suppress(OSError):
            connection.sock.send(_response(epoch, reason))
        self._drop(connection)

    def _drop(self, connection: _Connection) -> None:
        self._waiting.pop(connection.probe, None)
        if self._connections.pop(connection.sock, None) is not None:
            self._selector.unregister(connection.sock)
            connection.sock.close()


def _response(epoch: Optional[int], reason: str) -> bytes:
    text = ("active" if epoch is not None else reason).encode("ascii", "replace") + b"\n"
    status = "200 OK" if epoch is not None else "503 Service Unavailable"
    lines: List[str] = [f"HTTP/1.1 {status}", "Connection: close", "Content-Type: text/plain"]
    lines += [f"Content-Length: {len(text)}", "Cache-Control: no-store"]
    if epoch is not None:
        lines.append(f"HA-Epoch: {epoch}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + text


def _listener(port: int, backlog: int) -> socket.socket:
    family = socket.AF_INET6 if _has_ipv6() else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))  # noqa: S104 - the balancer reaches it from outside
        sock.listen(backlog)
        sock.settimeout(0)
    except OSError:
        sock.close()
        raise
    return sock


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
            sock.bind(("::", 0))
    except OSError:
        return False
    return True
