"""Lines of text in colours, whose width is known; and times as people say them."""

import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import click

WIDTH: Final = 80
GOOD: Final = "green"
BAD: Final = "red"
ODD: Final = "yellow"
DIM: Final = "dim"
BOLD: Final = "bold"
_PLAIN_LETTERS: Final = str.maketrans(
    {
        "│": "|", "┃": "#", "─": "-", "━": "=", "┌": "+", "┐": "+", "└": "+", "┘": "+", "├": "+",
        "┠": "#", "┡": "+", "┓": "#", "┴": "+", "┸": "#", "┣": "#", "┬": "+", "═": "=",
        "→": ">", "…": ".", "●": "*",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """Spans of text, each with its style ("" for none)."""

    spans: tuple[tuple[str, str], ...] = ()

    @property
    def width(self) -> int:
        """How many columns it takes."""
        return sum(len(text) for text, _ in self.spans)

    def __add__(self, other: "Line") -> "Line":
        return Line(self.spans + other.spans)

    def cut(self, width: int) -> "Line":
        """Return the line, cut to a width with an ellipsis if it is longer."""
        if self.width <= width:
            return self
        spans: list[tuple[str, str]] = []
        left = width - 1
        for text, style in self.spans:
            spans.append((text[:left], style))
            left -= len(text[:left])
        return Line((*spans, ("…", "")))

    def padded(self, width: int) -> "Line":
        """Return the line with exactly this width."""
        cut = self.cut(width)
        return cut + span(" " * (width - cut.width))

    def styled(self) -> str:
        """Return it with the terminal's codes; click leaves them out where there is none."""
        return "".join(_styled(text, style) for text, style in self.spans).rstrip()

    def __str__(self) -> str:
        return "".join(text for text, _ in self.spans).rstrip()


def span(text: str, style: str = "") -> Line:
    """Return a line of one style."""
    return Line(((text, style),))


def between(left: Line, right: Line, width: int) -> Line:
    """Return a line with one text at its left and another, cut if need be, at its right end."""
    room = width - left.width - 1
    if not right.width or room < 1:
        return left.padded(width)
    shown = right.cut(room)
    return left.padded(width - shown.width) + shown


def wrapped(text: str, indent: str = "", width: int = WIDTH, style: str = "") -> Iterator[Line]:
    """Yield a text in lines of a width, all of them indented."""
    for line in textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent):
        yield span(line, style)


def labelled(label: str, text: str, style: str = "", room: int = 14) -> Iterator[Line]:
    """Yield a text in lines behind a label."""
    lines = textwrap.wrap(text, WIDTH - room - 2) or [""]
    for number, line in enumerate(lines):
        yield span(f"  {label if number == 0 else '':{room}}", DIM) + span(line, style)


def show(lines: Iterable[Line]) -> None:
    """Print lines; where the terminal has no such letters, with plain ones."""
    encoding = sys.stdout.encoding or "ascii"
    for line in lines:
        text = line.styled()
        try:
            text.encode(encoding)
        except (UnicodeEncodeError, LookupError):
            text = text.translate(_PLAIN_LETTERS).encode("ascii", "replace").decode()
        click.echo(text)


def ago(then: datetime | None, now: datetime) -> str:
    """Return how long ago something was, in at most two units."""
    return "at an unknown time" if then is None else f"{duration(now - then)} ago"


def duration(span_: timedelta) -> str:
    """Return a duration in at most two units: ``2 h 5 min``."""
    parts: list[str] = []
    left = max(int(span_.total_seconds()), 0)
    for unit, seconds in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if left >= seconds and len(parts) < 2:
            parts.append(f"{left // seconds} {unit}")
            left %= seconds
        elif parts:
            break
    return " ".join(parts) or "0 s"


def counted(number: int, thing: str) -> str:
    """Return ``1 step``, ``2 steps``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def moment(text: Any) -> datetime | None:
    """Return a time as the API server writes it, or None."""
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None


def _styled(text: str, style: str) -> str:
    if style in {BOLD, DIM}:
        return click.style(text, bold=style == BOLD or None, dim=style == DIM or None)
    return click.style(text, fg=style, bold=style == BAD or None) if style else text
