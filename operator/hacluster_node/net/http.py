"""One HTTP exchange with a hard bound on its whole duration.

The time-outs of `http.client` bound each socket call, so that a server which drips a byte
a second holds a caller for ever. A lease renewal may not be held. Here the connection,
the handshake, the sending and every single read share one deadline.

Connections are kept open between exchanges: a renewal twice a second must not pay for a
handshake each time. Names are resolved aside and the last answer is used, so that a slow
resolver delays nothing but the first exchange.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any, Mapping, Optional
from urllib.parse import urlsplit

MAX_RESPONSE_BYTES = 4 << 20
_FRESH_ADDRESS_S = 60.0


class Unreachable(OSError):
    """The request was surely not sent: no name, no connection, no handshake."""


class Unanswered(OSError):
    """The request may have been carried out; its answer did not arrive in time."""


@dataclass(frozen=True)
class Response:
    """One complete answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _BoundedReader(io.RawIOBase):
    """A socket's reading side whose every read ends at one deadline."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(_left(self._deadline))
        return self._sock.recv_into(buffer)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return the file that `http.client.HTTPResponse` asks a socket for."""
        return io.BufferedReader(self, 8192)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise socket.timeout("the time for the whole exchange is over")
    return left


class Client:
    """One server, at most one open connection; not for use by two threads at once.

    Args:
        base: `http://host:port` or `https://host:port`; a path is put before every path.
        ca_file: the authorities to trust instead of the system's.
        ca: the same as text (PEM).
    """

    def __init__(self, base: str, ca_file: Optional[str] = None, ca: str = "") -> None:
        parts = urlsplit(base)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{base!r} is not an http or https address")
        self._host = parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._authority = parts.netloc
        self._prefix = parts.path.rstrip("/")
        self._context: Optional[ssl.SSLContext] = None
        if self._secure(parts):
            self._context = ssl.create_default_context(cafile=ca_file, cadata=ca or None)
        self._resolver = Resolver(self._host, self._port)
        self._sock: Optional[socket.socket] = None

    @staticmethod
    def _secure(parts: Any) -> bool:
        return bool(parts.scheme == "https")

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        timeout: float = 5.0,
    ) -> Response:
        """Return the answer, whatever its status.

        Args:
            method: the HTTP verb.
            path: what follows the base address, query included.
            headers: sent as they are, beside Host and Content-Length.
            body: sent as it is.
            timeout: seconds for everything together.

        Raises:
            Unreachable: nothing was sent.
            Unanswered: it may have been carried out.
        """
        deadline = time.monotonic() + timeout
        sock = self._sock or self._connect(deadline)
        self._sock = None
        try:
            sock.settimeout(_left(deadline))
            sock.sendall(self._head(method, path, headers, body) + body)
            response, reusable = _receive(sock, method, deadline)
        except (OSError, http.client.HTTPException, ValueError) as error:
            _close(sock)
            raise Unanswered(f"{method} to {self._host}: {_reason(error)}") from error
        if reusable:
            self._sock = sock
        else:
            _close(sock)
        return response

    def close(self) -> None:
        """Close the open connection, if there is one."""
        if self._sock is not None:
            _close(self._sock)
            self._sock = None

    def __del__(self) -> None:
        if getattr(self, "_sock", None) is not None:  # An address that was refused has none.
            self.close()

    def _connect(self, deadline: float) -> socket.socket:
        try:
            family, address = self._resolver.address(_left(deadline))
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            raise Unreachable(f"{self._host}: {_reason(error)}") from error
        try:
            sock.settimeout(_left(deadline))
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is None:
                return sock
            return self._context.wrap_socket(sock, server_hostname=self._host)
        except (OSError, ValueError) as error:
            _close(sock)
            raise Unreachable(f"{self._host}: {_reason(error)}") from error

    def _head(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        lines = [f"{method} {self._prefix}{path} HTTP/1.1", f"Host: {self._authority}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body or method in ("PUT", "POST"):
            lines.append(f"Content-Length: {len(body)}")
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("a header holds a line break")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Resolver:
    """Resolves one name aside and remembers the last answer.

    A resolver that hangs costs the first caller its time-out, and nobody else anything.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._changed = threading.Condition()
        self._answer: Optional[tuple[Any, Any]] = None
        self._asked_at = float("-inf")
        self._asking = False
        self._failure = "no answer"

    def address(self, timeout: float) -> tuple[Any, Any]:
        """Return (family, socket address), the last known one if there is one.

        Raises:
            Unreachable: no answer has ever arrived, and none did within `timeout` seconds.
        """
        with self._changed:
            if not self._asking and time.monotonic() - self._asked_at > _FRESH_ADDRESS_S:
                self._asking = True
                threading.Thread(target=self._ask, name="resolve", daemon=True).start()
            self._changed.wait_for(lambda: self._answer or not self._asking, timeout)
            if self._answer is None:
                raise Unreachable(f"the name was not resolved: {self._failure}")
            return self._answer

    def _ask(self) -> None:
        answer, failure = None, ""
        try:
            first = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)[0]
            answer = (first[0], first[4])
        except (OSError, UnicodeError) as error:
            failure = _reason(error)
        with self._changed:
            self._asking = False
            if answer is not None:
                self._answer, self._asked_at = answer, time.monotonic()
            else:
                self._failure = failure
            self._changed.notify_all()


def _receive(sock: socket.socket, method: str, deadline: float) -> tuple[Response, bool]:
    reader: Any = _BoundedReader(sock, deadline)
    response = http.client.HTTPResponse(reader, method=method)
    try:
        response.begin()
        body = response.read(MAX_RESPONSE_BYTES)
        complete = response.isclosed() or not response.read(1)
        if not complete:
            raise ValueError("the answer is too long")
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Response(response.status, headers, body), not response.will_close
    finally:
        response.close()


def _close(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.close()


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
