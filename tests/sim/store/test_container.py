"""The store's door against Microsoft's own emulator: conditions, absence, refusals."""

import socket

import aiohttp
import pytest
from azure.core.pipeline.transport import AioHttpTransport
from tests.sim.azurite import Token

from hacluster.errors import ArmUnavailable
from hacluster.model.reasons import Reason
from hacluster.reconcile.store_port import Blob, NotChanged, WriteLost
from hacluster.store.container import Container

pytestmark = pytest.mark.sim


async def test_what_was_written_is_read(container: Container) -> None:
    tag = str(await container.write("config/node-1", b"one"))
    assert await container.read("config/node-1") == Blob(content=b"one", tag=tag)
    assert await container.read("config/node-1", unless=tag) == NotChanged()
    newer = str(await container.write("config/node-1", b"two", only_if=tag))
    assert newer != tag
    assert await container.read("config/node-1", unless=tag) == Blob(content=b"two", tag=newer)


async def test_a_write_that_comes_too_late_changes_nothing(container: Container) -> None:
    tag = str(await container.write("agent/a.pyz", b"one", only_if=""))
    assert await container.write("agent/a.pyz", b"two", only_if="") == WriteLost()
    await container.write("agent/a.pyz", b"three", only_if=tag)
    assert await container.write("agent/a.pyz", b"four", only_if=tag) == WriteLost()
    seen = await container.read("agent/a.pyz")
    assert isinstance(seen, Blob)
    assert seen.content == b"three"


async def test_names_are_listed_by_prefix(container: Container) -> None:
    for name in ("status/node-2", "status/node-1", "config/node-1"):
        await container.write(name, b"")
    assert await container.names("status/") == ("status/node-1", "status/node-2")
    assert await container.names("orders/") == ()


async def test_a_missing_blob_is_none_and_a_missing_container_is_not(
    container: Container, missing: Container
) -> None:
    assert await container.read("config/none") is None
    for asked in (missing.read("config/none"), missing.names(""), missing.write("a", b"")):
        with pytest.raises(ArmUnavailable, match="404 ContainerNotFound"):
            await asked


async def test_a_store_that_is_away_is_told_with_its_place(session: aiohttp.ClientSession) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    transport = AioHttpTransport(session=session, session_owner=False)
    away = Container(f"https://127.0.0.1:{port}/account/box?sig=secret", Token(), transport)
    with pytest.raises(ArmUnavailable) as caught:
        await away.read("status/node-1")
    assert caught.value.reason is Reason.STORE_UNREACHABLE
    assert f"127.0.0.1:{port}/account/box" in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_content_is_in_no_words(container: Container) -> None:
    await container.write("config/node-1", b"hunter2")
    assert "hunter2" not in repr(await container.read("config/node-1"))
