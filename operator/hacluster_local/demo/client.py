"""A client in the virtual network that knows nothing of this project: curl, again and again."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hacluster_local.demo import answers
from hacluster_local.processes import Program, Running, start

EVERY_S: Final = 0.1
PATIENCE_S: Final = 1
LOOP: Final = """
while :; do
  sent=$(date +%s.%N)
  said=$(curl --silent --max-time {patience} --write-out '\\n%{{http_code}}' {url})
  echo "$sent $(date +%s.%N) ${{said##*
}} ${{said%%
*}}"
  sleep {every}
done
"""
"""Prints when it asked, when it had the answer, the status, and the page's first line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One that runs."""

    running: Running

    def log(self) -> tuple[answers.Answer, ...]:
        """Return what it has written down so far."""
        with self.running.log.open() as lines:
            return answers.read(lines)

    def last(self) -> answers.Answer | None:
        """Return its newest try."""
        return next(reversed(self.log()), None)


def start_client(home: Path, url: str, place: str = "vnet") -> Client:
    """Start a client in the virtual network or in the internet; `down` ends it.

    Args:
        home: The environment's folder.
        url: What it asks for.
        place: `vnet` or `internet`.
    """
    loop = LOOP.format(url=shlex.quote(url), patience=PATIENCE_S, every=EVERY_S)
    words = (str(home / "on"), place, "sh", "-c", loop)
    program = Program(name=f"client-{place}", arguments=words, directory=home, environment={})
    return Client(running=start(program, home))
