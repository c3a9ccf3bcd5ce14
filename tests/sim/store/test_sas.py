"""The nodes' SAS, made by the operator's door and used by the agent's, at Microsoft's emulator."""

import asyncio
import base64
import http.client
import json
import os
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.sim.azurite import Store

from hacluster.model.keys import Sas
from hacluster.model.partition import StoreAccess
from hacluster.plan.nodes import keys
from hacluster.plan.nodes.node_file import Place, render
from hacluster.store.container import Container
from hacluster.store.signature import account_of
from hacluster_node.net.blobs import Container as AgentsContainer
from hacluster_node.runtime.stores import Stores
from hacluster_node.settings import node_file
from hacluster_node.settings.own_keys import OwnKeys

pytestmark = pytest.mark.sim
WITHIN_S = 10.0


def at(**later: float) -> datetime:
    return datetime.now(UTC) + timedelta(**later)


@pytest.fixture
def bearer(azurite: tuple[Store, Path]) -> Callable[[Container, str], AgentsContainer]:
    """Return what an agent reaches a container with that has a SAS."""
    return lambda container, sas: AgentsContainer(
        container._url, sas=lambda: sas, ca_file=str(azurite[1])
    )


@pytest.fixture
def ask(azurite: tuple[Store, Path]) -> Iterator[Callable[[str, str], int]]:
    """Return what sends a bare request, and tells the answer's status."""
    parts = urlsplit(azurite[0].url)
    context = ssl.create_default_context(cafile=str(azurite[1]))
    connection = http.client.HTTPSConnection(str(parts.hostname), parts.port, context=context)

    def asked(method: str, url: str) -> int:
        connection.request(method, url, headers={"x-ms-version": "2021-12-02"})
        answer = connection.getresponse()
        answer.read()
        return answer.status

    yield asked
    connection.close()


@pytest.mark.parametrize(
    ("url", "account"),
    [
        ("https://abc.blob.core.windows.net/box", "abc"),
        ("https://abc.z01.blob.storage.azure.net/box", "abc"),
        ("https://127.0.0.1:10000/abc/box", "abc"),
    ],
)
def test_the_account_is_the_one_that_the_address_names(url: str, account: str) -> None:
    assert account_of(url) == account


async def test_it_opens_its_own_container_and_no_other(
    container: Container, azurite: tuple[Store, Path], bearer: Callable[..., AgentsContainer]
) -> None:
    sas = await container.sas(at(minutes=-15), at(days=6))
    await container.write("config/node-1", b"from the operator")
    node = bearer(container, sas)
    read = node.get("config/node-1", WITHIN_S)
    assert (read.status, read.body) == (200, b"from the operator")
    assert [node.put("status/node-1", text, WITHIN_S).status for text in (b"1", b"2")] == [201, 201]
    other = AgentsContainer(
        f"{azurite[0].url}/c{os.urandom(6).hex()}", sas=lambda: sas, ca_file=str(azurite[1])
    )
    assert other.get("config/node-1", WITHIN_S).status == 403
    assert other.put("status/node-1", b"", WITHIN_S).status == 403


async def test_it_neither_lists_nor_deletes_nor_makes(
    container: Container, ask: Callable[[str, str], int]
) -> None:
    sas = await container.sas(at(minutes=-15), at(days=6))
    await container.write("witness/web", b"{}")
    for method, place, more in (
        ("GET", "", "restype=container&comp=list&"),
        ("DELETE", "/witness/web", ""),
        ("DELETE", "", "restype=container&"),
        ("PUT", "", "restype=container&comp=acl&"),
    ):
        assert ask(method, f"{container._url}{place}?{more}{sas}") == 403, (method, place, more)
    assert ask("GET", f"{container._url}/witness/web?{sas}") == 200
    fields = parse_qs(sas)
    assert (fields["sp"], fields["spr"], fields["sr"]) == (["rw"], ["https"], ["c"])
    assert ask("GET", f"{container._url}/witness/web?{sas.replace('sp=rw', 'sp=rwd')}") == 403


async def test_it_ends(container: Container, bearer: Callable[..., AgentsContainer]) -> None:
    await container.write("config/node-1", b"")
    node = bearer(container, await container.sas(at(minutes=-15), at(seconds=4)))
    assert node.get("config/node-1", WITHIN_S).status == 200
    for _ in range(120):
        if node.get("config/node-1", WITHIN_S).status == 403:
            return
        await asyncio.sleep(0.5)
    pytest.fail("it is still good")


async def test_a_running_agent_takes_the_next_one_from_its_file(
    container: Container, azurite: tuple[Store, Path], tmp_path: Path
) -> None:
    """The connection stays, and so does the agent: only the signature of its requests changes."""
    path = tmp_path / "node.json"
    ring = keys.first(b"1" * 32, at())

    async def brought(until: datetime) -> None:
        text = await container.sas(at(minutes=-15), until)
        sas = Sas(container=container._url, made=at(), until=until, text=text)
        place = Place(
            cluster="web",
            node="node-1",
            container=container._url,
            client_id="c-1",
            resource_manager="https://management.azure.com",
            access=StoreAccess.SAS,
        )
        held = keys.from_data(keys.to_data(keys.with_sas(ring, sas)))
        file = json.loads(render(place, held))
        file["store"]["caFile"] = str(azurite[1])
        draft = tmp_path / "draft"
        draft.write_text(json.dumps(file))
        draft.replace(path)

    await container.write("config/node-1", b"")
    end = at(seconds=6)
    await brought(end)
    node = node_file.read(path)
    reached = Stores(node.store, OwnKeys(node).sas).container()
    assert reached.get("config/node-1", WITHIN_S).status == 200
    await brought(at(days=6))
    for _ in range(40):
        assert reached.get("config/node-1", WITHIN_S).status == 200
        await asyncio.sleep(0.2)
    assert at() > end
    assert reached.put("status/node-1", b"", WITHIN_S).status == 201
    assert base64.b64encode(b"1" * 32).decode() not in path.read_text()


async def test_its_text_is_in_no_words(container: Container) -> None:
    text = await container.sas(at(minutes=-15), at(days=6))
    signature = parse_qs(text)["sig"][0]
    sas = Sas(container=container._url, made=at(), until=at(days=6), text=text)
    assert "sig=" in text
    assert signature not in repr(keys.with_sas(keys.first(b"1" * 32, at()), sas))
