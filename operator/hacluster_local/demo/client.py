"""Clients that know nothing of this project: curl, again and again, and one long connection."""

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
SILENCE_S: Final = 10
STREAM: Final = """
while :; do
  curl --silent --fail --no-buffer --connect-timeout {patience} \\
    --speed-limit 1 --speed-time {silence} {url} |
  while read -r node; do
    now=$(date +%s.%N)
    echo "$now $now 200 $node"
  done
  now=$(date +%s.%N)
  echo "$now $now 000"
  sleep {every}
done
"""
"""Prints in the same form each line of a page that never ends, and when the connection ended."""


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


def start_client(home: Path, url: str, place: str = "vnet", *, every_s: float = EVERY_S) -> Client:
    """Start a client in a virtual network or in the internet; `down` ends it.

    Args:
        home: The environment's folder.
        url: What it asks for.
        place: `internet`, `vnet`, or `vnet/NETWORK` where there are several.
        every_s: How long it rests between two tries, in seconds.
    """
    return _start(home, LOOP, "client", place, url, every_s)


def start_stream(home: Path, url: str, place: str = "vnet") -> Client:
    """Start a client that keeps one connection for as long as it lives, then makes another.

    It gives a connection up that is silent for `SILENCE_S`; arguments as for `start_client`.
    The page has to tell who serves in every line, and never end.
    """
    return _start(home, STREAM, "stream", place, url, EVERY_S)


def _start(home: Path, script: str, name: str, place: str, url: str, every_s: float) -> Client:
    loop = script.format(
        url=shlex.quote(url), patience=PATIENCE_S, silence=SILENCE_S, every=every_s
    )
    words = (str(home / "on"), place, "sh", "-c", loop)
    called = f"{name}-{place.replace('/', '-')}"
    program = Program(name=called, arguments=words, directory=home, environment={})
    return Client(running=start(program, home))
