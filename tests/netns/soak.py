"""Hundreds of faults on real agents, each picked by a seed; prints one line a run and a table.

    python -m tests.netns.soak [--runs 500] [--worlds 2] [--seed 1] [--faults freeze+stop_guard]

Needs root. A run: heal the cluster, hurt one node by one fault or two, mend, and wait for one
active node. Exit code 1 if an observer ever saw two, or a cluster did not come back. A run can
be repeated alone with the seed it prints (`--runs 1 --seed N`). With `--faults` each run does
these, one after the other, to the active node.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import random
import selectors
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.netns.cluster import NODES, Cluster, overlaps, running, violations
from tests.netns.faults import FAULTS
from tests.netns.world import why_not, world

if TYPE_CHECKING:
    from collections.abc import Sequence

BACK_WITHIN_S = 60.0
FENCE_S = 1.0


def run_once(cluster: Cluster, seed: int, faults: Sequence[str] = ()) -> dict[str, Any]:
    """Do one run and return its line; without `faults` the seed picks them, and the node."""
    dice = random.Random(seed)
    active = cluster.heal()
    begun, before = time.monotonic(), len(cluster.application())
    chosen = dice.sample(sorted(FAULTS), dice.choice([1, 1, 2]))
    node = active if dice.random() < 0.7 else dice.choice(NODES)
    if faults:
        chosen, node = list(faults), active
    problem = ""
    try:
        for name in chosen:
            FAULTS[name](cluster, node, dice)
        mended = time.monotonic()
        cluster.heal()
        back = time.monotonic() - mended
    except AssertionError as error:
        back, problem = BACK_WITHIN_S, str(error).partition("\n")[0]
    seen = [answer for answer in cluster.answers() if answer.sent >= begun]
    count, span = overlaps(cluster.application()[before:])
    line = {
        "seed": seed,
        "faults": "+".join(chosen),
        "node": "active" if node == active else "standby",
        "seconds": round(time.monotonic() - begun, 1),
        "back_s": round(back, 1),
        "epochs": len({answer.epoch for answer in seen}),
        "stale_lines": count,
        "overlap_s": round(span, 3),
        "violations": violations(seen),
        "problem": problem,
    }
    frozen = "freeze" in chosen or "stop_guard" in chosen
    stale = span > FENCE_S if frozen else count > 0
    line["bad"] = bool(line["violations"] or problem or stale)
    if line["bad"]:
        line["kept"] = keep(cluster, seed)
    return line


def keep(cluster: Cluster, seed: int) -> str:
    """Copy logs and observations of a bad run aside, and return where."""
    target = Path(tempfile.gettempdir()) / f"hacluster-soak-{seed}"
    shutil.copytree(cluster.directory, target, dirs_exist_ok=True, ignore=_sockets)
    return str(target)


def _sockets(_directory: str, names: list[str]) -> list[str]:
    return [name for name in names if name.endswith(".sock")]


def worker(first: int, runs: int, faults: Sequence[str]) -> None:
    """Do a share of the runs in a world of its own; one JSON line each on standard output."""
    with contextlib.ExitStack() as stack:
        prefix = "hacluster-soak-world-"
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix))
        made = stack.enter_context(world(Path(directory)))
        cluster = stack.enter_context(running(made, f"soak-{first}"))  # its own cgroups
        for seed in range(first, first + runs):
            say(json.dumps(run_once(cluster, seed, faults)))


def say(text: str) -> None:
    """Print a line at once: it is this program's result."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def table(lines: list[dict[str, Any]]) -> str:
    """Return the summary by fault."""
    rows = ["fault          runs  bad  failovers  median back s  max back s  max overlap s"]
    for name in sorted(FAULTS):
        of = [line for line in lines if name in line["faults"].split("+")]
        if of:
            back = [line["back_s"] for line in of]
            moves = sum(line["epochs"] > 1 for line in of)
            bad = sum(line["bad"] for line in of)
            rows.append(
                f"{name:14} {len(of):4} {bad:4} {moves:10} {statistics.median(back):14.1f}"
                f" {max(back):11.1f} {max(line['overlap_s'] for line in of):14.3f}"
            )
    bad = sum(line["bad"] for line in lines)
    two = sum(bool(line["violations"]) for line in lines)
    return "\n".join([*rows, "", f"{len(lines)} runs, {two} with two active nodes, {bad} bad"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--worlds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", default="", help="which ones, joined by +; else the seed picks")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    faults = options.faults.split("+") if options.faults else []
    if unknown := sorted(set(faults) - set(FAULTS)):
        parser.error(f"no such fault: {', '.join(unknown)}; there are {', '.join(sorted(FAULTS))}")
    if why_not():
        say(f"Not possible here: {why_not()}")
        return 2
    if options.worker:
        worker(options.seed, options.runs, faults)
        return 0
    share = -(-options.runs // options.worlds)
    counts: collections.Counter[str] = collections.Counter()
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.netns.soak", "--worker",
             "--runs", str(share), "--seed", str(options.seed + number * share),
             "--faults", options.faults],
            stdout=subprocess.PIPE, text=True,
        )
        for number in range(options.worlds)
    ]  # fmt: skip
    lines: list[dict[str, Any]] = []
    try:
        lines = collect(started, counts)
    finally:
        for process in started:
            process.terminate()
    say(table(lines))
    return 1 if not lines or any(line["bad"] for line in lines) else 0


def collect(
    started: list[subprocess.Popen[str]], counts: collections.Counter[str]
) -> list[dict[str, Any]]:
    """Read the workers' lines as they come, and print each."""
    selector = selectors.DefaultSelector()
    for process in started:
        if process.stdout is not None:
            selector.register(process.stdout, selectors.EVENT_READ)
    lines: list[dict[str, Any]] = []
    while selector.get_map():
        for key, _ in selector.select():
            text = key.fileobj.readline()  # type: ignore[union-attr] # a text pipe
            if not text:
                selector.unregister(key.fileobj)
                continue
            line = json.loads(text)
            lines.append(line)
            counts["bad"] += line["bad"]
            say(f"{len(lines):4} ({counts['bad']} bad) {json.dumps(line)}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
