"""Sockets in other network namespaces, without another process.

A socket belongs for ever to the namespace its thread was in when it was made. So the
simulator steps into a namespace, makes the socket, steps back, and serves it from its own loop.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

NAMED: Final = Path("/run/netns")
"""Where `ip netns` keeps the namespaces that have a name."""
_OWN: Final = Path("/proc/thread-self/ns/net")
_CLONE_NEWNET: Final = 0x40000000
_libc: Final = ctypes.CDLL(None, use_errno=True)


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Put this thread into a named network namespace for the length of a block.

    Nothing may be awaited in the block: other tasks of the loop would run in the namespace.

    Raises:
        OSError: There is no such namespace, or this process is not root.
    """
    home = os.open(_OWN, os.O_RDONLY)
    try:
        there = os.open(NAMED / namespace, os.O_RDONLY)
        try:
            _enter(there)
        finally:
            os.close(there)
        try:
            yield
        finally:
            _enter(home)
    finally:
        os.close(home)


def own(namespace: str, prefix: str) -> None:
    """Make every address of a prefix one of a namespace's own, as if its `lo` had each of them.

    Raises:
        OSError: The kernel refused, or there is no `ip`.
    """
    words = ("ip", "-n", namespace, "route", "replace", "local", prefix, "dev", "lo")
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=30)  # noqa: S603 - our words
    if done.returncode:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip()}")


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")
