"""Listening sockets, here or in another network namespace, that `Listeners` keeps as wanted."""

import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from azuresim.fabric import namespaces

FREEBIND: Final = 15
"""IP_FREEBIND of Linux: an address may be listened on before the namespace has it."""
BACKLOG: Final = 256

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something listens.

    Attributes:
        namespace: Name of the network namespace; empty for the process's own.
        address: IPv4 address.
        port: Port; 0 for any free one.
        born: Tells a namespace from an earlier one of the same name.
    """

    namespace: str
    address: str
    port: int
    born: int = 0


def place(namespace: str, address: str, port: int) -> Place:
    """Return a place in a namespace as it is now.

    Raises:
        FileNotFoundError: If there is no such namespace.
    """
    born = (namespaces.NAMED / namespace).stat().st_ino if namespace else 0
    return Place(namespace=namespace, address=address, port=port, born=born)


def listening(where: Place, kind: socket.SocketKind) -> socket.socket:
    """Return a bound socket, which for a stream also listens.

    Raises:
        OSError: If the address cannot be had, or there is no such namespace.
    """
    if not where.namespace:
        return _bound(where, kind)
    with namespaces.inside(where.namespace):
        return _bound(where, kind)


def _bound(where: Place, kind: socket.SocketKind) -> socket.socket:
    made = socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK)
    try:
        if kind is socket.SOCK_STREAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_IP, FREEBIND, 1)
        made.bind((where.address, where.port))
        if kind is socket.SOCK_STREAM:
            made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    return made


class Listener(Protocol):
    """Something that listens until it is stopped."""

    async def stop(self) -> None:
        """Stop listening and end what is under way."""


Opener = Callable[[Place], Awaitable[Listener]]


class Listeners:
    """What listens where; each place and purpose once."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, Place], Listener] = {}
        self._failed: set[tuple[str, Place]] = set()

    async def bring(self, wanted: Mapping[tuple[str, Place], Opener]) -> None:
        """Stop what is not wanted any more, and start what is and does not listen yet.

        What cannot be started is tried again with the next call; its reason is logged once.
        """
        for key in self._open.keys() - wanted.keys():
            await self._open.pop(key).stop()
        for key, opener in wanted.items():
            if key not in self._open:
                await self._start(key, opener)
        self._failed &= wanted.keys()

    async def stop(self) -> None:
        """Stop all."""
        await self.bring({})

    async def _start(self, key: tuple[str, Place], opener: Opener) -> None:
        purpose, where = key
        try:
            self._open[key] = await opener(where)
        except OSError as error:
            if key not in self._failed:
                log.warning("Cannot serve %s at %s:%s in namespace '%s': %s", purpose,
                            where.address, where.port, where.namespace, error)  # fmt: skip
            self._failed.add(key)
        else:
            self._failed.discard(key)


def free_port() -> int:
    """Return a port of the loopback that nobody listens on at this moment."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
