"""The end of a log, for an error message: what a person needs to see first."""

from pathlib import Path
from typing import Final

LINES: Final = 25
LINE_LIMIT: Final = 400
TELLING_WORDS: Final = ("ERROR", "WARNING", "CRITICAL", "TRACEBACK")


def tail(log: Path) -> str:
    """Return the last lines of a log, indented; says so when there are none."""
    return _shown(_lines(log))


def what_matters(log: Path) -> str:
    """Return the last lines that report trouble; the last lines of any kind if none does."""
    lines = _lines(log)
    return _shown([line for line in lines if _tells(line)] or lines)


def _lines(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines() if log.exists() else []


def _tells(line: str) -> bool:
    return any(word in line.upper() for word in TELLING_WORDS)


def _shown(lines: list[str]) -> str:
    return "\n".join(f"    {line[:LINE_LIMIT]}" for line in lines[-LINES:]) or "    (empty)"
