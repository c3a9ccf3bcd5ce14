"""Azurite for tests, and a credential that it takes."""

import base64
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
from azure.core.credentials import AccessToken

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


@contextlib.contextmanager
def azurite(home: Path) -> Iterator[tuple[Store, Path]]:
    """Run Azurite; yield it and the certificate of its authority."""
    authority = Authority(home / "pki", "tests")
    try:
        yield start_store(home, find_or_install(), authority), authority.certificate
    finally:
        processes.stop(home)
