"""A machine under an emulator, with a kernel of its own."""

import asyncio
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from azuresim.machines import channel, emulator, launch, loops, plan
from azuresim.machines.body import Order
from azuresim.machines.channel import Switchboard
from azuresim.machines.door import Machine
from azuresim.machines.host import Host
from azuresim.machines.memory import Kept
from azuresim.machines.places import Place

HEARS_WITHIN_S: Final = 5.0


class Emulation:
    """A body whose data disks are files, and which is spoken to by a channel and a monitor.

    Args:
        host: What machines share.
        kernel: What it boots.
        place: Where this one's things are.
        kept: Its memory.
    """

    emulated = True

    def __init__(self, host: Host, kernel: Path, place: Place, kept: Kept) -> None:
        self._host = host
        self._kernel = kernel
        self._place = place
        self._kept = kept
        self._monitor = place.folder / emulator.MONITOR
        self._channel = place.folder / emulator.CHANNEL
        self._board = Switchboard(self._channel, self.socket)

    @property
    def socket(self) -> Path:
        """Where we answer for its guest agent."""
        return self._place.folder / "agent.sock"

    def entrance(self, leader: int) -> dict[str, Any]:
        """Return who runs commands: no process of ours can get in."""
        return {"agent": str(self.socket)}

    async def open(self) -> None:
        """Begin to relay questions for its agent."""
        self._place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        await self._board.open()

    async def close(self) -> None:
        """End that."""
        await self._board.close()

    def provide(self, machine: Machine) -> None:
        """Make the files behind the data disks that it ought to have."""
        images = self._host.images(machine)
        for lun, disk in plan.data_disks(machine).items():
            loops.provide(images[lun], disk.size_gb)
        after = {lun: str(path) for lun, path in images.items()}
        self._kept.note(sizes=plan.sizes(machine), images=after)

    def start(self, how: launch.Launch) -> subprocess.Popen[bytes]:
        """Start the emulator, without the sockets that the last one has left."""
        for path in (self._monitor, self._channel):
            path.unlink(missing_ok=True)
        return emulator.start(
            emulator.Emulated(
                common=how,
                kernel=self._kernel,
                interfaces=self._host.network.interfaces(how.machine.id),
                drives={lun: Path(path) for lun, path in self._kept.now.images.items()},
            )
        )

    async def change_disks(self, machine: Machine) -> None:
        """Have the emulator plug and unplug; what it refuses is as it was."""
        before, sizes = dict(self._kept.now.images), dict(self._kept.now.sizes)
        await asyncio.to_thread(self.provide, machine)
        after = self._kept.now.images
        try:
            await channel.tell(self._monitor, *emulator.changes(before, after, sizes, machine))
        except RuntimeError:
            self._kept.note(images=before, sizes=sizes)
            raise

    async def order(self, order: Order) -> None:
        """Have its guest agent do it."""
        with suppress(OSError, TimeoutError, ValueError):
            await channel.power(self.socket, order.value, HEARS_WITHIN_S)

    async def hold(self) -> None:
        """Stop the emulator, and the guest's clocks with it."""
        await channel.tell(self._monitor, {"execute": "stop"})

    async def go_on(self) -> None:
        """Let the emulator go on."""
        with suppress(channel.MonitorError):
            await channel.tell(self._monitor, {"execute": "cont"})

    def release(self) -> None:
        """Do nothing: its disks are files, and need no more."""
