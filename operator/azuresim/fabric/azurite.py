"""One storage account's blob service: an Azurite that is kept running until it is stopped.

Each process carries the simulator's directory in an environment variable. So those that a killed
simulator left behind are found by asking the system, and are ended in order: Azurite writes
what it has only every five seconds and when it ends.
"""

import asyncio
import contextlib
import logging
import os
import random
import select
import shutil
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from azuresim.fabric.sockets import free_port

MARK: Final = "AZURESIM_STORAGE"
START_S: Final = 60.0
"""How long a start may take on a busy machine."""
END_S: Final = 10.0
"""How long an end may take before it is no end in order."""
POLL_S: Final = 0.05
PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 10.0
STEADY_S: Final = 60.0
"""After so long a run the next start is not held back for earlier failures."""

log = logging.getLogger(__name__)


class AwayError(Exception):
    """The service cannot be reached now; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How an Azurite is to be run.

    Attributes:
        command: The words that start it, without options.
        directory: The simulator's directory, by which the process is known.
        folder: Where its data are.
        chain: File of its key and certificate.
        account: Name of the account.
        keys: The account's keys.
    """

    command: tuple[str, ...]
    directory: Path
    folder: Path
    chain: Path
    account: str
    keys: tuple[str, ...] = field(repr=False)

    def arguments(self, port: int) -> tuple[str, ...]:
        """Return the whole command line; it has no secret in it."""
        options = {
            "blobHost": "127.0.0.1",
            "blobPort": str(port),
            "location": str(self.folder),
            "oauth": "basic",
            "cert": str(self.chain),
            "key": str(self.chain),
        }
        words = (word for name, value in options.items() for word in (f"--{name}", value))
        return (*_tied(), *self.command, *words, "--disableTelemetry", "--skipApiVersionCheck",
                "--silent")  # fmt: skip

    def environment(self) -> dict[str, str]:
        """Return the environment, which tells the account's keys."""
        account = ":".join((self.account, *self.keys))
        return {**os.environ, MARK: str(self.directory), "AZURITE_ACCOUNTS": account}


class Azurite:
    """Keeps one Azurite running.

    Args:
        setup: How it is run.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self._up = asyncio.Event()
        self._port = 0
        self._why = "it has not started yet"
        self._keeper = asyncio.create_task(self._keep(), name=f"storage {setup.account}")

    @property
    def is_up(self) -> bool:
        """Whether it listens."""
        return self._up.is_set()

    async def port(self, within_s: float) -> int:
        """Return the port of the loopback it listens on, once it does.

        Raises:
            AwayError: If it does not within the seconds given.
        """
        try:
            async with asyncio.timeout(within_s):
                await self._up.wait()
        except TimeoutError:
            message = f"The store of account {self.setup.account} is away: {self._why}."
            raise AwayError(message) from None
        return self._port

    async def stop(self) -> None:
        """End it in order, or kill it if it does not end."""
        self._keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeper

    async def _keep(self) -> None:
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._run()
            except OSError as error:
                self._why = str(error)
            failures = 1 if loop.time() - began > STEADY_S else failures + 1
            log.warning("Azurite of account %s ended: %s", self.setup.account, self._why)
            pause = min(LONGEST_PAUSE_S, PAUSE_S * 2 ** min(failures, 8))
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret

    async def _run(self) -> None:
        """Run it once, to its end."""
        port = free_port()
        self.setup.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.setup.folder / "azurite.log").open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *self.setup.arguments(port),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self.setup.environment(),
                start_new_session=True,
            )
        try:
            await self._wait_until_up(process, port)
            code = await process.wait()
            self._why = f"it ended with code {code}; see {self.setup.folder / 'azurite.log'}"
        finally:
            self._up.clear()
            await _end(process)

    async def _wait_until_up(self, process: asyncio.subprocess.Process, port: int) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + START_S
        while process.returncode is None and not await _answers(port):
            if loop.time() > deadline:
                raise OSError(f"it did not listen within {START_S:.0f} s")
            await asyncio.sleep(POLL_S)
        if process.returncode is None:
            self._port = port
            self._up.set()


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(END_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _tied() -> tuple[str, ...]:
    """Return what lets the kernel end a program when this process is killed, if it is there."""
    path = shutil.which("setpriv")
    return (path, "--pdeathsig", "TERM", "--") if path else ()


def end_leftovers(directory: Path) -> int:
    """End what an earlier simulator on a directory left running; return how many there were.

    Takes up to ten seconds for each; not for the event loop.
    """
    mark = f"{MARK}={directory}".encode()
    found = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return sum(_end_leftover(pid, mark) for pid in found if pid != os.getpid())


def _end_leftover(pid: int, mark: bytes) -> bool:
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if mark not in _environment(pid):
            return False
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        if not select.select([handle], [], [], END_S)[0]:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            select.select([handle], [], [], END_S)
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)
    return True


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
