"""The Debian that simulated machines start from: one tree for all of them, made once.

Each machine is a layer over it. Only root can make it, and only where debootstrap is.
"""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hacluster_local.setup import cache, debian
from hacluster_local.setup.checkout import ROOT
from hacluster_local.setup.command import Surroundings, run
from hacluster_local.setup.errors import SetupError
from hacluster_local.setup.progress import say, step

KIND: Final = "machine"
EDITION: Final = "1"
"""To be raised when the tree is made another way from the same lists."""
SUITE: Final = "bookworm"
PACKAGES: Final = (
    "systemd", "systemd-sysv", "dbus", "udev", "kmod", "util-linux", "e2fsprogs", "fdisk",
    "iproute2", "iputils-ping", "nftables", "curl", "ca-certificates", "openssh-server", "python3",
    "python3-yaml", "procps",
)  # fmt: skip
"""What the agent and the guide's samples need: a mirror disk's DRBD needs a kernel of its own."""
DOWNLOAD_TRIES: Final = 3
UNSHARED_WITHIN_S: Final = 30
PROGRAMS: Final = ("debootstrap", "systemd-nspawn")
UNWANTED: Final = (
    "etc/hostname",
    "etc/machine-id",
    "etc/ssh/ssh_host_*",
    "var/cache/apt/archives/*.deb",
    "var/cache/apt/*.bin",
    "var/lib/apt/lists/*_*",
    "var/log/*.log",
    "usr/share/doc/*",
    "usr/share/man/*",
    "usr/share/locale/*",
)
"""What each machine makes anew, and what nobody reads."""
MASKED: Final = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "console-getty.service",
    "getty@tty1.service",
    "systemd-pstore.service",
    "systemd-networkd.service",
    "ldconfig.service",
)
"""What would cost each boot time, or work at night on a disk that all of them share."""


def why_not() -> str:
    """Return why this machine cannot have simulated machines, or nothing."""
    if os.geteuid() != 0:
        return "machines, their networks and disks are root's"
    if not _can_unshare():
        return "nobody may make namespaces here, as in most containers"
    absent = [name for name in PROGRAMS if shutil.which(name, path=debian.SEARCH) is None]
    return f"{' and '.join(absent)} is not installed" if absent else ""


def _can_unshare() -> bool:
    words = ("unshare", "--mount", "--net", "--uts", "--ipc", "true")
    done = subprocess.run(  # noqa: S603 - a fixed command
        words, capture_output=True, check=False, timeout=UNSHARED_WITHIN_S
    )
    return done.returncode == 0


def place() -> Path:
    """Return where the tree is, or would be."""
    return cache.place(KIND, key())


def key() -> str:
    """Return the name of the entry in the cache that this recipe makes."""
    return cache.digest(EDITION, SUITE, *PACKAGES, *UNWANTED, *MASKED, platform.machine())


def find() -> Path | None:
    """Return the tree if an earlier run has made it."""
    return place() if place().is_dir() else None


def find_or_make() -> Path:
    """Return the tree; make it, which takes about a minute, if nobody has yet.

    Raises:
        SetupError: It could not be made; says why.
    """
    return cache.entry(KIND, key(), _make)


def ensure() -> None:
    """Make the tree where that is possible; else go on without, and say so if it failed."""
    if find() is not None or why_not():
        return
    try:
        find_or_make()
    except SetupError as failure:
        say(f"{failure}\n\nGoing on without simulated machines: MACHINES=none is what there is.")


def _make(draft: Path) -> None:
    around = Surroundings(
        log=cache.root() / "log" / "machine.log",
        directory=ROOT,
        environment={"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"},
    )
    with step("Make the machines' Debian", "about 1 min") as current:
        for left in range(DOWNLOAD_TRIES - 1, -1, -1):
            try:
                run([*_debootstrap(), str(draft), *_mirror()], around, current)
                break
            except SetupError:
                if not left:
                    raise
                _empty(draft)
        _finish(draft)


def _debootstrap() -> list[str]:
    program = shutil.which("debootstrap", path=debian.SEARCH) or "debootstrap"
    return [program, "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE]


def _mirror() -> list[str]:
    """Return the mirror that this machine's own packages come from; nothing for the default."""
    for file in sorted(Path("/etc/apt").glob("sources.list*")):
        texts = file.glob("*") if file.is_dir() else [file]
        for text in texts:
            found = re.search(r"(https?://\S+/debian/?)(?=\s)", _stated(text))
            if found:
                return [found[1]]
    return []


def _stated(file: Path) -> str:
    lines = file.read_text(errors="replace").splitlines()
    return "\n".join(line for line in lines if not line.startswith("#")) + "\n"


def _empty(draft: Path) -> None:
    for entry in draft.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _finish(draft: Path) -> None:
    """Make it a tree that many machines can start from."""
    for path in _unwanted(draft):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    (draft / "etc/machine-id").touch()
    (draft / "var/log/journal").mkdir(exist_ok=True)
    units = draft / "etc/systemd/system"
    for name in MASKED:
        (units / name).unlink(missing_ok=True)
        (units / name).symlink_to("/dev/null")
    wants = units / "sockets.target.wants"
    wants.mkdir(exist_ok=True)
    (units / "multi-user.target.wants" / "ssh.service").unlink(missing_ok=True)
    (wants / "ssh.socket").symlink_to("/lib/systemd/system/ssh.socket")


def _unwanted(draft: Path) -> Iterator[Path]:
    for pattern in UNWANTED:
        yield from draft.glob(pattern)
