"""Start real programs in the background, wait until they serve, and end every one of them.

Each process carries the folder of its environment in an environment variable, which its children
inherit. So what belongs to an environment is found by asking the system, not a list of our own,
which a kill -9 would leave wrong. Linux only.
"""

import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hacluster_local.logs import tail

MARK = "HACLUSTER_LOCAL"
PART = "HACLUSTER_LOCAL_PART"
POLL_S = 0.03
GRACE_S = 10.0
SWEEPS = 20
UNKNOWN_END = 255
"""The code of a process whose end somebody else was told of."""


class PartError(Exception):
    """A part did not start, or did not serve in time; the message carries the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run.

    ``answer`` names a file for the standard output where that is an answer to read, not a log.
    """

    name: str
    arguments: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    answer: Path | None = None


class Running:
    """A program that was started, whether or not it still runs."""

    def __init__(self, name: str, pid: int, log: Path) -> None:
        """Remember a child process of this one."""
        self.name = name
        self.pid = pid
        self.log = log
        self._code: int | None = None

    def exit_code(self) -> int | None:
        """Return its exit code, negative for the signal that ended it; None while it runs."""
        if self._code is None:
            try:
                ended, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                self._code = UNKNOWN_END
            else:
                self._code = os.waitstatus_to_exitcode(status) if ended else None
        return self._code


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A living process that carries an environment's mark."""

    pid: int
    part: str
    started: int
    """Ticks since boot; later processes have larger numbers."""


def start(program: Program, home: Path, *, tied: bool = False) -> Running:
    """Start a program as part of the environment in ``home``; its log is ``home/log/NAME.log``.

    With ``tied`` the system kills it when the thread that started it ends, however that ends.
    """
    log = home / "log" / f"{program.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    tie = ("setpriv", "--pdeathsig", "KILL", "--") if tied else ()
    arguments = ["env", f"--chdir={program.directory}", *tie, *program.arguments]
    environment = {**os.environ, **program.environment, MARK: str(home), PART: program.name}
    pid = os.posix_spawnp(
        arguments[0], arguments, environment, setsid=True, file_actions=_streams(program, log)
    )
    return Running(program.name, pid, log)


def wait_until_ready(running: Running, is_ready: Callable[[], bool], within_s: float) -> None:
    """Wait until a part serves.

    Raises:
        PartError: It ended, or does not serve within the seconds given.
    """
    deadline = time.monotonic() + within_s
    while not is_ready():
        code = running.exit_code()
        if code is not None:
            raise PartError(_story(running, f"ended with code {code} before it was ready"))
        if time.monotonic() > deadline:
            raise PartError(_story(running, f"was not ready within {within_s:.0f} s"))
        time.sleep(POLL_S)


def find(home: Path) -> list[Found]:
    """Return the living processes of an environment, the latest first, this process left out."""
    mark = f"{MARK}={home}".encode()
    found = []
    for pid in _pids():
        words = _environment(pid)
        if mark in words and pid != os.getpid():
            found.append(Found(pid=pid, part=_part(words), started=_started(pid)))
    return sorted(found, key=lambda process: process.started, reverse=True)


def stop(home: Path, grace_s: float = GRACE_S) -> int:
    """End every process of an environment, the latest first; those that do not listen are killed.

    Returns how many there were.

    Raises:
        PartError: Something is still there after all, and says what.
    """
    first = find(home)
    for process in first:
        _end(process, home, grace_s)
    for _ in range(SWEEPS):
        _reap(first)
        left = find(home)
        if not left:
            return len(first)
        for process in left:
            _send(process, home, signal.SIGKILL)
        time.sleep(POLL_S)
    names = ", ".join(f"{process.part} (process {process.pid})" for process in find(home))
    raise PartError(f"Could not end: {names}.")


def _end(process: Found, home: Path, grace_s: float) -> None:
    """Ask one process to end, frozen or not; kill it if it has not within the grace."""
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(process.pid)
        try:
            if f"{MARK}={home}".encode() not in _environment(process.pid):
                return
            for word in (signal.SIGTERM, signal.SIGCONT):
                signal.pidfd_send_signal(handle, word)
            if not select.select([handle], [], [], grace_s)[0]:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def _reap(processes: list[Found]) -> None:
    """Take note of ended children, which would otherwise stay in the process table."""
    for process in processes:
        with suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)


def _send(process: Found, home: Path, word: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(process.pid)
        try:
            if f"{MARK}={home}".encode() in _environment(process.pid):
                signal.pidfd_send_signal(handle, word)
        finally:
            os.close(handle)


def _streams(program: Program, log: Path) -> list[tuple[int, int, str, int, int]]:
    """Say where the standard streams lead; the log is appended to, an answer starts afresh."""
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    output = (str(log), append)
    if program.answer is not None:
        output = (str(program.answer), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    return [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, *output, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, str(log), append, 0o600),
    ]


def _story(running: Running, what: str) -> str:
    return f"{running.name} {what}. The end of its log ({running.log}):\n\n{tail(running.log)}"


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _environment(pid: int) -> list[bytes]:
    """Return a process's environment; nothing if it is gone, a zombie, or another user's."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _part(words: list[bytes]) -> str:
    start = f"{PART}=".encode()
    return next(
        (word.removeprefix(start).decode() for word in words if word.startswith(start)), "?"
    )


def _started(pid: int) -> int:
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    except OSError:
        return 0
    return int(after_name.split()[19])
