"""Agents by Run Command, over the real SDKs: azuresim for Azure, Azurite for the store.

The simulator's machines are a model, so that scripts end as a test says and no agent reports; what
a node would do is done here, with the keys that Run Command has brought it.
"""

import asyncio
import contextlib
import json
import os
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from azure.core.pipeline.transport import AioHttpTransport
from azure.storage.blob.aio import ContainerClient
from tests.loop.guests import FakeVault
from tests.loop.world import FakeKubernetes, NoCounters
from tests.sim.azurite import Store, Token, azurite
from tests.sim.operator.conftest import Calls, settings_for, until
from tests.sim.operator.test_storms import manifest
from tests.sim.simulator import Simulator

from azuresim.faults import control
from hacluster.arm.door import AzureDoor
from hacluster.cli.agent_package import shipped
from hacluster.cli.settings import Guests
from hacluster.model.agent import AgentPackage
from hacluster.plan.nodes import keys
from hacluster.plan.nodes.script import Head, head_of
from hacluster.reconcile.keeper import Keeper, Wake
from hacluster.reconcile.one_pass import OnePass
from hacluster.reconcile.ports import Agents
from hacluster.reconcile.store_port import Blob
from hacluster.store.container import VERSION, Container
from hacluster_node.settings.document import parse
from hacluster_wire.documents import CONFIGURATION, STATUS, Document, open_sealed, seal

pytestmark = [pytest.mark.sim, pytest.mark.timeout(240)]
SECRET = "web-hacluster-keys"
COMMAND = "Microsoft.Compute/virtualMachines/{}/runCommands/hacluster-agent"


@pytest.fixture(scope="module")
def package() -> AgentPackage:
    return shipped()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Path]]:
    with azurite(tmp_path_factory.mktemp("azurite")) as pair:
        yield pair


@dataclass
class Cluster:
    """A cluster that the operator keeps, and its container."""

    sim: Simulator
    kubernetes: FakeKubernetes
    vault: FakeVault
    container: Container

    def condition(self, kind: str) -> dict[str, Any]:
        return self.kubernetes.condition(kind)

    def command(self, node: str) -> dict[str, Any]:
        path = f"{self.sim.subscription}/resourceGroups/web-ha/providers/{COMMAND.format(node)}"
        reply = self.sim.send("GET", f"{path}?api-version=2025-04-01&$expand=instanceView")
        return dict(reply.body) if reply.status == 200 else {}

    def head(self, node: str) -> Head:
        found = head_of(self.command(node)["properties"]["source"]["script"])
        assert found is not None
        return found

    async def blob(self, name: str) -> bytes:
        found = await self.container.read(name)
        assert isinstance(found, Blob)
        return found.content

    async def report(self, node: str, **said: Any) -> None:
        """Say what a node's agent says."""
        ring = keys.document_ring(keys.from_data(self.vault.secrets[SECRET].data), node)
        text = await self.blob(f"config/{node}")
        running_now = open_sealed(text, ring, CONFIGURATION, "web", node)
        now = FAR_AHEAD + asyncio.get_running_loop().time()
        content = {
            "at": now,
            "configuration": str(running_now.generation),
            "package": self.head(node).package[:16],
            "splitBrainSafe": True,
            "keys": sorted(ring.keys),
            **said,
        }
        made = Document(STATUS, "web", node, int(now * 1000), content)
        await self.container.write(f"status/{node}", seal(made, ring))


FAR_AHEAD = 4e9
"""Seconds since 1970: a report is never old by the node's own clock."""


@pytest.fixture
async def cluster(
    sim: Simulator, store: tuple[Store, Path], package: AgentPackage, calls: Calls
) -> AsyncIterator[Cluster]:
    vault, kubernetes = FakeVault(), FakeKubernetes(manifest(sim))
    url = f"{store[0].url}/c{os.urandom(6).hex()}"
    context = ssl.create_default_context(cafile=str(store[1]))
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        transport = AioHttpTransport(session=session, session_owner=False)
        container = Container(url, Token(), transport)
        client = ContainerClient.from_container_url(
            url, credential=Token(), transport=transport, api_version=VERSION
        )
        await client.create_container()
        agents = Agents(
            package=package,
            guest=Guests.of({"AZURE_RESOURCE_MANAGER": sim.base}).guest,
            vault=vault,
            random=os.urandom,
        )
        async with AzureDoor(settings_for(sim), vault, calls, lambda *_: container) as door:
            keeper = Keeper(OnePass(door, kubernetes, NoCounters(), agents), kubernetes)
            task = asyncio.create_task(keeper.keep(kubernetes.raw, Wake()))
            try:
                yield Cluster(sim, kubernetes, vault, container)
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task


async def test_the_agent_is_brought_and_what_is_awaited_is_told(
    cluster: Cluster, package: AgentPackage
) -> None:
    await until(lambda: cluster.condition("AzureReconciled").get("status") == "True")
    await until(lambda: "awaited" in cluster.condition("NodesConfigured")["message"])
    assert cluster.condition("NodesConfigured")["status"] == "False"
    for node in ("web-1", "web-2"):
        command = cluster.command(node)
        assert command["properties"]["instanceView"]["executionState"] == "Succeeded"
        assert (cluster.head(node).package, cluster.head(node).attempt) == (package.digest, 1)
        ring = keys.document_ring(keys.from_data(cluster.vault.secrets[SECRET].data), node)
        text = await cluster.blob(f"config/{node}")
        document = open_sealed(text, ring, CONFIGURATION, "web", node)
        assert parse(document.content, node, document.generation).generation == 1
    content = await cluster.blob(f"agent/{package.digest}.pyz")
    assert sha256(content).hexdigest() == package.digest


async def test_no_key_is_seen_in_azure_or_in_the_status(cluster: Cluster) -> None:
    await until(lambda: cluster.command("web-2"))
    masters = keys.from_data(cluster.vault.secrets[SECRET].data).masters
    derived = keys.document_ring(keys.from_data(cluster.vault.secrets[SECRET].data), "web-1")
    shown = json.dumps([cluster.command("web-1"), cluster.kubernetes.body])
    said = [path for path in cluster.sim.directory.iterdir() if path.is_file()]
    for secret in (*masters.values(), *(one.reveal() for one in derived.keys.values())):
        assert secret.hex() not in shown
        assert not [path for path in said if secret in path.read_bytes()]
    assert "HACLUSTER_NODE_FILE" not in json.dumps(
        cluster.command("web-1")["properties"].get("parameters", [])
    )


async def test_a_script_that_fails_is_told_with_its_last_words_and_tried_again(
    cluster: Cluster,
) -> None:
    rule = {"machine": "web-1", "name": "hacluster-agent", "exit_code": 1, "count": 1}
    control.ask(cluster.sim.directory, {"do": "script.add", **rule, "error": "no python3"})
    await until(lambda: "no python3" in cluster.condition("NodesConfigured").get("message", ""))
    found = cluster.condition("NodesConfigured")
    assert (found["status"], found["reason"]) == ("False", "InstallFailed")
    await until(lambda: cluster.head("web-1").attempt == 2)
    await until(lambda: cluster.condition("NodesConfigured")["reason"] == "AwaitingAgent")
    assert cluster.condition("AzureReconciled")["status"] == "True"


async def test_what_the_nodes_say_becomes_the_status(cluster: Cluster) -> None:
    await until(lambda: "awaited" in cluster.condition("NodesConfigured").get("message", ""))
    group = {"name": "web", "epoch": 3, "holder": "web-2", "resources": {"app": "On"}}
    await cluster.report("web-1", groups=[{**group, "standing": "Inactive"}])
    await cluster.report("web-2", groups=[{**group, "standing": "Active"}])
    await until(lambda: cluster.condition("NodesConfigured")["status"] == "True")
    status = cluster.kubernetes.body["status"]
    assert [(one["node"], one["state"], one["epoch"]) for one in status["groups"]] == [
        ("web-2", "Online", 3)
    ]
    assert {one["name"]: one["role"] for one in status["nodes"]} == {
        "web-1": "Standby",
        "web-2": "Active",
    }
    assert status["summary"]["nodes"] == "2/2"
    assert cluster.condition("SplitBrainSafe")["status"] == "True"
