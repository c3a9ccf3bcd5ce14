"""Clients of Azure that the tests point at the simulator: `az`, and Ansible with its collection.

Each has an environment of its own in the cache, as the two ask for different versions of the same
libraries, and neither for ours. Without them the rest works, and their tests say what is missing.
"""

import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hacluster_local.setup import cache, packages
from hacluster_local.setup.errors import SetupError
from hacluster_local.setup.progress import say, step

LOCKS: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A client of Azure, as its publisher packs it for Python."""

    name: str
    program: str
    lock: Path
    usually: str
    """What its installation takes, for the person who waits."""

    @property
    def key(self) -> str:
        """Name of its entry in the cache; an environment belongs to one version of Python."""
        return cache.digest(self.lock, platform.machine(), sys.version)


AZ: Final = Client(name="az", program="az", lock=LOCKS / "az.lock", usually="about 20 s, 370 MB")
ANSIBLE: Final = Client(
    name="ansible",
    program="ansible-playbook",
    lock=LOCKS / "ansible.lock",
    usually="about 30 s, 1.1 GB",
)
"""The community's bundle, with the requirements of the `azure.azcollection` that is in it."""


def find(client: Client) -> Path | None:
    """Return the client's program if an earlier run has installed it."""
    program = cache.place(client.name, client.key) / "bin" / client.program
    return program if program.is_file() else None


def ensure() -> None:
    """Install the clients that are not there; say which one could not be had, and go on."""
    for client in (AZ, ANSIBLE):
        if find(client) is not None:
            continue
        try:
            install(client)
        except SetupError as failure:
            say(f"{failure}\n\nGoing on without {client.name}: its tests are left out.")


def install(client: Client) -> None:
    """Make the client's environment in the cache.

    Raises:
        SetupError: It failed in every try; the message has the end of the installer's output.
    """

    def make(draft: Path) -> None:
        with step(f"Install {client.name} for the tests", client.usually) as current:
            packages.environment(draft, client.lock, current)

    cache.entry(client.name, client.key, make)
