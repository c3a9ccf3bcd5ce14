"""Agents on the fake machines: they run what Run Command brought, and report through the store."""

import asyncio
import copy
import hashlib
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.loop.world import World, now

from hacluster.errors import ArmDenied
from hacluster.model.agent import AgentPackage, Guest
from hacluster.model.reasons import Reason
from hacluster.plan.nodes import keys, node_file
from hacluster.plan.nodes.node_file import NodeFileRef
from hacluster.plan.nodes.script import head_of
from hacluster.reconcile.ports import Agents, Raw, Secret
from hacluster_wire.documents import CONFIGURATION, STATUS, Document, open_sealed, seal
from hacluster_wire.errors import WireError
from hacluster_wire.keys import KeyRing, parse_ring

EPOCH = 1_767_225_600.0
"""The fake operator's wall clock at virtual second 0, in seconds since 1970."""


@dataclass
class FakeVault:
    """Secrets and ConfigMaps of one namespace."""

    secrets: dict[str, Secret] = field(default_factory=dict)
    config_maps: dict[str, dict[str, str]] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    reads: int = 0
    _versions: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def find(self, namespace: str, name: str) -> Secret | None:
        self.reads += 1
        return self.secrets.get(name)

    async def read(self, namespace: str, name: str) -> Secret:
        if name not in self.secrets:
            raise ArmDenied(f"There is no Secret {name}", reason=Reason.SECRET_MISSING)
        return self.secrets[name]

    async def create(self, of: Raw, name: str, data: Mapping[str, bytes]) -> None:
        if name not in self.secrets:
            self.writes.append(f"create {name}")
            self.put(name, data, owner=of.uid)

    async def replace(self, secret: Secret, data: Mapping[str, bytes]) -> bool:
        if self.secrets.get(secret.name) != secret:
            return False
        self.writes.append(f"replace {secret.name}")
        self.put(secret.name, data, owner=secret.owner)
        return True

    async def adopt(self, of: Raw, secret: Secret) -> bool:
        if self.secrets.get(secret.name) != secret:
            return False
        self.writes.append(f"adopt {secret.name}")
        self.put(secret.name, secret.data, owner=of.uid)
        return True

    async def config_map(self, namespace: str, name: str) -> Mapping[str, str]:
        if name not in self.config_maps:
            raise ArmDenied(f"There is no ConfigMap {name}", reason=Reason.SECRET_MISSING)
        return self.config_maps[name]

    def put(
        self, name: str, data: Mapping[str, bytes], owner: str = "", owner_name: str = "web"
    ) -> None:
        self.secrets[name] = Secret(
            namespace="default",
            name=name,
            version=str(next(self._versions)),
            data=dict(data),
            owner=owner,
            owner_name=owner_name if owner else "",
        )


@dataclass
class FakeAgent:
    """One node's agent: the keys it has, the configuration it runs, what it would report."""

    node: str
    package: str
    file: dict[str, Any]
    starts: int = 1
    content: dict[str, Any] = field(default_factory=dict)
    generation: int = 0
    is_dead: bool = False
    is_deaf: bool = False
    """Whether it does not look for another configuration."""
    said: dict[str, Any] = field(default_factory=dict)
    """What its reports say beside the usual."""
    refused: str = ""

    @property
    def ring(self) -> KeyRing:
        accepted = self.file["keys"]["accepted"]
        texts = {one["id"]: one["document"] for one in accepted}
        return parse_ring(texts, self.file["keys"]["active"])

    def status(self) -> dict[str, Any]:
        return {
            "agentVersion": "0.1.0",
            "package": self.package[:16],
            "at": EPOCH + now(),
            "bootId": f"boot-{self.node}",
            "configuration": str(self.generation),
            "configurationRefused": self.refused,
            "splitBrainSafe": True,
            "splitBrainReason": "",
            "keys": [one["id"] for one in self.file["keys"]["accepted"]],
            "groups": [
                {
                    "name": group["name"],
                    "standing": "Inactive",
                    "epoch": 0,
                    "holder": "",
                    "resources": {},
                }
                for group in self.content.get("groups", ())
            ],
            "monitors": [],
            "events": [],
            **self.said,
        }


@dataclass
class Guests:
    """All agents of one world; `run` lives them in virtual time."""

    world: World
    vault: FakeVault
    agents: dict[str, FakeAgent] = field(default_factory=dict)
    is_model: bool = False
    """Whether scripts succeed and bring nothing, as in a simulator without machines."""
    _seen: dict[str, int] = field(default_factory=dict)
    _files: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)

    task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Let the machines live."""
        self.task = asyncio.create_task(self.run())

    async def run(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._boot()
            for agent in self.agents.values():
                if not agent.is_dead:
                    self._live(agent)

    def _boot(self) -> None:
        """Run the scripts that have come to their end."""
        for resource, thing in tuple(self.world.azure.things.items()):
            if "/runcommands/" not in resource or self._seen.get(resource) == thing.version:
                continue
            if resource not in self._files or self._files[resource][0] != str(thing.version):
                self._files[resource] = (str(thing.version), self._file(thing.body))
            if now() < thing.ready_at:
                continue
            self._seen[resource] = thing.version
            properties = thing.body["properties"]
            if self.is_model or properties["instanceView"]["executionState"] != "Succeeded":
                continue
            head = head_of(properties["source"]["script"])
            assert head is not None
            self._install(head.package, self._files[resource][1])

    def _file(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the node's file as the adapter makes it when the request is sent."""
        ref = body["properties"]["protectedParameters"][0]["value"]
        assert isinstance(ref, NodeFileRef)
        ring = keys.from_data(self.vault.secrets[ref.secret].data)
        assert keys.fingerprint(ring) == ref.fingerprint
        found: dict[str, Any] = json.loads(node_file.render(ref.place, ring))
        return found

    def _install(self, package: str, file: dict[str, Any]) -> None:
        node = file["node"]
        before = self.agents.get(node)
        if before is None:
            self.agents[node] = FakeAgent(node=node, package=package, file=file)
            return
        before.file = file
        if before.package != package:
            before.package = package
            before.starts += 1

    def _live(self, agent: FakeAgent) -> None:
        blobs = self.world.azure.blobs
        text, _ = blobs.blobs.get(f"config/{agent.node}", (b"", 0))
        if text and not agent.is_deaf:
            try:
                cluster = agent.file["cluster"]
                found = open_sealed(text, agent.ring, CONFIGURATION, cluster, agent.node)
            except WireError as error:
                agent.refused = str(error)
            else:
                agent.refused = ""
                if found.generation > agent.generation:
                    agent.generation, agent.content = found.generation, dict(found.content)
        if round(now()) % 5 == 0:
            self.report(agent)

    def report(self, agent: FakeAgent) -> None:
        """Write an agent's status now."""
        made = Document(
            STATUS, agent.file["cluster"], agent.node, int((EPOCH + now()) * 1000), agent.status()
        )
        self.world.azure.blobs.put(f"status/{agent.node}", seal(made, agent.ring))

    def serve(self, node: str, epoch: int = 1, **group: Any) -> None:
        """Let a node be active, and all others not."""
        for name, agent in self.agents.items():
            is_here = name == node
            agent.said["groups"] = [
                {
                    "name": "web",
                    "standing": "Active" if is_here else "Inactive",
                    "epoch": epoch,
                    "holder": node,
                    "resources": {"app": "On" if is_here else "Off"},
                    **group,
                }
            ]


@dataclass
class FakeAccounts:
    """What nodes have in Kubernetes."""

    lasts_s: float = 7 * 86400.0
    """The longest that the API server gives."""
    provided: list[list[str]] = field(default_factory=list)
    given: list[tuple[float, str]] = field(default_factory=list)
    refuse: ArmDenied | None = None

    async def provide(self, of: Raw, things: Sequence[Mapping[str, Any]]) -> None:
        if self.refuse:
            raise self.refuse
        self.provided.append([f"{one['kind']} {one['metadata']['name']}" for one in things])

    async def token(self, of: Raw, account: str, lasting: timedelta) -> tuple[str, datetime]:
        self.given.append((now(), account))
        lasts = min(lasting, timedelta(seconds=self.lasts_s))
        return f"hunter{len(self.given)}", datetime.fromtimestamp(EPOCH + now(), UTC) + lasts


def agents(vault: FakeVault, package: bytes = b"agent 1") -> Agents:
    """Return what the operator needs."""
    digest = hashlib.sha256(package).hexdigest()
    numbers = itertools.count(1)
    return Agents(
        package=AgentPackage(digest=digest, content=package, bootstrap="print('bootstrap')"),
        guest=lambda _: Guest(),
        vault=vault,
        random=lambda count: bytes([next(numbers)]) * count,
    )


def upgraded(before: Agents, package: bytes) -> Agents:
    """Return a newer operator's."""
    return replace(before, package=agents(FakeVault(), package).package)


@dataclass
class FakeActs:
    """Operations that the operator asks for; ``carry_out`` says what comes of each."""

    carry_out: Callable[[dict[str, Any]], Mapping[str, Any]]
    """Takes the operation, does it, and returns its status."""
    made: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def operations(self, namespace: str) -> tuple[Raw, ...]:
        return tuple(Raw(body=copy.deepcopy(body)) for body in self.made.values())

    async def create(self, body: Mapping[str, Any]) -> None:
        name = body["metadata"]["name"]
        if name in self.made:
            return
        kept = copy.deepcopy(dict(body))
        kept["metadata"]["creationTimestamp"] = _stamp()
        self.made[name] = kept
        status = self.carry_out(kept)
        kept["status"] = {"finishedAt": _stamp(), **status}


def _stamp() -> str:
    moment = datetime.fromtimestamp(EPOCH + now(), UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
