"""Tell a person who waits what is going on: one line per step, with the seconds it took.

On a terminal the line counts the seconds; elsewhere (a log file, CI) a line says every 20 seconds
that it goes on.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

STILL_HERE_S = 20.0


class Step:
    """One piece of work under way; `tick` is called often by whoever waits for it."""

    def __init__(self, what: str, usually: str = "") -> None:
        """Say what is done, and how long it usually takes ("about 4 min", or "")."""
        self._what = what
        self._usually = usually
        self._began = time.monotonic()
        self._said = self._began
        self._live = sys.stderr.isatty()
        hint = f" ({usually})" if usually else ""
        self._write(f"{what}{hint} ...", end="" if self._live else "\n")

    def tick(self) -> None:
        """Show that the work goes on, when it is time to."""
        now = time.monotonic()
        pause = 1.0 if self._live else STILL_HERE_S
        if now - self._said < pause:
            return
        self._said = now
        hint = f", {self._usually}" if self._usually else ""
        line = f"{self._what} ... {now - self._began:.0f} s{hint}"
        self._write(f"\r{line}" if self._live else f"  {line}", end="" if self._live else "\n")

    def end(self, outcome: str) -> None:
        """Close the step with one word on how it went."""
        seconds = time.monotonic() - self._began
        start = "\r\x1b[K" if self._live else "  "
        self._write(f"{start}{self._what}: {outcome} in {seconds:.1f} s")

    @staticmethod
    def _write(text: str, end: str = "\n") -> None:
        sys.stderr.write(text + end)
        sys.stderr.flush()


@contextmanager
def step(what: str, usually: str = "") -> Iterator[Step]:
    """Announce a piece of work and how it ended, also when it failed."""
    current = Step(what, usually)
    try:
        yield current
    except BaseException:
        current.end("failed")
        raise
    current.end("done")


def say(text: str) -> None:
    """Write one line for the person who waits."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
