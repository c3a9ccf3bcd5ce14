"""The ways to Azure's services: relays in the internet, a proxy for clients on this machine.

Both pass bytes on and look into none of them: TLS is between the client and the service. So no
right is checked on the way. Only names of the simulator's own services are connected to.
"""

import asyncio
import contextlib
import logging
import re
import socket
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Final, NamedTuple

from azuresim.fabric.azurite import AwayError
from azuresim.fabric.sockets import Place, listening

CHUNK: Final = 1 << 16
LONGEST_HEAD: Final = 8192
HEAD_S: Final = 10.0
"""In which a request for a connection must have arrived."""
CONNECT_S: Final = 30.0
"""How long a client is kept waiting for a service that is starting."""
REQUEST: Final = re.compile(rb"CONNECT ([A-Za-z0-9.-]{1,253}):([0-9]{1,5}) HTTP/1\.[01]\r\n")
NOT_OURS: Final = "This proxy leads to the simulator's own services only, by CONNECT."

log = logging.getLogger(__name__)


class Way(NamedTuple):
    """How a service is reached.

    Attributes:
        port: Returns its port on the loopback, or raises `AwayError`.
        visit: Notes that somebody is connected.
    """

    port: Callable[[], Awaitable[int]]
    visit: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext


Find = Callable[[str, int], Way | None]
"""Returns the way to a host and port, or None if it is nobody of ours."""


class Door:
    """Something that accepts connections at one place until it is stopped."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self, where: Place) -> int:
        """Begin to accept, and return the port.

        Raises:
            OSError: If the place cannot be had.
        """
        listener = listening(where, socket.SOCK_STREAM)
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=LONGEST_HEAD)
        return int(listener.getsockname()[1])

    async def stop(self) -> None:
        """Stop accepting and cut what is connected."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await asyncio.sleep(0)  # aborted transports let go of their sockets in the next round

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            await self._serve(reader, writer)
            writer.close()
        except (OSError, TimeoutError, AwayError, asyncio.IncompleteReadError) as error:
            log.debug("A connection ended: %s", error)
        finally:
            if not writer.is_closing():
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError


class Relay(Door):
    """Leads every connection to one service.

    Args:
        way: How the service is reached.
    """

    def __init__(self, way: Way) -> None:
        super().__init__()
        self._way = way

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._way.visit():
            await _join(reader, writer, await self._way.port())


class Proxy(Door):
    """Takes CONNECT to the simulator's own services.

    Args:
        find: Tells the way to a service.
    """

    def __init__(self, find: Find) -> None:
        super().__init__()
        self._find = find

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_S):
                head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            await _refuse(writer, "431 Request Header Fields Too Large", NOT_OURS)
            return
        asked = REQUEST.match(head)
        way = self._find(asked[1].decode().casefold(), int(asked[2])) if asked else None
        if way is None:
            await _refuse(writer, "403 Forbidden", NOT_OURS)
            return
        with way.visit():
            try:
                port = await way.port()
            except AwayError as error:
                await _refuse(writer, "502 Bad Gateway", str(error))
                return
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _join(reader, writer, port)


async def _refuse(writer: asyncio.StreamWriter, status: str, why: str) -> None:
    body = f"{why}\n".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
    writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
    await writer.drain()


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Pass bytes on both ways until the service has ended, or either side is cut."""
    inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
    upwards = asyncio.create_task(_pass_up(reader, inner_writer))
    try:
        await _pump(inner_reader, writer)
    finally:
        upwards.cancel()
        inner_writer.transport.abort()


async def _pass_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what a client sends; a client that is cut cuts the service's side too."""
    try:
        await _pump(reader, writer)
    except OSError:
        writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK):
        writer.write(chunk)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
