"""Puts packages, files and commands in place, as far as they are not: repeatable at will.

What is right is not touched, so that doing it again costs little and tells drift from order. The
list comes from the configuration whose signature the helper itself has checked.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Dict, List, Sequence

from hacluster_node.errors import Broken
from hacluster_node.system.command import Command, Outcome, run

if TYPE_CHECKING:
    from hacluster_node.settings.software import Action, File, Software

Runner = Callable[[Command], Outcome]
CODE = "HAN-F01"
QUERY_S = 30.0
INSTALL_S = 900.0
COMMAND_S = 300.0
UNITS = "/etc/systemd/system/"
_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}
_MANAGERS: Dict[str, Sequence[Sequence[str]]] = {
    "apt-get": (
        ("apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=120", "update"),
        ("apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=120", "install"),
    ),
    "dnf": (("dnf", "-q", "-y", "install"),),
    "yum": (("yum", "-q", "-y", "install"),),
    "zypper": (("zypper", "-q", "-n", "install"),),
}


class Place:
    """One node's file system and its programs.

    Args:
        root: below which files are written; only tests have another one.
        runner: runs programs.
    """

    def __init__(self, root: Path = Path("/"), runner: Runner = run) -> None:
        self._root = root
        self._run = runner

    def put(self, software: Software) -> List[str]:
        """Put everything in place and return a line for each thing that was not.

        Raises:
            Broken: HAN-F01 with the first thing that could not be put in place.
        """
        did = self._packages(software.packages)
        files = [file.path for file in software.files if self._file(file)]
        if any(path.startswith(UNITS) for path in files):
            self._must(("systemctl", "daemon-reload"), QUERY_S)
        did += [f"file {path}" for path in files]
        did += [f"command {action.run}" for action in software.commands if self._command(action)]
        return did

    def _packages(self, packages: Sequence[str]) -> List[str]:
        missing = [name for name in packages if not self._is_installed(name)]
        if not missing:
            return []
        manager = next((name for name in _MANAGERS if shutil.which(name)), None)
        if manager is None:
            raise Broken(CODE, f"no known package manager can install {', '.join(missing)}")
        *before, install = _MANAGERS[manager]
        for words in before:
            self._run(Command(words, INSTALL_S, _QUIET))  # An old list may do as well.
        self._must((*install, *missing), INSTALL_S)
        return [f"package {name}" for name in missing]

    def _is_installed(self, name: str) -> bool:
        plain = name.partition("=")[0]
        if shutil.which("dpkg-query"):
            query = ("dpkg-query", "-W", "-f", "${db:Status-Status}\n", plain)
            return "installed" in self._run(Command(query, QUERY_S)).output.split()
        return self._run(Command(("rpm", "-q", "--whatprovides", plain), QUERY_S)).ok

    def _file(self, file: File) -> bool:
        """Put one file in place; tell whether it was not."""
        path = self._root / file.path.lstrip("/")
        try:
            uid, gid = _owner(file)
            if _is_right(path, file, uid):
                return False
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}.hacluster")
            draft.unlink(missing_ok=True)
            descriptor = os.open(str(draft), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as out:
                out.write(file.content)
                out.flush()
                os.fsync(out.fileno())
            if os.geteuid() == 0:
                os.chown(str(draft), uid, gid)
            draft.chmod(file.mode)
            draft.replace(path)
        except OSError as error:
            raise Broken(CODE, f"file {file.path}: {error.strerror or error}") from error
        return True

    def _command(self, action: Action) -> bool:
        """Run one command if its check says so; tell whether it was run."""
        if self._shell(action.check).ok:
            return False
        done = self._shell(action.run)
        if not done.ok:
            how = f"ended with {done.code}" if done.in_time else f"took longer than {COMMAND_S:g} s"
            raise Broken(CODE, f"command {action.run}: {how}: {done.output[-500:]}")
        if not self._shell(action.check).ok:
            raise Broken(CODE, f"command {action.run} succeeded, and its check still fails")
        return True

    def _shell(self, text: str) -> Outcome:
        return self._run(Command(("/bin/sh", "-c", text), COMMAND_S))

    def _must(self, argv: Sequence[str], timeout_s: float) -> None:
        done = self._run(Command(argv, timeout_s, _QUIET))
        if not done.ok:
            raise Broken(CODE, f"{' '.join(argv)} ended with {done.code}: {done.output[-500:]}")


def _owner(file: File) -> tuple[int, int]:
    """Return user and group of a file's owner: the group of the same name, else the user's own."""
    try:
        user = pwd.getpwnam(file.owner)
    except KeyError:
        raise Broken(CODE, f"file {file.path}: there is no user {file.owner}") from None
    try:
        return user.pw_uid, grp.getgrnam(file.owner).gr_gid
    except KeyError:
        return user.pw_uid, user.pw_gid


def _is_right(path: Path, file: File, uid: int) -> bool:
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) != file.mode:
            return False
        is_owners = found.st_uid == uid or os.geteuid() != 0
        return is_owners and path.read_bytes() == file.content.encode()
    except FileNotFoundError:
        return False
