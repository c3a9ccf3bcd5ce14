"""Groups of processes that can be frozen or killed at once: cgroup version 2.

Programs that a resource starts live in one directory per failover group below the helper's
own, so that also a daemon which left its process group is found.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from pathlib import Path
from typing import Optional

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


def root() -> Optional[Path]:
    """Return where cgroup version 2 is mounted, or None."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
            _, where, kind, *_ = line.split(" ")
            if kind == "cgroup2":
                return Path(where)
    return None


def own() -> Optional[Path]:
    """Return this process's cgroup directory, or None where there is no version 2."""
    mounted = root()
    if mounted is None:
        return None
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            if line.startswith("0::"):
                return mounted / line[3:].lstrip("/")
    return None


def child(parent: Path, name: str) -> Optional[Path]:
    """Return the directory `name` below `parent`, made if it was missing; None if it cannot."""
    directory = parent / _UNSAFE.sub("_", name)
    try:
        directory.mkdir(exist_ok=True)
    except OSError:
        return None
    return directory


def freeze(directory: Path) -> bool:
    """Stop every process in it; False where the kernel cannot."""
    return _write(directory / "cgroup.freeze", "1")


def thaw(directory: Path) -> None:
    """Let its processes run on."""
    _write(directory / "cgroup.freeze", "0")


def kill(directory: Path, wait_s: float = 0.5) -> bool:
    """Kill every process in it and wait until none is left; False if some still are."""
    if not _write(directory / "cgroup.kill", "1"):
        freeze(directory)  # So that none forks away between two looks.
        for pid in members(directory):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        thaw(directory)
    deadline = time.monotonic() + wait_s
    while members(directory):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def members(directory: Path) -> list[int]:
    """Return the processes in it and below."""
    found = []
    for procs in [directory / "cgroup.procs", *directory.glob("**/cgroup.procs")]:
        with contextlib.suppress(OSError):
            found += [int(line) for line in procs.read_text(encoding="ascii").split()]
    return sorted(set(found))


def _write(path: Path, text: str) -> bool:
    try:
        path.write_text(text, encoding="ascii")
    except OSError:
        return False
    return True
