"""What a guest is made of: User-mode Linux, which is Debian's kernel with the in-tree DRBD built
as a program, and an initramfs of busybox, drbd-utils and the system's own mke2fs and wipefs.

Debian's packages are downloaded by name and only unpacked, never installed, into the cache
outside the checkout, under a key of their versions. Anybody may do it; root is not needed.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from hacluster_local.setup import cache
from hacluster_local.setup.command import Surroundings, run
from hacluster_local.setup.errors import SetupError
from hacluster_local.setup.progress import step

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).parent / "guest"
PACKAGES = (
    "user-mode-linux",
    "drbd-utils",
    "busybox-static",
    "fdisk",
    "libfdisk1",
    "libreadline8",
)
OWN_PROGRAMS = ("mke2fs", "wipefs", "dd", "flock")
"""Taken from this machine with the libraries they need: packages that every Debian has."""

DRBD_PROGRAMS = (
    "sbin/drbdadm",
    "sbin/drbdsetup",
    "sbin/drbdmeta",
    "lib/drbd/drbdadm-84",
    "lib/drbd/drbdsetup-84",
)
"""The last two speak to the kernel's DRBD 8.4; without them every command ends with 20."""

MODULES = "usr/lib/uml/modules"
NEEDED_MODULES = ("lru_cache.ko", "drbd.ko")
LIBRARIES = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")

_SEARCH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """The files that boot a guest."""

    kernel: Path
    initramfs: Path


def why_not() -> str:
    """Return what this machine lacks to make or run guests, or ""."""
    if os.uname().machine != "x86_64":
        return "an x86-64 machine"
    for tool in ("apt-get", "apt-cache", "dpkg-deb", *OWN_PROGRAMS):
        if shutil.which(tool, path=_SEARCH) is None:
            return f"the program {tool} of Debian"
    missing = [name for name in PACKAGES if name not in _versions()]
    return f"a package source with {', '.join(missing)}" if missing else ""


def pieces() -> Pieces:
    """Return the pieces, made first if nobody has yet.

    Raises:
        SetupError: a package could not be had.
    """
    versions = [f"{name}={version}" for name, version in sorted(_versions().items())]
    unpacked = cache.entry("mirror-packages", cache.digest(*versions), _download) / "unpacked"
    recipe = cache.digest(*versions, Path(__file__), *sorted(HERE.iterdir()))
    folder = cache.entry("mirror", recipe, lambda draft: _build(draft, unpacked))
    return Pieces(kernel=unpacked / "usr/bin/linux.uml", initramfs=folder / "initramfs.cpio")


@lru_cache
def _versions() -> Mapping[str, str]:
    """Return the version of each package that would be downloaded, as far as there is one."""
    shown = subprocess.run(
        ["apt-cache", "show", "--no-all-versions", *PACKAGES],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    fields = [line.partition(": ") for line in shown.splitlines()]
    names = [value for field, _, value in fields if field == "Package"]
    versions = [value for field, _, value in fields if field == "Version"]
    return dict(zip(names, versions, strict=True))


def _download(folder: Path) -> None:
    log = cache.root() / "log" / "mirror.log"
    around = Surroundings(log=log, directory=folder, environment={}, tries=3)
    with step("Download guests with real DRBD (45 MB)", "10-60 s") as current:
        run(["apt-get", "-o", "APT::Sandbox::User=root", "download", *PACKAGES], around, current)
        for package in sorted(folder.glob("*.deb")):
            run(["dpkg-deb", "-x", str(package), str(folder / "unpacked")], around, current)
            package.unlink()
    for path in (folder / "unpacked" / MODULES).rglob("*"):
        if path.is_file() and path.name not in NEEDED_MODULES:
            path.unlink()


def _build(folder: Path, unpacked: Path) -> None:
    tree = folder / "tree"
    _fill(tree, unpacked)
    _archive(tree, folder / "initramfs.cpio")
    shutil.rmtree(tree)


def _fill(tree: Path, unpacked: Path) -> None:
    for name in (
        "bin",
        "dev",
        "etc",
        "lib",
        "proc",
        "run",
        "sys",
        "tmp",
        "usr/bin",
        "var/lib/drbd",
    ):
        (tree / name).mkdir(parents=True)
    (tree / "sbin").symlink_to("bin")
    (tree / "usr/sbin").symlink_to("bin")
    shutil.copy2(unpacked / "bin/busybox", tree / "bin/busybox")
    for program in DRBD_PROGRAMS:
        _put(unpacked / program, tree / program)
        _put_libraries(unpacked / program, tree, unpacked)
    _put(unpacked / "sbin/sfdisk", tree / "bin/sfdisk")
    _put_libraries(unpacked / "sbin/sfdisk", tree, unpacked)
    for name in OWN_PROGRAMS:
        own = Path(str(shutil.which(name, path=_SEARCH)))
        _put(own, tree / "usr/bin" / name)
        _put_libraries(own, tree, unpacked)
    (tree / "usr/bin/mkfs.ext4").symlink_to("mke2fs")
    shutil.copytree(unpacked / "etc/drbd.d", tree / "etc/drbd.d")
    shutil.copy2(unpacked / "etc/drbd.conf", tree / "etc/drbd.conf")
    for module in NEEDED_MODULES:
        found = next((unpacked / MODULES).rglob(module))
        _put(found, tree / "lib/modules" / module)
    _put(HERE / "init.sh", tree / "init")
    _put(HERE / "hacluster-node.sh", tree / "usr/bin/hacluster-node")


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)


def _put_libraries(program: Path, tree: Path, unpacked: Path) -> None:
    folders = ":".join(str(unpacked / folder) for folder in LIBRARIES)
    environment = {**os.environ, "LD_LIBRARY_PATH": folders}
    listed = subprocess.run(
        ["ldd", str(program)], capture_output=True, text=True, check=True, env=environment
    ).stdout
    if "not found" in listed:
        raise SetupError(f"{program.name} lacks a library on this machine:\n{listed}")
    for line in listed.splitlines():
        for word in line.split():
            if word.startswith("/"):
                name = word.removeprefix(str(unpacked)).lstrip("/")
                _put(Path(word), tree / name)


def _archive(tree: Path, target: Path) -> None:
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    with target.open("wb") as output:
        subprocess.run(
            [str(tree / "bin/busybox"), "cpio", "-o", "-H", "newc"],
            cwd=tree,
            input=names.encode(),
            stdout=output,
            stderr=subprocess.PIPE,
            check=True,
        )
