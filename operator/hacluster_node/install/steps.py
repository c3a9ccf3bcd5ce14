"""The steps of an installation; each is safe to repeat, the switch of the link is the last."""

from __future__ import annotations

import compileall
import grp
import hashlib
import os
import pwd
import zipfile
from pathlib import Path

from hacluster_node.errors import Broken
from hacluster_node.guard.lines import USER
from hacluster_node.install.units import UNITS
from hacluster_node.system.command import Command, run

PROGRAMS = Path("usr/lib/hacluster-node")
COMMAND = Path("usr/bin/hacluster-node")
UNIT_DIRECTORY = Path("etc/systemd/system")
NODE_DIRECTORY = Path("etc/hacluster")
# -I: no environment, no user's packages; -S: no site packages, which also saves 5 ms a command.
WRAPPER = '#!/bin/sh\nexec /usr/bin/python3 -IS /usr/lib/hacluster-node/current "$@"\n'
_WITHIN_S = 120.0
"""How long one command may take: systemd reads all its units on a machine that still boots."""


def install(archive: Path, root: Path = Path("/")) -> str:
    """Install the agent of a zip below `root` and return the name of its directory.

    With another root than `/` no user is made and systemd is not told. Whoever calls may have made
    its files private: Run Command's own mask is 077, and the agent runs as another user.

    Raises:
        Broken: HAN-R01 or HAN-R04, a system program failed.
    """
    before = os.umask(0o022)
    try:
        return _install(archive, root)
    finally:
        os.umask(before)


def _install(archive: Path, root: Path) -> str:
    name = hashlib.sha256(archive.read_bytes()).hexdigest()[:16]
    directory = root / PROGRAMS / name
    _directory(root / PROGRAMS, 0o755)
    if not directory.is_dir():
        _unpack(archive, directory)
    _write(root / COMMAND, WRAPPER, 0o755)
    for unit, text in UNITS.items():
        _write(root / UNIT_DIRECTORY / unit, text, 0o644)
    _directory(root / NODE_DIRECTORY, 0o750)
    if root == Path("/"):
        _make_user()
    _switch(root / PROGRAMS / "current", name)
    if root == Path("/"):
        _must("systemctl", "daemon-reload")
        _must("systemctl", "enable", *UNITS)
    return name


def _unpack(archive: Path, directory: Path) -> None:
    draft = directory.with_name(f".{directory.name}.{os.getpid()}")
    with zipfile.ZipFile(archive) as content:
        content.extractall(draft)
    compileall.compile_dir(str(draft), quiet=2, ddir=str(directory))
    draft.rename(directory)


def _directory(path: Path, mode: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)


def _switch(link: Path, name: str) -> None:
    """Point the link at another directory so that it never points nowhere."""
    draft = link.with_name(f".current.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(name)
    draft.replace(link)


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.write_text(text, encoding="ascii")
    draft.chmod(mode)
    draft.replace(path)


def _make_user() -> None:
    try:
        pwd.getpwnam(USER)
    except KeyError:
        home = "/var/lib/hacluster"
        _must("useradd", "--system", "--user-group", "--home-dir", home, "--no-create-home", USER)
    group = grp.getgrnam(USER).gr_gid
    directory = Path("/") / NODE_DIRECTORY
    os.chown(directory, 0, group)
    for path in directory.glob("node.json"):
        os.chown(path, 0, group)
        path.chmod(0o640)


def _must(*argv: str) -> None:
    outcome = run(Command(argv, _WITHIN_S))
    if not outcome.ok:
        raise Broken("HAN-R01", f"{' '.join(argv)}: {outcome.output}")
