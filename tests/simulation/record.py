"""A record of schedules run, so that a million may be made piece by piece, on idle evenings.

Each line of the file is one range of seeds: where it began, how many, what the agent's core and the
schedules were made of (a hash of their sources), what broke. Only ranges of the present sources
count together.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.simulation.batch import Result

PIECE = 1000
"""Seeds in one line."""
ROOT = Path(__file__).parents[2]
SOURCES = (
    "operator/hacluster_node/core/*.py",
    "operator/hacluster_node/timing.py",
    "tests/simulation/faults.py",
    "tests/simulation/host.py",
    "tests/simulation/world.py",
)


def sources() -> str:
    """Return a hash of everything that a schedule's course depends on."""
    digest = hashlib.sha256()
    for pattern in SOURCES:
        for file in sorted(ROOT.glob(pattern)):
            digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def append(file: Path, first: int, result: Result) -> None:
    """Add one range to the record."""
    line = {
        "first": first,
        "schedules": result.schedules,
        "sources": sources(),
        "broken": sorted(result.broken),
        "acquisitions": result.acquisitions,
        "seconds": round(result.seconds, 1),
    }
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(line) + "\n")


def done(file: Path) -> list[dict[str, Any]]:
    """Return the ranges recorded of the present sources, each once, by their first seed."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    ranges = (json.loads(line) for line in lines)
    now = sources()
    found = {each["first"]: each for each in ranges if each["sources"] == now}
    return [found[first] for first in sorted(found)]


def total(ranges: Iterable[dict[str, Any]]) -> str:
    """Return the sum of ranges in one sentence."""
    ranges = list(ranges)
    count = sum(each["schedules"] for each in ranges)
    broken = sum(len(each["broken"]) for each in ranges)
    changes = sum(each["acquisitions"] for each in ranges)
    seconds = sum(each["seconds"] for each in ranges)
    rate = count / seconds if seconds else 0.0
    return (
        f"{count} schedules recorded of sources {sources()}, {broken} broken, "
        f"{changes} changes of holder, {rate:.1f} schedules/s"
    )
