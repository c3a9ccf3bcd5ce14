"""Lets one machine stand still for a while; a killed simulator's successor lets it go on."""

import asyncio
import time
from typing import Final

from azuresim import ids
from azuresim.machines.body import Body
from azuresim.machines.host import Network
from azuresim.machines.memory import Kept

EVERYTHING: Final = "*"
"""The data plane's word for all places, in a cut."""


class Stillness:
    """The freezes of one machine, one at a time.

    Args:
        machine_id: Of the machine.
        body: What it runs in.
        network: The data plane: a kernel that is not frozen would answer for a frozen machine.
        kept: The machine's memory.
    """

    def __init__(self, machine_id: str, body: Body, network: Network, kept: Kept) -> None:
        self._id = machine_id
        self._body = body
        self._network = network
        self._kept = kept

    async def begin(self, seconds: float) -> None:
        """Let it stand still; returns once it does. `wait` is to be called then.

        Raises:
            ValueError: It stands still already, or cannot be made to.
        """
        if self._kept.now.thaw_at is not None:
            raise ValueError(f"{ids.name_of(self._id)} is frozen already.")
        self._kept.note(thaw_at=time.time() + seconds)
        try:
            await asyncio.to_thread(self._network.cut, self._id, EVERYTHING)
            await self._body.hold()
        except (OSError, RuntimeError) as error:
            await self.end()
            raise ValueError(str(error)) from error

    async def wait(self) -> None:
        """Let it go on when it is time, unless somebody did before; at once if it is not frozen."""
        until = self._kept.now.thaw_at
        if until is None:
            return
        await asyncio.sleep(max(0.0, until - time.time()))
        if self._kept.now.thaw_at == until:
            await self.end()

    async def end(self) -> None:
        """End a freeze, if there is one."""
        if self._kept.now.thaw_at is None:
            return
        await asyncio.to_thread(self._network.heal, self._id, EVERYTHING)
        await self._body.go_on()
        self._kept.note(thaw_at=None)
