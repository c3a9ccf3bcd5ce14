"""The simulated Azure: azuresim as a process, and what it says about itself when it is ready."""

import json
import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hacluster_local.ports import free_port
from hacluster_local.processes import PartError, Program, start, wait_until_ready
from hacluster_local.setup.checkout import PYTHON, ROOT, SOURCES

CLEAN_WITHIN_S: Final = 120.0
READY_WITHIN_S: Final = 180.0
SPEED: Final = 10
"""How much faster than Azure the simulated operations run, unless the user says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Azure:
    """Where the simulated Azure is, and the principal that may use it."""

    resource_manager: str
    authority: str
    ca_file: Path
    tenant_id: str
    subscription_id: str
    client_id: str
    client_secret: str
    proxy: str
    """Leads clients on this machine to the storage accounts, by their real names."""
    inside: str
    """Where the resource manager is for machines."""

    def __repr__(self) -> str:
        """Leave the secret out."""
        return f"Azure({self.resource_manager}, tenant {self.tenant_id})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What stands behind the simulated Azure.

    ``azurite`` is the command that starts a store; ``machines`` the tree that real machines start
    from, or None for a model of them; ``kernel`` what they boot if they are emulated, or None.
    """

    azurite: tuple[str, ...]
    machines: Path | None = None
    kernel: Path | None = None

    def options(self) -> tuple[str, ...]:
        """Return the options that say so."""
        stores = ("--azurite", shlex.join(self.azurite))
        if self.machines is None:
            return (*stores, "--machines", "none")
        base = ("--machine-base", str(self.machines))
        if self.kernel is None:
            return (*stores, "--machines", "nspawn", *base)
        return (*stores, "--machines", "qemu", "--machine-kernel", str(self.kernel), *base)


def start_azure(home: Path, behind: Behind, speed: int = SPEED) -> Azure:
    """Start azuresim with its state in ``home/azure`` and wait for its one line of JSON.

    Raises:
        PartError: It did not come up; the message has the end of its log.
    """
    state = home / "azure"
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    answer = home / "azure.json"
    arguments = ("serve", "--listen", f"127.0.0.1:{free_port()}", "--directory", str(state))
    pace = (*behind.options(), "--durations", "typical", "--speed", str(speed))
    program = Program(
        name="azuresim",
        arguments=(str(PYTHON), "-m", "azuresim", *arguments, *pace),
        directory=ROOT,
        environment={"PYTHONPATH": str(SOURCES)},
        answer=answer,
    )
    running = start(program, home)
    wait_until_ready(running, lambda: answer.read_text().endswith("\n"), READY_WITHIN_S)
    return parse(json.loads(answer.read_text().splitlines()[0]))


def clean_azure(home: Path) -> None:
    """Remove what an azuresim that no longer runs has left in the kernel.

    Raises:
        PartError: It could not; the message says what is left.
    """
    state = home / "azure"
    if not state.is_dir():
        return
    command = (str(PYTHON), "-m", "azuresim", "clean", "--directory", str(state))
    done = subprocess.run(  # noqa: S603 - our own program
        command,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        check=False,
        capture_output=True,
        text=True,
        timeout=CLEAN_WITHIN_S,
    )
    if done.returncode != 0:
        raise PartError(f"The simulated Azure is not all gone. {done.stderr.strip()}")


def parse(said: Mapping[str, str]) -> Azure:
    """Read what azuresim says about itself."""
    return Azure(
        resource_manager=said["resourceManager"].rstrip("/"),
        authority=said["authority"].rstrip("/"),
        ca_file=Path(said["caFile"]),
        tenant_id=said["tenantId"],
        subscription_id=said["subscriptionId"],
        client_id=said["clientId"],
        client_secret=said["clientSecret"],
        proxy=said["proxy"],
        inside=said["insideResourceManager"],
    )
