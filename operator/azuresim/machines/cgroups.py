"""The control groups of a machine: who belongs to it, and making all of them stand still.

A machine's processes are told from all others by the group they are in, which no process can
forge or forget: so what a killed simulator left running is found again, and nothing else is hit.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

MOUNTED: Final = Path("/sys/fs/cgroup")
POLL_S: Final = 0.02


class StuckError(RuntimeError):
    """Processes cannot be stopped or ended; says which."""


class Group:
    """The groups of one name, in each hierarchy that a machine needs one of its own in.

    Args:
        name: Of the groups; begins with the simulator's prefix.
        mounted: Where the hierarchies are.
    """

    def __init__(self, name: str, mounted: Path = MOUNTED) -> None:
        self.name = name
        self._unified = (mounted / "cgroup.controllers").exists()
        kinds = ("",) if self._unified else ("freezer", "systemd", "unified")
        self._groups = [mounted / kind / name for kind in kinds if (mounted / kind).is_dir()]

    @property
    def tasks(self) -> list[Path]:
        """The files into which a process writes its id to join; the groups are made if needed."""
        for group in self._groups:
            group.mkdir(exist_ok=True)
        return [group / "cgroup.procs" for group in self._groups]

    def processes(self) -> set[int]:
        """Return the ids of its processes; a machine that is off has none."""
        return {pid for group in self._inner() for pid in _read(group / "cgroup.procs")}

    def leader(self) -> int | None:
        """Return the machine's first process, the one its guest calls 1, if there is one."""
        return next((pid for pid in sorted(self.processes()) if _is_first(pid)), None)

    def keeper(self) -> int | None:
        """Return the process outside that the machine runs under, if there is one."""
        outside = [pid for pid in self.processes() if len(_ids(pid)) == 1]
        return min(outside, key=_began, default=None)

    def join(self, leader: int) -> None:
        """Put this process where the leader is: what it becomes freezes and dies with it."""
        words = Path(f"/proc/{leader}/cgroup").read_text().splitlines()
        places = {line.split(":", 2)[1]: line.split(":", 2)[2] for line in words}
        kind = "" if self._unified else "freezer"
        root = self._groups[0].parent
        (root / places[kind].lstrip("/") / "cgroup.procs").write_text(str(os.getpid()))

    def freeze(self) -> None:
        """Let all of them stand still; clocks run on.

        Raises:
            StuckError: Some still run after 10 seconds.
        """
        self._set(frozen=True)
        deadline = time.monotonic() + 10
        while not self._is_frozen():
            if time.monotonic() > deadline:
                self._set(frozen=False)
                raise StuckError(f"{self.name} could not be frozen; it runs on.")
            time.sleep(POLL_S)

    def thaw(self) -> None:
        """Let them go on; nothing to do if they do, or are not there."""
        with suppress(FileNotFoundError):
            self._set(frozen=False)

    def kill(self) -> bool:
        """End all of them at once, frozen or not; return whether none is left."""
        left = self.processes()
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if left:
            self.thaw()
        return not left

    def remove(self) -> None:
        """Remove the groups, which must be empty of processes; none there is no error."""
        for group in self._groups:
            inner = sorted(group.rglob("*/"), key=lambda each: len(each.parts), reverse=True)
            for each in (*inner, group):
                with suppress(FileNotFoundError):
                    each.rmdir()

    def _inner(self) -> Iterator[Path]:
        if self._groups and self._groups[0].is_dir():
            with suppress(FileNotFoundError):  # removed, with its last process, while we looked
                yield self._groups[0]
                yield from self._groups[0].rglob("*/")

    def _set(self, *, frozen: bool) -> None:
        if self._unified:
            (self._groups[0] / "cgroup.freeze").write_text("1" if frozen else "0")
        else:
            (self._groups[0] / "freezer.state").write_text("FROZEN" if frozen else "THAWED")

    def _is_frozen(self) -> bool:
        if self._unified:
            return "frozen 1" in (self._groups[0] / "cgroup.events").read_text()
        return (self._groups[0] / "freezer.state").read_text().strip() == "FROZEN"


def named(prefix: str, mounted: Path = MOUNTED) -> set[str]:
    """Return the names of all groups that begin with a prefix."""
    kinds = ("", "freezer", "systemd", "unified")
    return {each.name for kind in kinds for each in (mounted / kind).glob(f"{prefix}*/")}


def _read(tasks: Path) -> set[int]:
    try:
        return {int(line) for line in tasks.read_text().split()}
    except OSError:
        return set()


def _is_first(pid: int) -> bool:
    """Whether it is the first of a namespace of processes directly inside ours."""
    numbers = _ids(pid)
    return len(numbers) == 2 and numbers[1] == "1"


def _began(pid: int) -> int:
    """Return when a process began, in ticks; later ones have larger numbers."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    except OSError:
        return sys.maxsize
    return int(after_name.split()[19])


def _ids(pid: int) -> list[str]:
    """Return a process's ids, from the outermost namespace inwards; none if it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return []
    line = next((each for each in status.splitlines() if each.startswith("NSpid:")), "")
    return line.split()[1:]
