"""An hour without work, and the way from a drifted field to a repaired one.

    python -m tests.bench.operator_idle [--passes 60] [--drifts 10]

The five samples, their operations instant, their period the shortest there is. An hour at the usual
period of 60 s is 60 passes of each cluster; these are made in a row, and each request that could
change something in Azure is counted, and each object whose resourceVersion is another afterwards.
Then fields are overwritten behind the operator's back, each at another moment of the period, and
the time until Azure holds the declared value again is taken. Prints a table and judges nothing.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.system import SAMPLES, System, manifest, say, system, writes
from tests.bench.table import show, spread

PERIOD_S = 10
NETWORK = "2025-05-01"


def hour(made: System, passes: int) -> tuple[float, int, int]:
    """Return how many passes there were, ARM writes in them, and objects that changed."""
    versions = {
        one["metadata"]["uid"]: one["metadata"]["resourceVersion"] for one in made.objects()
    }
    before, began = made.exchanges(), made.metric("hacluster_passes_total")
    while (done := made.metric("hacluster_passes_total") - began) < passes * len(versions):
        time.sleep(PERIOD_S)
    changed = [
        one
        for one in made.objects()
        if one["metadata"]["resourceVersion"] != versions[one["metadata"]["uid"]]
    ]
    return done, writes(made.exchanges() - before), len(changed)


def drifts(made: System, count: int) -> list[float]:
    """Return the seconds from each change to its repair."""
    found = []
    for number in range(count):
        time.sleep(PERIOD_S * number / count)
        found.append(drift(made, number))
        say(f"repaired after {found[-1]:.2f} s")
    return found


def drift(made: System, number: int) -> float:
    """Overwrite a field, one of three in turn; return the seconds until it is as declared."""
    what, read, write = FIELDS[number % len(FIELDS)]
    url = address(made, what)
    body = made.sim.send("GET", url).body
    declared = read(body)
    write(body)
    reply = made.sim.send("PUT", url, body)
    assert reply.status in {200, 201}, reply.body
    began = time.monotonic()
    assert read(made.sim.send("GET", url).body) != declared
    while read(made.sim.send("GET", url).body) != declared:
        if time.monotonic() - began > 10 * PERIOD_S:
            raise SystemExit(f"{what} was not repaired")
        time.sleep(0.1)
    return time.monotonic() - began


def address(made: System, what: str) -> str:
    """Return where a resource of the sample with the internal balancer is."""
    group = f"{made.sim.subscription}/resourceGroups/internal-load-balancer"
    return f"{group}/providers/Microsoft.Network/{what}?api-version={NETWORK}"


def _probe(body: Any) -> Any:
    return body["properties"]["probes"][0]["properties"]


def _rule(body: Any) -> Any:
    rules = body["properties"]["securityRules"]
    return min(rules, key=lambda rule: str(rule["name"]))["properties"]


def _balancing(body: Any) -> Any:
    return body["properties"]["loadBalancingRules"][0]["properties"]


def _field(
    what: str, holder: Callable[[Any], Any], name: str, other: Any
) -> tuple[str, Callable[[Any], Any], Callable[[Any], None]]:
    def write(body: Any) -> None:
        holder(body)[name] = other

    return what, lambda body: holder(body).get(name), write


FIELDS = (
    _field("loadBalancers/TestLoadBalancer", _probe, "port", 4711),
    _field("networkSecurityGroups/NetSecGroup-1", _rule, "access", "Deny"),
    _field("loadBalancers/TestLoadBalancer", _balancing, "backendPort", 4712),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=60, help="of each cluster, in a row")
    parser.add_argument("--drifts", type=int, default=12)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="hacluster-bench-") as directory,
        system(Path(directory)) as made,
    ):
        for name in SAMPLES:
            made.apply(manifest(name, name, made.subscription, syncIntervalSeconds=PERIOD_S))
        made.wait(set(SAMPLES), 300)
        time.sleep(2 * PERIOD_S)
        say(f"{options.passes} passes of each cluster follow")
        passes, written, changed = hour(made, options.passes)
        say(f"{passes:.0f} passes, {written} writes, {changed} objects changed")
        took = drifts(made, options.drifts)
    rows = [
        [f"ARM writes in {passes:.0f} idle passes of {len(SAMPLES)} clusters", f"{written}", "0"],
        ["objects written to the API server meanwhile", f"{changed}", "0"],
        [
            f"drifted field to repaired, period {PERIOD_S} s, n = {options.drifts}",
            spread(took, " s", 1),
            f"{PERIOD_S + 2} s",
        ],
    ]
    show("Operator: an idle hour and a drifted field", ["what", "measured", "goal"], rows)


if __name__ == "__main__":
    main()
