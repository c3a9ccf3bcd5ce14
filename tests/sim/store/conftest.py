"""A container in Azurite, as the operator's own door opens it."""

import os
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from azure.core.pipeline.transport import AioHttpTransport
from azure.storage.blob.aio import ContainerClient
from tests.sim.azurite import Store, Token
from tests.sim.azurite import azurite as running_azurite

from hacluster.store.container import VERSION, Container


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Path]]:
    """Run one Azurite for all tests."""
    with running_azurite(tmp_path_factory.mktemp("azurite")) as pair:
        yield pair


@pytest.fixture
async def session(azurite: tuple[Store, Path]) -> AsyncIterator[aiohttp.ClientSession]:
    """Give the session as the operator's door makes it."""
    context = ssl.create_default_context(cafile=str(azurite[1]))
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        yield session


@pytest.fixture
async def container(azurite: tuple[Store, Path], session: aiohttp.ClientSession) -> Container:
    """Give a new container."""
    transport = AioHttpTransport(session=session, session_owner=False)
    url = f"{azurite[0].url}/c{os.urandom(6).hex()}"
    client = ContainerClient.from_container_url(
        url, credential=Token(), transport=transport, api_version=VERSION
    )
    await client.create_container()
    return Container(url, Token(), transport)


@pytest.fixture
async def missing(azurite: tuple[Store, Path], session: aiohttp.ClientSession) -> Container:
    """Give the door of a container that is not there."""
    transport = AioHttpTransport(session=session, session_owner=False)
    return Container(f"{azurite[0].url}/missing", Token(), transport)
