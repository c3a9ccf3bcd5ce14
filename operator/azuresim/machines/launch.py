"""Starts a machine: a layer over the base tree, and systemd-nspawn on it.

The layer is mounted in a mount namespace of the machine's own, so it is gone with the last of its
processes, however they end.
"""

import hashlib
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from azuresim import ids
from azuresim.machines.door import Machine
from azuresim.machines.places import Place

SEARCH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
JOIN: Final = 'while [ "$1" != -- ]; do echo $$ >"$1"; shift; done; shift; exec "$@"'
"""Joins the groups whose files are named before `--`, then becomes what is named after it."""
RUN: Final = """
mount -t overlay overlay -o "$1" "$2"
shift 2
mkdir -p /run/systemd/nspawn
mount -t tmpfs tmpfs /run/systemd/nspawn
while :; do
  code=0
  "$@" || code=$?
  [ $code -eq 133 ] || exit $code
done
"""
"""Mounts the layer and runs what is named after it, again when the guest wants to reboot (133).

What systemd-nspawn notes of its machines in /run stays inside too: others than us do not see it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """All that a machine's start needs.

    Attributes:
        machine: The machine.
        place: Where its things are.
        base: The tree it starts from.
        disk: Folder of the disk it boots from.
        temporary: Its temporary disk.
        namespace: Its network namespace.
        tasks: Files of the groups its processes join.
    """

    machine: Machine
    place: Place
    base: Path
    disk: Path
    temporary: Path
    namespace: str
    tasks: Sequence[Path]


def start(launch: Launch) -> subprocess.Popen[bytes]:
    """Start a machine; it lives on when this process ends.

    Nothing of this process's environment reaches it, nor of its open files.
    """
    place = launch.place
    for folder in (place.root, launch.temporary, *folders(launch.disk)):
        folder.mkdir(parents=True, exist_ok=True)
    with place.console.open("ab") as console:
        return subprocess.Popen(  # noqa: S603 - our own words
            command(launch),
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            env={"PATH": SEARCH, "LC_ALL": "C"},
            cwd="/",
            start_new_session=True,
        )


def command(launch: Launch) -> list[str]:
    """Return the command line."""
    disk, place = launch.disk, launch.place
    joins = ["/bin/sh", "-euc", JOIN, "join", *map(str, launch.tasks), "--"]
    apart = ["unshare", "--mount", "--propagation", "slave", "--"]
    mounts = ["/bin/sh", "-euc", RUN, "run", layers((launch.base,), disk), str(place.root)]
    return [*joins, *apart, *mounts, *_nspawn(launch)]


def _nspawn(launch: Launch) -> list[str]:
    machine, place = launch.machine, launch.place
    options = {
        "directory": place.root,
        "machine": place.name,
        "hostname": machine.name,
        "uuid": hashlib.sha256(ids.key(machine.id).encode()).hexdigest()[:32],
        "network-namespace-path": f"/run/netns/{launch.namespace}",
        "console": "pipe",
        "register": "no",
        "link-journal": "no",
        "resolv-conf": "off",
        "timezone": "off",
        # An agent that must not wait for pages locks its memory; its network is the machine's own.
        "capability": "CAP_IPC_LOCK,CAP_NET_ADMIN",
    }
    binds = [f"--bind={place.platform}:/run/azure", f"--bind={launch.temporary}:/mnt"]
    words = [f"--{name}={value}" for name, value in options.items()]
    return ["systemd-nspawn", "--quiet", "--boot", "--keep-unit", *words, *binds]


def layers(lower: Sequence[Path], disk: Path) -> str:
    """Return the mount options that lay a machine's disk over trees, the topmost one first."""
    return f"lowerdir={':'.join(map(str, lower))},upperdir={upper(disk)},workdir={_work(disk)}"


def folders(disk: Path) -> tuple[Path, Path]:
    """Return the folders that the disk a machine boots from must have."""
    return upper(disk), _work(disk)


def upper(disk: Path) -> Path:
    """Return the folder of what a machine has written to the disk it boots from."""
    return disk / "upper"


def _work(disk: Path) -> Path:
    return disk / "work"


def forbidden(path: Path) -> bool:
    """Whether a path has characters that mean something to the programs that mount."""
    return any(letter in str(path) for letter in ":,\\\n") or not os.fspath(path).isprintable()
