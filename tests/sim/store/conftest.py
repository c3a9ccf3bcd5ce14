"""A container in Azurite, as the operator's own door opens it."""

import base64
import os
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import AioHttpTransport
from azure.storage.blob.aio import ContainerClient

from hacluster.store.container import VERSION, Container
from hacluster_local import processes
from hacluster_local.controlplane.access import Authority
from hacluster_local.store.install import find_or_install
from hacluster_local.store.server import Store, start_store


class Token:
    """A credential whose tokens Azurite takes: it looks at the claims, and at no signature."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.asked.append(scopes)
        now = int(time.time())
        claims = {
            "aud": "https://storage.azure.com",
            "iss": "https://sts.windows.net/11111111-1111-1111-1111-111111111111/",
            "iat": now - 60,
            "nbf": now - 60,
            "exp": now + 3600,
        }
        return AccessToken(jwt.encode(claims, base64.b64encode(os.urandom(32))), now + 3600)

    async def close(self) -> None:
        pass

    async def __aenter__(self) -> "Token":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Path]]:
    """Run one Azurite for all tests; its container ``made`` is there, ``missing`` is not."""
    home = tmp_path_factory.mktemp("azurite")
    authority = Authority(home / "pki", "tests")
    try:
        yield start_store(home, find_or_install(), authority), authority.certificate
    finally:
        processes.stop(home)


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
