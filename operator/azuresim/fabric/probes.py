"""Probes of balancers: real sockets from 168.63.129.16, made in the fabric's namespace."""

import asyncio
import contextlib
import errno
import logging
import random
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from azuresim.fabric.namespaces import inside
from azuresim.fabric.verdicts import (
    BAD_STATUS,
    NO_RESPONSE,
    TCP_TIMEOUT,
    UNREACHABLE,
    Tallies,
    Tally,
    Target,
)
from azuresim.fabric.wanted import PLATFORM, Probe

log = logging.getLogger(__name__)

LONGEST_ANSWER_S: Final = 30.0
"""An HTTP answer may take the probe's interval, and never longer than this (document)."""
_LONGEST_LINE: Final = 4096


class Prober:
    """Asks every target in its interval and keeps the verdicts.

    Args:
        changed: Called when a backend went up or down.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._tasks: dict[Target, asyncio.Task[None]] = {}
        self._tallies: dict[tuple[str, str], Tally] = {}

    @property
    def tallies(self) -> Tallies:
        """The verdicts, by probe and backend."""
        return self._tallies

    def ask(self, targets: Iterable[Target]) -> None:
        """Ask these targets from now on, and no others; what is known of them stays known."""
        wanted = set(targets)
        known = {target.key for target in wanted}
        for target in [each for each in self._tasks if each not in wanted]:
            self._tasks.pop(target).cancel()
        self._tallies = {key: tally for key, tally in self._tallies.items() if key in known}
        for target in wanted - self._tasks.keys():
            self._tasks[target] = asyncio.create_task(self._keep_asking(target))

    async def stop(self) -> None:
        """Ask no more."""
        tasks, self._tasks = list(self._tasks.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_asking(self, target: Target) -> None:
        interval_s = target.probe.interval_s
        due = time.monotonic()
        while True:
            answer = await ask(target)
            self._count(target, answer)
            # Start to start, a little early or late, so that not all probes come at once.
            due = max(due + interval_s, time.monotonic())
            jitter = random.uniform(-0.01, 0.01) * interval_s  # noqa: S311 - no secret
            await asyncio.sleep(max(0.0, due - time.monotonic() + jitter))

    def _count(self, target: Target, answer: str) -> None:
        before = self._tallies.get(target.key, Tally())
        after = before.after(answer, target.probe.threshold)
        self._tallies[target.key] = after
        if after.up is not before.up:
            log.info("Probe changed its verdict", extra={"probe": target.key, "up": after.up})
            self._changed()


async def ask(target: Target) -> str:
    """Ask one backend once and return why it is not well, or nothing if it is."""
    probe = target.probe
    limit_s = min(probe.interval_s, LONGEST_ANSWER_S)
    refusal = TCP_TIMEOUT if probe.protocol == "Tcp" else UNREACHABLE
    try:
        async with asyncio.timeout(limit_s):
            with _caller(target.namespace) as caller:
                loop = asyncio.get_running_loop()
                await loop.sock_connect(caller, (target.address, probe.port))
                if probe.protocol == "Tcp":
                    return ""
                refusal = NO_RESPONSE
                return await _page(caller, probe, target.address)
    except (OSError, TimeoutError, EOFError, ValueError) as error:
        if getattr(error, "errno", None) == errno.EMFILE:
            log.warning("Probe found no free descriptor")
        return refusal


@contextlib.contextmanager
def _caller(namespace: str) -> Iterator[socket.socket]:
    with inside(namespace):
        caller = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with caller:
        caller.settimeout(0)
        caller.bind((PLATFORM, 0))
        yield caller


async def _page(caller: socket.socket, probe: Probe, address: str) -> str:
    """Ask for the probe's page; anything but 200 is a failure (document)."""
    secured = _any_certificate() if probe.protocol == "Https" else None
    reader, writer = await asyncio.open_connection(
        sock=caller, ssl=secured, server_hostname="" if secured else None, limit=_LONGEST_LINE
    )
    try:
        request = (
            f"GET {_path(probe.path)} HTTP/1.1\r\nHost: {address}:{probe.port}\r\n"
            "User-Agent: Load Balancer Agent\r\nConnection: close\r\n\r\n"
        )
        writer.write(request.encode())
        words = (await reader.readuntil(b"\r\n")).split()
        if len(words) < 2 or not words[0].startswith(b"HTTP/"):
            return NO_RESPONSE
        return "" if words[1] == b"200" else BAD_STATUS
    except asyncio.LimitOverrunError:
        return NO_RESPONSE
    finally:
        writer.transport.abort()


def _path(stated: str) -> str:
    """Return a path as a request line takes it; some write it without its first slash."""
    clean = "".join(character for character in stated if character.isprintable() and
                    not character.isspace())  # fmt: skip
    return clean if clean.startswith("/") else f"/{clean}"


def _any_certificate() -> ssl.SSLContext:
    """Return the context of a client that takes every certificate, as Azure's probes do."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
