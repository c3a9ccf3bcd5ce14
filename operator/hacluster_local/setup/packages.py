"""Install Python packages from a lock file, every byte checked against its hash."""

import sys
from pathlib import Path

from hacluster_local.setup import cache
from hacluster_local.setup.checkout import ROOT, VENV
from hacluster_local.setup.command import Surroundings, run
from hacluster_local.setup.progress import Step

DOWNLOAD_TRIES = 4


def install_into(folder: Path, lock: Path, step: Step) -> None:
    """Put a lock file's packages into a folder of their own, outside the virtual environment."""
    uv = str(VENV / "bin" / "uv")
    target = ["--python", sys.executable, "--target", str(folder)]
    run([uv, "pip", "install", *target, *_locked(lock)], surroundings(), step)


def install(lock: Path, step: Step) -> None:
    """Put a lock file's packages into the virtual environment; what is there besides stays."""
    uv = str(VENV / "bin" / "uv")
    run([uv, "pip", "install", "--python", str(VENV), *_locked(lock)], surroundings(), step)


def environment(folder: Path, lock: Path, step: Step) -> None:
    """Make a virtual environment of a lock file's packages; it can be moved to another folder."""
    uv = str(VENV / "bin" / "uv")
    make = [uv, "venv", "--relocatable", "--allow-existing", "--python", sys.executable]
    run([*make, str(folder)], surroundings(tries=1), step)
    run([uv, "pip", "install", "--python", str(folder), *_locked(lock)], surroundings(), step)


def surroundings(tries: int = DOWNLOAD_TRIES) -> Surroundings:
    """Return where installers run: in the checkout, again if the network fails them."""
    log = cache.root() / "log" / "python.log"
    return Surroundings(log=log, directory=ROOT, environment={}, tries=tries)


def _locked(lock: Path) -> list[str]:
    return ["--require-hashes", "--no-deps", "-r", str(lock)]
