"""Clusters to plan: the shipped samples, and changes to them."""

import copy
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from tests.unit.plan.fake_azure import FakeAzure

from hacluster.model.assessment import Assessment
from hacluster.model.cluster import Cluster
from hacluster.model.ids import ArmId, key
from hacluster.model.observed import Absent, Snapshot
from hacluster.model.parse import parse
from hacluster.plan import parts
from hacluster.plan.inventory import inventory
from hacluster.plan.steps import Put
from hacluster.plan.view import View
from hacluster.reconcile.gate import DELETION, Gated, Limits, gate

FOLDER = Path(__file__).parents[3] / "deploy" / "samples"
SAMPLES = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))
STANDBY = Assessment(active="node-1", serving=("node-1",))


@cache
def _manifest(name: str) -> dict[str, Any]:
    raw: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    raw["metadata"] |= {"uid": "11111111-2222", "generation": 1}
    return raw


@cache
def _parsed(name: str) -> Cluster:
    return parse(_manifest(name))


def sample(
    name: str = "internal-load-balancer", change: Callable[[dict[str, Any]], object] | None = None
) -> Cluster:
    """Return a sample, its spec changed."""
    if change is None:
        return _parsed(name)
    raw = copy.deepcopy(_manifest(name))
    change(raw["spec"])
    return parse(raw)


def nothing_there(cluster: Cluster) -> View:
    """Return the view of a cluster that was looked for completely and not found."""
    watched = parts.watched(View.of(cluster))
    return View.of(cluster, seen=Snapshot(resources={key(one): Absent(id=one) for one in watched}))


class Operator:
    """What the loop does, without anything that is not pure: look, plan, gate, apply."""

    def __init__(self, azure: FakeAzure, cluster: Cluster) -> None:
        self.azure = azure
        self.cluster = cluster
        self.inventory: tuple[ArmId, ...] = ()
        self.assessment = Assessment()
        self.limits = Limits()

    def copy(self) -> "Operator":
        """Return another one over an Azure of its own, both as they are here."""
        made = Operator(self.azure.copy(), self.cluster)
        made.inventory, made.assessment = self.inventory, self.assessment
        made.limits = self.limits
        return made

    def view(self, *, members: bool = False) -> View:
        """Look."""
        ids = parts.watched(View.of(self.cluster), self.inventory)
        owner = f"{self.cluster.namespace}/{self.cluster.name}"
        return View.of(
            self.cluster,
            seen=self.azure.snapshot(ids, owner, members=members),
            inventory=self.inventory,
            assessment=self.assessment,
        )

    def gated(self) -> Gated:
        """Look, plan and gate, and note what is ours before anything is sent."""
        view = self.view()
        gated = gate(parts.plan(view), view, self.limits)
        puts = [step for step in gated.allowed if isinstance(step, Put)]
        self.inventory = inventory(view, parts.wanted(view), self.inventory, puts)
        return gated

    def run(self, passes: int = 30) -> int:
        """Make passes until nothing is allowed; return how many it took."""
        for number in range(passes):
            allowed = self.gated().allowed
            for step in allowed:
                self.azure.apply(step)
            self.azure.settle()
            if not allowed:
                return number
        raise AssertionError(f"no end after {passes} passes")

    def delete(self, passes: int = 30) -> int:
        """Make passes of a deletion until nothing is allowed."""
        for number in range(passes):
            view = self.view(members=True)
            allowed = gate(parts.plan_deletion(view), view, DELETION).allowed
            for step in allowed:
                self.azure.apply(step)
            self.azure.settle()
            if not allowed:
                return number
        raise AssertionError(f"no end after {passes} passes")


def made_sample(name: str) -> Operator:
    """Return an operator that has made a sample, without making it each time."""
    return _made_sample(name).copy()


@cache
def _made_sample(name: str) -> Operator:
    return made(sample(name))


def made(cluster: Cluster) -> Operator:
    """Return an operator that has made the whole cluster."""
    operator = Operator(FakeAzure(), cluster)
    operator.run()
    return operator


def names(ids: Iterable[str]) -> set[str]:
    """Return the last words of ids."""
    return {one.rsplit("/", 1)[-1] for one in ids}
