"""Bring the whole system up, and down again: `make up`, `make down`.

All that an environment is lives in one folder, `.local`, whose processes carry its name
(`processes`) and whose mounts point into it (`leftovers`). So `down` needs no memory of what `up`
did, and ends an environment in whatever state it finds it.
"""

import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hacluster_local import leftovers, operator_process, processes, shell
from hacluster_local.azure import SPEED, Azure, Behind, clean_azure, start_azure
from hacluster_local.controlplane import binaries
from hacluster_local.controlplane.access import Authority
from hacluster_local.controlplane.kubectl import Kubectl
from hacluster_local.controlplane.server import start_control_plane
from hacluster_local.setup import guest_kernel, machine_base
from hacluster_local.setup.checkout import ROOT
from hacluster_local.setup.progress import step
from hacluster_local.store import install

HOME: Final = ROOT / ".local"
LOGS: Final = "log"
LOCK: Final = "lock"


class RefusedError(Exception):
    """The environment is not in a state in which this can be done; says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A system that is up."""

    home: Path
    kubectl: Kubectl
    """With an administrator's rights."""
    azure: Azure
    ca_file: Path
    """The authorities of all its servers."""


def up(
    home: Path,
    *,
    speed: int = SPEED,
    with_operator: bool = True,
    with_machines: bool = False,
    emulated: bool = False,
) -> Environment:
    """Start everything and wait until it serves; about ten seconds.

    With machines, those of the simulated Azure are real, emulated ones with a kernel of their own
    if so asked; without, they are a model.

    Raises:
        RefusedError: It is up already, another run is at it, or there can be no machines here.
        SetupError: What machines start from could not be made.
        PartError: A part did not come up; all others are ended again, and the logs are kept.
    """
    with _alone(home):
        _refuse_second(home)
        _clear(home, keep=(LOCK,))
        try:
            behind = _behind(with_machines=with_machines, emulated=emulated)
            with step("Start API server, simulated Azure and operator", "about 10 s"):
                return _start(home, speed, behind, with_operator=with_operator)
        except BaseException:
            _end(home)
            raise


def down(home: Path) -> int:
    """End everything, however it was left; return how many processes there were. Logs are kept."""
    with _alone(home):
        return _end(home)


def _behind(*, with_machines: bool, emulated: bool) -> Behind:
    azurite = install.find_or_install()
    command = (str(azurite.node), str(azurite.script))
    if not with_machines:
        return Behind(azurite=command)
    if why := machine_base.why_not():
        raise RefusedError(
            f"There can be no real machines here: {why}. Without them: make up MACHINES=none. "
            "Power states and results of scripts then come from a model, and no packet flows."
        )
    kernel = guest_kernel.find_or_make() if emulated else None
    return Behind(azurite=command, machines=machine_base.find_or_make(), kernel=kernel)


def _start(home: Path, speed: int, behind: Behind, *, with_operator: bool) -> Environment:
    authority = Authority(home / "pki", "hacluster local authority")
    programs = binaries.find_or_build()
    with ThreadPoolExecutor() as pool:
        plane_coming = pool.submit(start_control_plane, home, programs, authority)
        azure_coming = pool.submit(start_azure, home, behind, speed)
        plane, azure = plane_coming.result(), azure_coming.result()
    ca_file = home / "ca.pem"
    ca_file.write_bytes(azure.ca_file.read_bytes() + authority.certificate.read_bytes())
    variables = shell.settings(azure, ca_file)
    identity = operator_process.install(plane, home)
    if with_operator:
        operator_process.start_operator(home, identity, {**variables, **shell.way(azure)})
    shell.write_env(home, {"KUBECONFIG": str(plane.kubeconfig), **variables})
    shell.write_commands(home)
    return Environment(home=home, kubectl=plane.kubectl, azure=azure, ca_file=ca_file)


def _refuse_second(home: Path) -> None:
    running = processes.find(home)
    if running:
        parts = ", ".join(sorted({process.part for process in running}))
        raise RefusedError(f"It is up already ({parts}). End it first: make down")


def _end(home: Path) -> int:
    ended = processes.stop(home)
    clean_azure(home)
    _clear(home, keep=(LOCK, LOGS))
    return ended


def _clear(home: Path, keep: tuple[str, ...]) -> None:
    """Remove what an environment has left."""
    try:
        leftovers.remove(home)
    except subprocess.CalledProcessError as refusal:
        raise RefusedError(f"Could not clean up: {refusal.cmd}: {refusal.stderr}") from refusal
    for entry in home.iterdir():
        if entry.name in keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Keep a second `up` or `down` out while one is at work; a killed one holds nothing."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RefusedError(
                f"Another run is bringing {home} up or down right now. Wait for it, then try again."
            ) from None
        yield
