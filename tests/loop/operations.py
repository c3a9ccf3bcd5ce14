"""An API server with operations, a store, and nodes that do what a test says, in virtual time."""

import asyncio
import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from hacluster.errors import HAClusterError
from hacluster.model.cluster import Cluster
from hacluster.reconcile.operations.doors import Meeting
from hacluster.reconcile.operations.keeper import OperationKeeper
from hacluster.reconcile.operations.one_round import Rounds
from hacluster.reconcile.ports import EventType, Raw
from hacluster.reconcile.store_port import Blob, NotChanged, WriteLost
from hacluster_wire.documents import ORDERS, STATUS, Document, open_sealed, seal
from hacluster_wire.keys import KeyRing, derive
from hacluster_wire.orders import Order, parse_orders

SAMPLE = Path(__file__).parents[2] / "deploy" / "samples" / "internal-load-balancer.yaml"
NODES = ("node-1", "node-2")
GROUP = "failover1"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
RINGS = {node: KeyRing({"k1": derive(b"m" * 32, "document", node)}, "k1") for node in NODES}


def now() -> datetime:
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


@dataclass
class FakeStore:
    """Blobs by name, with versions."""

    blobs: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    away: HAClusterError | None = None
    reads: int = 0

    async def read(self, name: str, *, unless: str = "") -> Blob | NotChanged | None:
        self._check()
        self.reads += 1
        if name not in self.blobs:
            return None
        content, version = self.blobs[name]
        return NotChanged() if unless == str(version) else Blob(content=content, tag=str(version))

    async def write(
        self, name: str, content: bytes, *, only_if: str | None = None
    ) -> str | WriteLost:
        self._check()
        version = self.blobs[name][1] if name in self.blobs else 0
        if only_if is not None and only_if != (str(version) if version else ""):
            return WriteLost()
        self.blobs[name] = (content, version + 1)
        self.writes.append(name)
        return str(version + 1)

    async def names(self, prefix: str) -> tuple[str, ...]:
        return tuple(sorted(name for name in self.blobs if name.startswith(prefix)))

    async def sas(self, since: datetime, until: datetime) -> str:
        raise AssertionError("operations need no signature")

    def _check(self) -> None:
        if self.away:
            raise self.away


@dataclass
class FakeDesk:
    """One cluster's object, its operations and its events."""

    body: dict[str, Any] | None
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[tuple[EventType, str, str]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    phases: list[tuple[str, str]] = field(default_factory=list)
    """Each phase that was written, by operation."""
    die_after: str = ""
    """An operator's life ends right after it has written this phase."""

    async def operations(self, namespace: str) -> tuple[Raw, ...]:
        return tuple(Raw(body=copy.deepcopy(body)) for body in self.objects.values())

    async def cluster(self, namespace: str, name: str) -> Raw | None:
        return None if self.body is None else Raw(body=copy.deepcopy(self.body))

    async def report(self, of: Raw, status: Mapping[str, Any]) -> Raw | None:
        kept = self.objects.get(of.name)
        if kept is None or kept["metadata"]["resourceVersion"] != of.metadata["resourceVersion"]:
            return None
        kept.setdefault("status", {}).update(status)
        kept["metadata"]["resourceVersion"] = str(int(of.metadata["resourceVersion"]) + 1)
        self.phases.append((of.name, status["phase"]))
        if status["phase"] == self.die_after:
            raise asyncio.CancelledError
        return Raw(body=copy.deepcopy(kept))

    async def delete(self, of: Raw) -> None:
        kept = self.objects.get(of.name)
        if kept and kept["metadata"]["resourceVersion"] == of.metadata["resourceVersion"]:
            del self.objects[of.name]
            self.deleted.append(of.name)

    async def event(self, of: Raw, kind: EventType, reason: str, message: str) -> None:
        self.events.append((kind, reason, message))


@dataclass
class FakeMeetings:
    """One cluster's meeting place."""

    store: FakeStore

    async def of(self, cluster: Cluster) -> Meeting:
        return Meeting(store=self.store, cluster_id="Cluster1", rings=RINGS)


@dataclass
class Nodes:
    """The agents: they report every five seconds, and do orders as a test wants them to."""

    store: FakeStore
    clock: Callable[[], datetime] = now
    standing: dict[str, str] = field(
        default_factory=lambda: {"node-1": "Active", "node-2": "Inactive"}
    )
    silent: set[str] = field(default_factory=set)
    stuck: bool = False
    """Orders are taken up and never come to an end."""
    begun: list[tuple[str, str, str]] = field(default_factory=list)
    """Node, type and id of every order that was begun."""
    results: dict[str, dict[str, dict[str, Any]]] = field(
        default_factory=lambda: {node: {} for node in NODES}
    )

    def report(self) -> None:
        """Let every node that is not silent look at its orders and write its status."""
        for node in NODES:
            if node not in self.silent:
                self._obey(node)
                self._write(node)

    def orders(self, node: str) -> tuple[Order, ...]:
        """Return what lies in the store for a node, verified as the agent does."""
        if f"orders/{node}" not in self.store.blobs:
            return ()
        text = self.store.blobs[f"orders/{node}"][0]
        return parse_orders(open_sealed(text, RINGS[node], ORDERS, "Cluster1", node).content)

    def _obey(self, node: str) -> None:
        for order in self.orders(node):
            if order.id not in self.results[node]:
                self.begun.append((node, order.type, order.id))
                self._result(node, order.id, "Running")
            elif not self.stuck and self.results[node][order.id]["phase"] == "Running":
                if order.type == "Move":
                    self.standing = {"node-1": "Inactive", "node-2": "Inactive"}
                    self.standing["node-2" if node == "node-1" else "node-1"] = "Active"
                self._result(node, order.id, "Succeeded")

    def _result(self, node: str, order: str, phase: str) -> None:
        said = {"id": order, "phase": phase, "message": f"{phase} there", "at": 1.0}
        self.results[node][order] = said

    def _write(self, node: str) -> None:
        content = {
            "leaving": "",
            "groups": [{"name": GROUP, "standing": self.standing[node]}],
            "peers": [
                {"name": other, "alive": other not in self.silent}
                for other in NODES
                if other != node
            ],
            "orders": list(self.results[node].values()),
        }
        generation = int(self.clock().timestamp() * 1000)
        document = Document(STATUS, "Cluster1", node, generation, content)
        version = self.store.blobs.get(f"status/{node}", (b"", 0))[1]
        self.store.blobs[f"status/{node}"] = (seal(document, RINGS[node]), version + 1)


@dataclass
class World:
    """The keeper of operations between all of these."""

    desk: FakeDesk
    store: FakeStore
    nodes: Nodes
    keeper: OperationKeeper = field(init=False)
    ticking: asyncio.Task[None] | None = None

    def operator(self) -> OperationKeeper:
        """Start an operator anew: it knows nothing, and is told of every object."""
        self.keeper = OperationKeeper(Rounds(self.desk, FakeMeetings(self.store), now))
        for body in self.desk.objects.values():
            self.keeper.heard(Raw(body=copy.deepcopy(body)))
        return self.keeper

    def start(self) -> None:
        """Let the nodes report and an operator run."""
        self.operator()
        self.nodes.report()
        self.ticking = asyncio.create_task(self._tick())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(5)
            self.nodes.report()

    def ask(self, name: str, *, age_s: float = 0.0, **spec: Any) -> None:
        """Make an operation, as kubectl would."""
        created = (now() - timedelta(seconds=age_s)).isoformat(timespec="seconds")
        body = {
            "apiVersion": "hacluster.dev/v1alpha1",
            "kind": "HAClusterOperation",
            "metadata": {
                "namespace": "default",
                "name": name,
                "uid": f"uid-{name}",
                "resourceVersion": "1",
                "creationTimestamp": created.replace("+00:00", "Z"),
            },
            "spec": {"cluster": "cluster1", **spec},
        }
        self.desk.objects[name] = json.loads(json.dumps(body))
        self.keeper.heard(Raw(body=copy.deepcopy(body)))

    def status(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.desk.objects[name].get("status") or {}
        return found

    async def until(self, name: str, phase: str, within_s: float = 400.0) -> dict[str, Any]:
        began = now()
        while self.status(name).get("phase") != phase:
            assert (now() - began).total_seconds() < within_s, self.status(name)
            await asyncio.sleep(0.1)
        return self.status(name)


def world() -> World:
    body = yaml.safe_load(SAMPLE.read_text())
    body["metadata"] |= {"namespace": "default", "uid": "u-1", "generation": 1}
    store = FakeStore()
    return World(FakeDesk(body), store, Nodes(store))
