"""What a user waits for: real machines, their agents, and a client behind the balancer; as root.

    python -m tests.bench.cluster_failover [--rounds 10] [--profiles Fastest Fast Balanced]

The shortest sample is applied to a real API server once for each profile, its machines are real
(systemd-nspawn), and curl asks the service ten times a second. What it lost counts from its last
good answer before the deed to the first one after it. A power loss ends with the node started and
able to take over again; a freeze lasts 30 s, the node's clocks run on. Apply to Ready is measured
in rounds of apply and delete. With ten rounds all of it takes about an hour and a half.
Prints tables and judges nothing, save that it ends if two nodes ever answer at once.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tests.bench.operator_convergence import asked_for, critical_path
from tests.bench.system import say
from tests.bench.table import show, spread

from hacluster_local import environment
from hacluster_local.azure import SPEED
from hacluster_local.demo import answers, failover, story
from hacluster_local.demo.look import View
from hacluster_local.setup import machine_base
from hacluster_local.setup.checkout import DEPLOY

NOT_POSSIBLE: Final = 2
FREEZE_S: Final = 30.0
PROFILES: Final = ("Fastest", "Fast", "Balanced")
GOALS: Final = {
    "Fastest": "p50 9.6, max 10",
    "Fast": "p50 14, max 14.7",
    "Balanced": "p50 20.5, max 21.5",
}
"""A crash by the protocol's own goals, and 5 s for the balancer's probes."""
HEAD: Final = ["seconds", "n", "median (least to most)", "goal"]
SAMPLE: Final = DEPLOY / "samples" / "minimal.yaml"


class Quiet:
    """A screen that tells on standard error what happens, and shows nothing between."""

    def say(self, sentence: str) -> None:
        """Tell what happens next."""
        say(sentence)

    def show(self, view: View) -> None:
        """Show nothing: looks are many."""


def applied(cast: story.Cast) -> float:
    """Apply the cluster and return the seconds until it is ready."""
    began = time.monotonic()
    story.apply(cast, SAMPLE.name)
    story.watch(cast, "Ready to be True", failover.is_ready, failover.READY_WITHIN_S)
    return time.monotonic() - began


def again(rounds: int, deed: Callable[[], float], what: str) -> list[float]:
    """Do it so many times and return each time's seconds."""
    found = []
    for number in range(1, rounds + 1):
        found.append(deed())
        say(f"{what} {number}: {found[-1]:.1f} s")
    return found


def row(what: str, seconds: list[float], goal: str) -> list[str]:
    """Return a table's row."""
    return [what, str(len(seconds)), spread(seconds, digits=1), goal]


def survived(cast: story.Cast, profile: str, rounds: int) -> list[list[str]]:
    """Hurt a running cluster in every way and return the rows."""
    made = failover.with_client(cast)
    losses = again(rounds, lambda: failover.lose_power(made), f"power loss, {profile}")
    rows = [row(f"power loss, {profile}", losses, GOALS[profile])]
    if profile == "Fast":
        moves = again(rounds, lambda: failover.move(made), "planned move")
        freezes = again(rounds, lambda: failover.freeze(made, FREEZE_S), "freeze")
        rows.append(row("planned move", moves, "5.5 beyond stop and start"))
        rows.append(row(f"freeze of {FREEZE_S:g} s, {profile}", freezes, GOALS[profile]))
    if answers.two_at_once(made.client.log()):
        raise SystemExit(f"Two nodes answered at once: {answers.turns(made.client.log())}")
    return rows


@contextlib.contextmanager
def stage() -> Iterator[story.Cast]:
    """Give an environment with everybody in place, and end it."""
    with tempfile.TemporaryDirectory(prefix="hacluster-bench-") as directory:
        home = Path(directory) / "home"
        try:
            yield failover.prepare(environment.up(home, with_machines=True), Quiet())
        finally:
            environment.down(home)


def measure(profiles: list[str], rounds: int) -> None:
    """Measure all and print the table."""
    ready: list[float] = []
    rows: list[list[str]] = []
    for profile in profiles:
        with stage() as cast:
            cast.sample["spec"]["cluster"]["partition"] = {"profile": profile}
            ready.append(applied(cast))
            rows += survived(cast, profile, rounds)
    with stage() as cast:
        least = critical_path(asked_for(cast.sample))[0] / SPEED
        while len(ready) < rounds:
            ready.append(applied(cast))
            say(f"apply to Ready {len(ready)}: {ready[-1]:.1f} s")
            story.delete(cast)
    rows.append(row("apply to Ready", ready, ""))
    rows.append(["of it Azure's critical path", "", f"{least:.1f}", ""])
    show("Cluster: what a client loses, and how long one waits for a cluster", HEAD, rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--profiles", nargs="+", default=list(PROFILES), choices=PROFILES)
    options = parser.parse_args()
    if why := machine_base.why_not():
        say(f"Not possible here: {why}")
        return NOT_POSSIBLE
    measure(options.profiles, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
