"""Runs one program: own process group, hard time limit, bounded output, clean environment.

A script that leaves a daemon behind keeps the output pipe open; so the end of the program is
taken from its process, not from its pipe.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import Mapping, Optional, Sequence

from hacluster_node.errors import Broken

KEPT_OUTPUT_BYTES = 4096  # The end of a long output tells most.
_TERMINATE_GRACE_S = 1.0
_POLL_S = 0.02
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Outcome:
    """How a program ended.

    Attributes:
        code: its exit code; minus the signal's number if one ended it.
        output: the end of standard output and error together.
        in_time: False if it was killed at its limit.
    """

    code: int
    output: str
    in_time: bool = True

    @property
    def ok(self) -> bool:
        """Tell whether it ended by itself, in time, with 0."""
        return self.in_time and self.code == 0


@dataclass(frozen=True)
class Command:
    """What to run.

    Attributes:
        argv: program and arguments; never a shell line.
        timeout_s: then it is terminated, and killed a second later, with its whole group.
        environment: added to a bare PATH and LANG; nothing else is inherited.
        stdin: handed to the program.
        cgroup: a cgroup directory the program joins before it starts, or "".
    """

    argv: Sequence[str]
    timeout_s: float
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    cgroup: str = ""


def run(command: Command) -> Outcome:
    """Run a program to its end or to its limit.

    Raises:
        Broken: HAN-R04, the program does not exist or cannot be executed.
    """
    process = _start(command)
    deadline = time.monotonic() + command.timeout_s
    with process:
        reader = _Tail(process)
        reader.feed(command.stdin)
        in_time = reader.follow(deadline)
        if not in_time:
            _kill_group(process, signal.SIGTERM)
            if not reader.follow(time.monotonic() + _TERMINATE_GRACE_S):
                _kill_group(process, signal.SIGKILL)
                reader.follow(time.monotonic() + _TERMINATE_GRACE_S)
        code = process.poll()
        if code is None:  # Stuck in the kernel: it cannot run on, and we must.
            code = -signal.SIGKILL
            process.returncode = code
        return Outcome(code, reader.text(), in_time)


def _start(command: Command) -> subprocess.Popen[bytes]:
    argv = list(command.argv)
    if command.cgroup:
        join = 'echo $$ >"$0" && exec "$@"'
        argv = ["/bin/sh", "-c", join, command.cgroup + "/cgroup.procs", *argv]
    environment = {"PATH": PATH, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", **command.environment}
    try:
        return subprocess.Popen(  # noqa: S603 - what the signed configuration names
            argv,
            stdin=subprocess.PIPE if command.stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise Broken("HAN-R04", f"{command.argv[0]}: {error.strerror or error}") from error


class _Tail:
    """Reads a program's output as long as the program lives, and keeps the end of it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._kept = b""
        self._pidfd = _open_pidfd(process.pid)
        self._selector: Optional[selectors.BaseSelector] = selectors.DefaultSelector()
        if process.stdout is not None:
            os.set_blocking(process.stdout.fileno(), False)
            self._selector.register(process.stdout, selectors.EVENT_READ)
        if self._pidfd is not None:
            self._selector.register(self._pidfd, selectors.EVENT_READ)

    def feed(self, stdin: bytes) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(stdin)
                self._process.stdin.close()

    def follow(self, deadline: float) -> bool:
        """Return True once the program has ended, False at the deadline."""
        assert self._selector is not None  # noqa: S101 - closed only by us, below
        longest_wait = _POLL_S if self._pidfd is None else float("inf")
        while self._process.poll() is None:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._selector.select(min(left, longest_wait))
            if not self._read():
                longest_wait = _POLL_S if self._pidfd is None else longest_wait
        self._read()
        self._close()
        return True

    def text(self) -> str:
        self._close()
        return self._kept.decode(errors="replace").strip()

    def _read(self) -> bool:
        stdout = self._process.stdout
        while stdout is not None and not stdout.closed:
            try:
                chunk = os.read(stdout.fileno(), 65536)
            except BlockingIOError:
                return True
            if not chunk:
                if self._selector is not None:
                    self._selector.unregister(stdout)
                stdout.close()
                return False
            self._kept = (self._kept + chunk)[-KEPT_OUTPUT_BYTES:]
        return False

    def _close(self) -> None:
        if self._selector is not None:
            self._selector.close()
            self._selector = None
            if self._pidfd is not None:
                os.close(self._pidfd)


def _open_pidfd(pid: int) -> Optional[int]:
    opener = getattr(os, "pidfd_open", None)
    try:
        return None if opener is None else int(opener(pid))
    except OSError:
        return None


def _kill_group(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
