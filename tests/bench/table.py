"""Prints what was measured: one Markdown table, and the machine it was measured on."""

import os
import platform
import re
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path


def machine() -> str:
    """Return in one line what a reader must know of this machine."""
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    gib = int(memory[1]) / 2**20 if memory else float("nan")
    return (
        f"{found[1] if found else platform.machine()}, {os.cpu_count()} cores, {gib:.0f} GiB, "
        f"Linux {platform.release()}, Python {platform.python_version()}; load "
        f"{os.getloadavg()[0]:.1f} when it ended"
    )


def spread(values: Sequence[float], unit: str = "", digits: int = 0) -> str:
    """Return the median with the least and the most of some values."""
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:,.{digits}f}{unit} ({low:,.{digits}f} to {high:,.{digits}f})"


def show(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table under its title, and the machine below it."""
    lines = [
        f"### {title}",
        "",
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
        f"Machine: {machine()}.",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
