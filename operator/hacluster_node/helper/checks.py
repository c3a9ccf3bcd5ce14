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
    command, least = monitor.options.get("command"), monitor.options["count"]
    wanted = command or monitor.options["name"]
    found = sum(1 for words in _running() if _said(words, whole=command is not None) == wanted)
    if found < least:
        raise Broken("HAN-M01", f"{found} of at least {least} processes {wanted!r} run")
    return f"{found} run"


def _said(words: list[str], *, whole: bool) -> str:
    """Return a command line, or only its program's file name."""
    return " ".join(words) if whole else Path(words[0]).name


def _running() -> Iterator[list[str]]:
    """Yield each process's command line, which is not cut at 15 characters as its name is."""
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            line = (directory / "cmdline").read_bytes().rstrip(b"\0")
            if line:
                yield [word.decode(errors="replace") for word in line.split(b"\0")]
