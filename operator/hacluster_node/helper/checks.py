"""Checks that need rights: a configured script, and a look at the process table."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Iterator

from hacluster_node.errors import Broken

if TYPE_CHECKING:
    from hacluster_node.core.config import Monitor
    from hacluster_node.system.port import System


def check(system: System, monitor: Monitor, timeout_s: float) -> str:
    """Run a monitor's check; return what was seen if all is normal.

    Raises:
        Broken: HAN-M01 if it is not, HAN-M02 if the check could not run.
    """
    if monitor.kind == "Process":
        return _processes(monitor)
    if "script" not in monitor.options:
        raise Broken("HAN-M02", f"{monitor.kind} is not checked here")
    argv = monitor.options["script"]
    environment = {"HA_MONITOR": monitor.name}
    outcome = system.run(f"monitor.{monitor.name}", argv, timeout_s, environment)
    if not outcome.in_time:
        raise Broken("HAN-M01", f"{argv[0]} took longer than {timeout_s:g} s: {outcome.output}")
    if not outcome.ok:
        raise Broken("HAN-M01", f"{argv[0]} ended with {outcome.code}: {outcome.output}")
    return outcome.output


def _processes(monitor: Monitor) -> str:
    wanted, least = monitor.options["name"], monitor.options["count"]
    found = sum(1 for name in _running() if name == wanted)
    if found < least:
        raise Broken("HAN-M01", f"{found} of at least {least} processes {wanted!r} run")
    return f"{found} run"


def _running() -> Iterator[str]:
    """Yield the name of each process: the program's file name, not cut at 15 characters."""
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            words = (directory / "cmdline").read_bytes().split(b"\0")
            if words[0]:
                yield Path(words[0].decode(errors="replace")).name
