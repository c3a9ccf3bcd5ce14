"""An Azure and an API server behind the loop's ports, in virtual time.

Azure's operations take as long as a test says; a write of something takes it through Updating.
Faults are put in by hand: `refuse` makes a step fail, `blind` a look, until taken out.
"""

import asyncio
import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from hacluster.errors import HAClusterError
from hacluster.model.assessment import BackendHealth
from hacluster.model.ids import ArmId, child, key, parent_of, type_of
from hacluster.model.observed import Absent, Present, Seen, Snapshot
from hacluster.plan.steps import Delete, Put, Step
from hacluster.reconcile.keeper import Keeper, Wake
from hacluster.reconcile.one_pass import OnePass
from hacluster.reconcile.ports import (
    Account,
    Agents,
    Done,
    EventType,
    Failed,
    Look,
    Lost,
    Operation,
    Outcome,
    Raw,
    Started,
    Waiting,
)
from hacluster.reconcile.store_port import Blob, NotChanged, WriteLost

SAMPLE = Path(__file__).parents[2] / "deploy" / "samples" / "minimal.yaml"
CLOCK = datetime(2026, 1, 1, tzinfo=UTC)
"""The wall clock at virtual second 0."""
CHOSEN_BY_AZURE = {
    "clientId": "3d8f0000-0000-0000-0000-000000000002",
    "principalId": "3d8f0000-0000-0000-0000-000000000001",
    "primaryEndpoints": {"blob": "https://account.blob.core.windows.net/"},
}


def now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Thing:
    """A resource in Azure."""

    id: ArmId
    body: dict[str, Any]
    version: int
    ready_at: float
    gone_at: float | None = None

    def seen(self) -> Present:
        body = copy.deepcopy(self.body)
        is_moving = now() < self.ready_at or self.gone_at is not None
        state = "Succeeded"
        if is_moving:
            state = "Deleting" if self.gone_at is not None else "Updating"
        properties = body.setdefault("properties", {})
        properties["provisioningState"] = state
        return Present(id=self.id, body=body, etag=str(self.version))


@dataclass
class FakeStore:
    """A container; `refuse` makes every call fail."""

    blobs: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    reads: list[tuple[str, str]] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    refuse: HAClusterError | None = None
    refuse_sas: HAClusterError | None = None
    signed: list[tuple[datetime, datetime]] = field(default_factory=list)
    """From when until when each SAS is good."""
    _tag: int = 0

    async def read(self, name: str, *, unless: str = "") -> Blob | NotChanged | None:
        await asyncio.sleep(0.01)
        if self.refuse:
            raise self.refuse
        content, tag = self.blobs.get(name, (None, 0))
        if content is None:
            return None
        self.reads.append((name, "unchanged" if unless == str(tag) else "read"))
        return NotChanged() if unless == str(tag) else Blob(content=content, tag=str(tag))

    async def write(
        self, name: str, content: bytes, *, only_if: str | None = None
    ) -> str | WriteLost:
        await asyncio.sleep(0.01)
        if self.refuse:
            raise self.refuse
        tag = str(self.blobs[name][1]) if name in self.blobs else ""
        if only_if is not None and only_if != tag:
            return WriteLost()
        self.writes.append(name)
        return self.put(name, content)

    async def names(self, prefix: str) -> tuple[str, ...]:
        if self.refuse:
            raise self.refuse
        return tuple(sorted(name for name in self.blobs if name.startswith(prefix)))

    async def sas(self, since: datetime, until: datetime) -> str:
        if self.refuse or self.refuse_sas:
            raise self.refuse or self.refuse_sas or AssertionError
        self.signed.append((since, until))
        return f"sig=hunter{len(self.signed)}"

    def put(self, name: str, content: bytes) -> str:
        """Write a blob as somebody else does."""
        self._tag += 1
        self.blobs[name] = (content, self._tag)
        return str(self._tag)


@dataclass
class FakeAzure:
    """One subscription; it is its own door."""

    takes_s: float = 3.0
    things: dict[str, Thing] = field(default_factory=dict)
    writes: list[tuple[float, str, ArmId]] = field(default_factory=list)
    looks: list[tuple[float, Look]] = field(default_factory=list)
    refuse: dict[str, HAClusterError] = field(default_factory=dict)
    """Errors by resource type, casefolded."""
    busy: set[str] = field(default_factory=set)
    """Types on which another operation is under way."""
    blind: HAClusterError | None = None
    locked_out: HAClusterError | None = None
    health: tuple[BackendHealth, ...] | None = None
    health_asked: int = 0
    blobs: FakeStore = field(default_factory=FakeStore)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """How scripts end, by node; those of other nodes succeed."""
    sharers: int = 1
    remembers_health: bool = False
    """Whether an answer that is not too old for the asker is given again, as the adapter does."""
    _collected: tuple[float, tuple[BackendHealth, ...] | None] = (float("-inf"), None)
    _tags: dict[tuple[str, ...], int] = field(default_factory=dict)
    _versions: int = 0

    async def enter(self, account: Account) -> "FakeAzure":
        if self.locked_out:
            raise self.locked_out
        return self

    async def store(self, account: Account, container: str) -> "FakeStore":
        if self.locked_out:
            raise self.locked_out
        return self.blobs

    async def look(self, look: Look) -> Snapshot:
        self.looks.append((now(), look))
        await asyncio.sleep(0.01)
        if self.blind:
            raise self.blind
        self._settle()
        wanted = {key(one): one for one in look.ids | look.fresh}
        seen: dict[str, Seen] = {k: self._see(one) for k, one in wanted.items()}
        inside = f"{key(look.group)}/"
        members = tuple(one.id for k, one in self.things.items() if k.startswith(inside))
        tags = (self._tags.setdefault(_mark(one), len(self._tags)) for one in seen.values())
        return Snapshot(
            resources=seen,
            members={key(look.group): members} if look.members else {},
            tag=tuple(sorted(tags)),
        )

    async def apply(self, step: Step) -> Outcome:
        await asyncio.sleep(0.01)
        self._settle()
        self.writes.append((now(), type(step).__name__, step.id))
        if error := self.refuse.get(type_of(step.id).casefold()):
            return Failed(step=step, error=error)
        if type_of(step.id).casefold() in self.busy:
            return Waiting(step=step, why="another operation is under way")
        thing = self.things.get(key(step.id))
        if isinstance(step, Put):
            if step.etag is not None and (thing is None or str(thing.version) != step.etag):
                return Lost(step=step)
            self.put(step.id, step.body, self.takes_s)
        elif isinstance(step, Delete) and thing is not None:
            thing.gone_at = now() + self.takes_s
        return Started(step=step) if self.takes_s else Done(step=step)

    async def operation_of(self, resource: ArmId) -> Operation | None:
        thing = self.things.get(key(resource))
        is_running = thing is not None and (now() < thing.ready_at or thing.gone_at is not None)
        return Operation(is_running=is_running)

    async def rule_health(
        self, rule: ArmId, *, max_age: timedelta
    ) -> tuple[BackendHealth, ...] | None:
        if self.remembers_health and now() - self._collected[0] <= max_age.total_seconds():
            return self._collected[1]
        self.health_asked += 1
        self._collected = (now(), self.health)
        return self.health

    def put(self, resource: ArmId, body: Mapping[str, Any], takes_s: float = 0.0) -> None:
        """Make or change a resource, as Azure or somebody else does."""
        self._versions += 1
        kept = copy.deepcopy(dict(body))
        kept.setdefault("properties", {}).update(CHOSEN_BY_AZURE)
        kept["properties"]["instanceView"] = {"statuses": [{"code": "PowerState/running"}]}
        if type_of(resource).endswith("/runCommands"):
            node = parent_of(resource).rsplit("/", 1)[-1]
            end = {"endTime": (CLOCK + timedelta(seconds=round(now() + takes_s))).isoformat()}
            succeeded = {"executionState": "Succeeded", "exitCode": 0}
            kept["properties"]["instanceView"] = self.runs.get(node, succeeded) | end
        self.things[key(resource)] = Thing(
            id=resource, body=kept, version=self._versions, ready_at=now() + takes_s
        )
        self._tell_parent(resource, kept)

    def _tell_parent(self, resource: ArmId, body: dict[str, Any]) -> None:
        """Show a subnet in its network's body."""
        parent = self.things.get(key(parent_of(resource)))
        if parent is not None and type_of(resource).endswith("/subnets"):
            name = resource.rsplit("/", 1)[-1]
            others = [
                one for one in parent.body["properties"].get("subnets", ()) if one["name"] != name
            ]
            subnet = {"id": child(parent.id, "subnets", name), "name": name, **body}
            parent.body["properties"]["subnets"] = [*others, subnet]

    def _settle(self) -> None:
        for k, thing in tuple(self.things.items()):
            if thing.gone_at is not None and now() >= thing.gone_at:
                for inner in [one for one in self.things if one == k or one.startswith(f"{k}/")]:
                    del self.things[inner]

    def _see(self, resource: ArmId) -> Seen:
        thing = self.things.get(key(resource))
        return thing.seen() if thing else Absent(id=resource)


def _mark(seen: Seen) -> tuple[str, ...]:
    """Return what is another whenever something else is seen of a resource."""
    if isinstance(seen, Present):
        inner = repr(seen.properties.get("subnets"))  # They come without a new etag here.
        return (seen.id, seen.etag or "", seen.provisioning_state, inner)
    return (seen.id,)


@dataclass
class FakeKubernetes:
    """One object, its status and its events."""

    body: dict[str, Any]
    patches: list[tuple[float, Mapping[str, Any]]] = field(default_factory=list)
    events: list[tuple[EventType, str, str]] = field(default_factory=list)
    is_gone: bool = False

    async def get(self, namespace: str, name: str) -> Raw | None:
        return None if self.is_gone else self.raw()

    async def patch_status(self, of: Raw, patch: Mapping[str, Any]) -> Raw | None:
        if self.is_gone:
            return None
        self.patches.append((now(), patch))
        self.body["status"] = merged(self.body.get("status") or {}, patch)
        self.touch()
        return self.raw()

    async def event(self, of: Raw, kind: EventType, reason: str, message: str) -> None:
        self.events.append((kind, reason, message))

    def raw(self) -> Raw:
        return Raw(body=copy.deepcopy(self.body))

    def touch(self) -> None:
        version = int(self.body["metadata"]["resourceVersion"])
        self.body["metadata"]["resourceVersion"] = str(version + 1)

    def condition(self, kind: str) -> dict[str, Any]:
        found = (self.body.get("status") or {}).get("conditions") or ()
        return next((one for one in found if one["type"] == kind), {})


class NoCounters:
    """Counts nothing."""

    def passed(self, result: str, seconds: float) -> None:
        pass

    def step(self, verb: str, outcome: str) -> None:
        pass


@dataclass
class World:
    """The loop between a fake Azure and a fake API server."""

    azure: FakeAzure
    kubernetes: FakeKubernetes
    keeper: Keeper
    wake: Wake = field(default_factory=Wake)
    task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Let the loop run."""
        self.task = asyncio.create_task(self.keeper.keep(self.kubernetes.raw, self.wake))

    def change(self, **spec: Any) -> None:
        """Change parts of the spec, as an applied manifest would, and wake the loop."""
        self.kubernetes.body["spec"] = merged(self.kubernetes.body["spec"], spec)
        self.kubernetes.body["metadata"]["generation"] += 1
        self.notice()

    def annotate(self, name: str, value: str) -> None:
        self.kubernetes.body["metadata"].setdefault("annotations", {})[name] = value
        self.notice()

    def notice(self) -> None:
        self.kubernetes.touch()
        self.wake.heard(self.kubernetes.raw())

    async def until(self, kind: str, status: str, within_s: float) -> float:
        """Wait until a condition has a status; return how long it took."""
        began = now()
        while self.kubernetes.condition(kind).get("status") != status:
            assert now() - began < within_s, self.kubernetes.condition(kind)
            await asyncio.sleep(0.05)
        return now() - began


def world(agents: Agents | None = None, **spec: Any) -> World:
    """Return the minimal sample before anything was done; nodes are left without ``agents``."""
    body = yaml.safe_load(SAMPLE.read_text())
    body["metadata"] |= {"uid": "u-1", "generation": 1, "resourceVersion": "1"}
    body["spec"] = merged(body["spec"], spec)
    azure, kubernetes = FakeAzure(), FakeKubernetes(body)
    passes = OnePass(
        azure,
        kubernetes,
        NoCounters(),
        agents,
        now=lambda: CLOCK + timedelta(seconds=round(now())),
    )
    return World(azure, kubernetes, Keeper(passes, kubernetes))


def merged(before: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Apply a merge patch (RFC 7386)."""
    after = dict(before)
    for name, value in patch.items():
        if value is None:
            after.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(after.get(name), Mapping):
            after[name] = merged(after[name], value)
        else:
            after[name] = value
    return after
