"""From `kubectl apply` to AzureReconciled=True, beside the least that Azure itself needs.

    python -m tests.bench.operator_convergence [--rounds 3] [--speed 1]

All samples are applied at once, each in a group of its own, to a simulator whose operations take
their typical time. The critical path is the longest chain of operations: each of its links waits
for the one before, by what the plan says a resource needs, and takes what the simulator's table
says; so it is what a client would need that loses no moment. Writes are counted by the simulator
from the apply to the end, all that can change something, refused ones included. Prints a table and
judges nothing.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench.system import SAMPLES, manifest, say, system, writes
from tests.bench.table import show, spread

from azuresim.resources.durations import TYPICAL
from azuresim.resources.registry import TYPES
from hacluster.model.ids import ArmId, key, type_of
from hacluster.model.parse import parse
from hacluster.plan import parts
from hacluster.plan.settle import describe
from hacluster.plan.view import View
from hacluster.plan.wanted import Wanted

PATIENCE_S = 900.0
GOAL = 1.15
SUBNETS = "microsoft.network/virtualnetworks/subnets"


def seconds_by_type() -> dict[str, float]:
    """Return how long the simulator takes to create one of each type, by type in lower case."""
    found = {one.kind.casefold(): TYPICAL[one.create.duration or one.duration] for one in TYPES}
    return found | {SUBNETS: TYPICAL["subnet"]}


def asked_for(raw: Mapping[str, Any]) -> dict[str, Wanted]:
    """Return every resource that an object asks for, by key."""
    stored = {**raw, "metadata": {**raw["metadata"], "uid": "bench", "generation": 1}}
    return {key(one.id): one for one in parts.wanted(View.of(parse(stored)))}


def critical_path(asked: Mapping[str, Wanted]) -> tuple[float, tuple[ArmId, ...]]:
    """Return the seconds of the longest chain of creations, and the chain."""
    takes = seconds_by_type()
    known: dict[str, tuple[float, tuple[ArmId, ...]]] = {}

    def begins(one: Wanted) -> tuple[float, tuple[ArmId, ...]]:
        """Return when a creation can begin, and what it waited for."""
        ended = [ends(need) for need in map(key, one.needs) if need in asked]
        begun = [begins(asked[need]) for need in map(key, one.needs_begun) if need in asked]
        return max([*ended, *begun], default=(0.0, ()))

    def ends(name: str) -> tuple[float, tuple[ArmId, ...]]:
        if name not in known:
            at, before = begins(asked[name])
            own = takes[type_of(asked[name].id).casefold()]
            known[name] = (at + own, (*before, asked[name].id))
        return known[name]

    return max(ends(name) for name in asked)


def one_round(directory: Path, speed: float) -> tuple[dict[str, float], float]:
    """Return the seconds each sample took, and ARM writes per created resource."""
    directory.mkdir()
    options = ("--durations", "typical", "--speed", str(speed))
    with system(directory, *options) as made:
        before = writes(made.exchanges())
        manifests = {name: manifest(name, name, made.subscription) for name in SAMPLES}
        began = time.monotonic()
        made.apply(*manifests.values())
        took: dict[str, float] = {}
        while len(took) < len(manifests):
            if time.monotonic() - began > PATIENCE_S:
                raise SystemExit(f"not reconciled: {sorted(manifests.keys() - took.keys())}")
            time.sleep(0.2)
            for name in made.reconciled() - took.keys():
                took[name] = time.monotonic() - began
                say(f"{name} is reconciled after {took[name]:.1f} s")
        created = sum(len(asked_for(one)) for one in manifests.values())
        per_resource = (writes(made.exchanges()) - before) / created
        say(f"{created} resources, {per_resource:.2f} writes each")
        return took, per_resource


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--speed", type=float, default=1.0, help="of the simulator's operations")
    options = parser.parse_args()
    took: dict[str, list[float]] = {name: [] for name in SAMPLES}
    per_resource: list[float] = []
    with tempfile.TemporaryDirectory(prefix="hacluster-bench-") as directory:
        for number in range(options.rounds):
            say(f"Round {number + 1} of {options.rounds}")
            found, ratio = one_round(Path(directory) / str(number), options.speed)
            per_resource.append(ratio)
            for name, value in found.items():
                took[name].append(value)
    rows = []
    for name, values in took.items():
        path, chain = critical_path(asked_for(manifest(name, name)))
        least = path / options.speed
        ratios = spread([value / least for value in values], digits=2)
        links = ", ".join(describe(one).split("/")[0] for one in chain)
        rows.append([name, f"{least:.0f} s: {links}", spread(values, " s", 1), ratios, f"{GOAL}"])
    head = ["sample", "critical path", "apply to AzureReconciled", "ratio", "goal"]
    show(f"Operator: convergence, n = {options.rounds}, all samples at once", head, rows)
    show(
        f"Operator: ARM writes per created resource, n = {options.rounds}",
        ["what", "measured", "goal"],
        [["five samples", spread(per_resource, digits=2), "1.0"]],
    )


if __name__ == "__main__":
    main()
