"""Two ways to show the story: a live table on a terminal, plain lines everywhere else."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hacluster_local.demo.look import View

COLOURS = {"True": "green", "False": "yellow", "Unknown": "dim", "Succeeded": "green"}
MESSAGE_WIDTH = 70


class Screen(Protocol):
    """Where the story is told."""

    def say(self, sentence: str) -> None:
        """Tell what happens next."""

    def show(self, view: View) -> None:
        """Show what is seen now, in place of what was seen before."""


@contextmanager
def screen() -> Iterator[Screen]:
    """Give the screen that fits where the output goes."""
    if not sys.stdout.isatty():
        yield Lines()
        return
    console = Console()
    with Live(console=console, refresh_per_second=4, transient=False) as live:
        yield Picture(live)


class Lines:
    """One line for each thing that changed, with the seconds since the start."""

    def __init__(self) -> None:
        """Start the clock."""
        self._began = time.monotonic()
        self._known: dict[str, str] = {}

    def say(self, sentence: str) -> None:
        """Write the sentence on a line of its own."""
        self._write(f"== {sentence}")

    def show(self, view: View) -> None:
        """Write what is new, what is different, and what is gone."""
        seen = facts(view)
        for name, value in seen.items():
            if self._known.get(name) != value:
                self._write(f"{name}: {value}")
        for name in self._known.keys() - seen.keys():
            self._write(f"{name}: gone")
        self._known = seen

    def _write(self, text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - self._began:6.1f} s  {text}\n")
        sys.stdout.flush()


class Picture:
    """A table of resources beside a table of conditions, drawn anew at every look."""

    def __init__(self, live: Live) -> None:
        """Draw into a running live display."""
        self._live = live

    def say(self, sentence: str) -> None:
        """Write the sentence above the tables, where it stays."""
        self._live.console.print(Text(sentence, style="bold"))

    def show(self, view: View) -> None:
        """Draw the tables."""
        self._live.update(Group(_conditions(view), _things(view), _drift(view)))


def facts(view: View) -> dict[str, str]:
    """Return the view as named values, each of which can be told in a line."""
    seen = {f"{thing.kind} {thing.name}": thing.state or "there" for thing in view.things}
    seen |= {
        f"condition {each.type}": f"{each.status} ({each.reason}) {each.message}"
        for each in view.judgements
    }
    return seen | {f"drift {line}": "seen" for line in view.drift}


def _conditions(view: View) -> Table:
    table = Table(title="kubectl get hacluster: conditions", title_justify="left", expand=True)
    for heading in ("Condition", "Status", "Reason", "Message"):
        table.add_column(heading, no_wrap=heading != "Message")
    for each in view.judgements:
        status = Text(each.status, style=COLOURS.get(each.status, ""))
        table.add_row(each.type, status, each.reason, each.message[:MESSAGE_WIDTH])
    return table


def _things(view: View) -> Table:
    table = Table(title="Azure: resources", title_justify="left", expand=True)
    for heading in ("Type", "Name", "State"):
        table.add_column(heading, no_wrap=True)
    for thing in view.things:
        state = Text(thing.state, style=COLOURS.get(thing.state, "cyan"))
        table.add_row(thing.kind, thing.name, state)
    return table


def _drift(view: View) -> Text:
    return Text("\n".join(f"drift: {line}" for line in view.drift), style="yellow")
