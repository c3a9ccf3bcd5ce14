"""Run Azurite over HTTPS, with bearer tokens as Azure Storage takes them."""

import base64
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hacluster_local.controlplane.access import Authority
from hacluster_local.ports import free_port
from hacluster_local.processes import Program, start, wait_until_ready
from hacluster_local.store.install import Azurite

READY_WITHIN_S: Final = 180.0
ACCOUNT: Final = "hacluster"
KEY_BYTES: Final = 64


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
