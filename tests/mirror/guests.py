"""One guest: a machine of its own kernel that can be killed, cut off, and given a failing disk.

Commands go over one half of a socket pair that the guest has as its tty; many may be under way
at once, for one that hangs in the guest's kernel is just what some tests are about.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import os
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from tests.mirror.pieces import Pieces

MEMORY = "128M"
BOOT_S = 40.0
COMMAND_S = 30.0
LOCAL_WRITES = 16
"""DRBD's own name for a kind of fault, in the kernel's drbd_int.h: DRBD_FAULT_DT_WR."""
LOCAL_READS = 32
"""DRBD_FAULT_DT_RD."""
_GROUP = "239.192.77.1"
_HELD_BACK = "0"
"""Multicast packets of this time to live never leave the machine."""

Asked = Callable[[Sequence[str]], int]


class GuestError(Exception):
    """The guest did not do what a test needs; says which command, and what came back."""


class Done(NamedTuple):
    """How a command in the guest ended."""

    code: int
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Who a guest is, and where on the host its parts lie."""

    name: str
    number: int
    port: int
    """The UDP port that stands for the cable: guests of one port see each other."""
    disk: Path
    log: Path
    address: str = field(init=False)

    def __post_init__(self) -> None:
        """Derive the address."""
        object.__setattr__(self, "address", f"10.77.0.{self.number}")


class Guest:
    """A running guest.

    Args:
        pieces: what to boot.
        place: who it is.
        asked: answers programs in the guest that call `hacluster-node`, with an exit code.
    """

    def __init__(self, pieces: Pieces, place: Place, asked: Asked) -> None:
        self.place = place
        self._asked = asked
        self._numbers = itertools.count(1)
        self._waiting: dict[str, list[Done]] = {}
        self._changed = threading.Condition()
        self._ready = self._gone = False
        ours, theirs = socket.socketpair()
        self._line = ours
        self._scratch = Path(tempfile.mkdtemp(prefix="hacluster-guest-"))
        with place.log.open("ab") as log, theirs:
            self._process = subprocess.Popen(
                self._command(pieces, theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "TMPDIR": _memory_folder()},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        """Wait until it takes commands."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._ready or self._gone, BOOT_S) or self._gone:
                self.kill()
                raise GuestError(f"{self.place.name} did not boot; see {self.place.log}")
        return self

    def __exit__(self, *_: object) -> None:
        """Kill it."""
        self.kill()

    def run(self, *argv: str, timeout_s: float = COMMAND_S) -> str:
        """Run a program to its end and return what it printed.

        Raises:
            GuestError: it failed, or did not end in time.
        """
        line = shlex.join(argv)
        done = self.shell(line, timeout_s)
        if done.code != 0:
            raise GuestError(f"{self.place.name}: {line} ended with {done.code}: {done.output}")
        return done.output

    def shell(self, line: str, timeout_s: float = COMMAND_S) -> Done:
        """Run a line of shell and return how it ended.

        Raises:
            GuestError: it did not end in time, or the guest is gone.
        """
        number = str(next(self._numbers))
        encoded = base64.b64encode(line.encode()).decode()
        with self._changed:
            box = self._waiting[number] = []
            self._send(f"{number} {encoded}\n")
            if not self._changed.wait_for(lambda: box or self._gone, timeout_s) or not box:
                raise GuestError(f"{self.place.name}: {line} did not end within {timeout_s} s")
            del self._waiting[number]
        return box[0]

    def kill(self) -> None:
        """Kill it as a power cut does: no process of it runs on; its disk stays as it is."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._listener.join()
        self._line.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def link(self, *, up: bool) -> None:
        """Plug or pull the network cable; the address stays."""
        self.run("ip", "link", "set", "eth0", "up" if up else "down")

    def fail_disk(self, kinds: int) -> None:
        """Have all local requests of a kind (LOCAL_...) fail from now on; 0 ends it."""
        self.shell(
            f"cd /sys/module/drbd/parameters; echo 100 > fault_rate; echo {kinds} > enable_faults"
        )

    def _command(self, pieces: Pieces, line: int) -> list[str]:
        place = self.place
        hardware = f"fe:fd:00:00:00:{place.number:02x}"
        return [
            str(pieces.kernel),
            f"mem={MEMORY}",
            f"initrd={pieces.initramfs}",
            f"ubd0={place.disk}",
            "con=null",
            "con0=null,fd:1",
            f"con1=fd:{line},fd:{line}",
            f"eth0=mcast,{hardware},{_GROUP},{place.port},{_HELD_BACK}",
            f"uml_dir={self._scratch}",
            f"umid={place.name}",
            "panic=-1",
            "quiet",
            f"host={place.name}",
            f"address={place.address}",
        ]

    def _send(self, text: str) -> None:
        try:
            self._line.sendall(text.encode())
        except OSError as error:
            raise GuestError(f"{self.place.name} is gone") from error

    def _listen(self) -> None:
        with contextlib.suppress(OSError), self._line.makefile("r", errors="replace") as lines:
            for line in lines:
                self._heard(line.split())
        with self._changed:
            self._gone = True
            self._changed.notify_all()

    def _heard(self, words: list[str]) -> None:
        if words[:1] == ["!"]:
            threading.Thread(target=self._answer, args=(words[1], words[2:]), daemon=True).start()
            return
        with self._changed:
            if words == ["ready"]:
                self._ready = True
            elif words and words[0] in self._waiting:
                encoded = words[2] if len(words) > 2 else ""
                output = base64.b64decode(encoded).decode(errors="replace")
                self._waiting[words[0]].append(Done(int(words[1]), output))
            self._changed.notify_all()

    def _answer(self, who: str, words: Sequence[str]) -> None:
        code = self._asked(words)
        with contextlib.suppress(GuestError):
            self.shell(f"echo {code} > /run/asked.{who}")


def _memory_folder() -> str:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()
