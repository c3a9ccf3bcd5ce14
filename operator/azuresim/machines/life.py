"""The processes of one machine, from its start to whatever ends them."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from azuresim.machines.cgroups import Group, StuckError

if TYPE_CHECKING:
    import subprocess

STARTS_WITHIN_S: Final = 120.0
DIES_WITHIN_S: Final = 60.0
SEEK_S: Final = 0.02


class Life:
    """Knows whether a machine runs, and is told when it ends.

    Args:
        group: Its processes, whoever started them.
        on_end: Called once they, seen alive before, have ended.
    """

    def __init__(self, group: Group, on_end: Callable[[], None]) -> None:
        self.alive = False
        self._group = group
        self._on_end = on_end
        self._watched = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def leader(self) -> int | None:
        """Its first process, if it runs."""
        return self._group.leader() if self.alive else None

    async def begin(self, start: Callable[[], "subprocess.Popen[bytes]"], console: Path) -> None:
        """Start it and wait until it has a first process; `watch` it then.

        Raises:
            StuckError: It ended at once, or has none in time; says where its console's log is.
        """
        self._process = await asyncio.to_thread(start)
        deadline = time.monotonic() + STARTS_WITHIN_S
        while self._group.leader() is None:
            if self._process.poll() is not None:
                raise StuckError(f"it ended at once; see {console}")
            if time.monotonic() > deadline:
                await self.end()
                raise StuckError(f"it did not start within {STARTS_WITHIN_S:.0f} s; see {console}")
            await asyncio.sleep(SEEK_S)

    async def end(self) -> None:
        """End all its processes at once; none there is no error.

        Raises:
            StuckError: Some cannot be ended.
        """
        deadline = time.monotonic() + DIES_WITHIN_S
        while not self._group.kill():
            if time.monotonic() > deadline:
                raise StuckError("its processes cannot be ended")
            await asyncio.sleep(SEEK_S)
        self._ended()

    def watch(self) -> None:
        """Take it for alive, and be told when it ends."""
        keeper = self._group.keeper()
        if keeper is None:
            self._ended()
            return
        self.alive = True
        try:
            handle = os.pidfd_open(keeper)
        except ProcessLookupError:
            self._ended()
            return
        loop = asyncio.get_running_loop()
        self._watched = keeper

        def ended() -> None:
            loop.remove_reader(handle)
            os.close(handle)
            if self._watched == keeper:  # and not one that has been booted since
                self._ended()

        loop.add_reader(handle, ended)

    def _ended(self) -> None:
        if self._process is not None:
            self._process.poll()  # or it would stay in the process table
        was_alive, self.alive = self.alive, False
        if was_alive:
            self._on_end()
