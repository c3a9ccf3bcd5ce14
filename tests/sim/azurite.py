"""Azurite for tests, and a credential that it takes."""

import base64
import contextlib
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jwt
from azure.core.credentials import AccessToken

from hacluster_local import processes
from hacluster_local.controlplane.access import Authority
from hacluster_local.ports import free_port
from hacluster_local.processes import Program, start, wait_until_ready
from hacluster_local.store.install import Azurite, find_or_install

READY_WITHIN_S: Final = 180.0
ACCOUNT: Final = "hacluster"
KEY_BYTES: Final = 64


class Token:
    """A credential whose tokens Azurite takes: it looks at the claims, and at no signature."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.asked.append(scopes)
        now = int(time.time())
        claims = {
            "aud": "https://storage.azure.com",
            "oid": "22222222-2222-2222-2222-222222222222",
            "tid": "11111111-1111-1111-1111-111111111111",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A blob store that serves."""

    url: str
    """The account's blob endpoint."""


def start_store(home: Path, azurite: Azurite, authority: Authority) -> Store:
    """Start Azurite with its data in ``home/store`` and wait until it listens.

    Raises:
        PartError: It did not come up; the message has the end of its log.
    """
    folder = home / "store"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    serving = authority.server("azurite")
    port = free_port()
    options = {
        "blobHost": "127.0.0.1",
        "blobPort": port,
        "location": folder,
        "oauth": "basic",
        "cert": serving.certificate,
        "key": serving.key,
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    key = base64.b64encode(os.urandom(KEY_BYTES)).decode()
    program = Program(
        name="azurite",
        arguments=(str(azurite.node), str(azurite.script), *words, "--disableTelemetry"),
        directory=folder,
        environment={"AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"},
    )
    wait_until_ready(start(program, home), lambda: _listens(port), READY_WITHIN_S)
    return Store(url=f"https://127.0.0.1:{port}/{ACCOUNT}")


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def azurite(home: Path) -> Iterator[tuple[Store, Path]]:
    """Run Azurite; yield it and the certificate of its authority."""
    authority = Authority(home / "pki", "tests")
    try:
        yield start_store(home, find_or_install(), authority), authority.certificate
    finally:
        processes.stop(home)
