"""A machine in namespaces of this machine's kernel, under systemd-nspawn."""

import asyncio
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from azuresim.machines import dress, launch, loops, plan
from azuresim.machines.body import Order
from azuresim.machines.cgroups import Group
from azuresim.machines.door import Machine
from azuresim.machines.host import Host
from azuresim.machines.memory import Kept
from azuresim.machines.places import Place

SIGNALS: Final = {Order.POWER_OFF: signal.SIGRTMIN + 4, Order.REBOOT: signal.SIGRTMIN + 5}
"""What systemd takes for the orders."""


class Container:
    """A body whose data disks are loop devices, and whose agent's socket is a file that we share.

    Args:
        host: What machines share.
        place: Where this one's things are.
        group: Its processes.
        kept: Its memory.
    """

    emulated = False

    def __init__(self, host: Host, place: Place, group: Group, kept: Kept) -> None:
        self._host = host
        self._place = place
        self._group = group
        self._kept = kept

    @property
    def socket(self) -> Path:
        """Where its guest agent answers."""
        return self._place.platform / "agent.sock"

    def entrance(self, leader: int) -> dict[str, Any]:
        """Return whose namespaces to join, and which group."""
        return {"leader": leader, "group": self._place.name}

    async def open(self) -> None:
        """Leave it to the guest agent: the socket is its own."""

    async def close(self) -> None:
        """As open."""

    def provide(self, machine: Machine) -> None:
        """Attach and detach data disks until the machine has those that it ought to have."""
        wanted = plan.data_disks(machine)
        images = self._host.images(machine)
        devices = {lun: loops.attach(images[lun], disk.size_gb) for lun, disk in wanted.items()}
        before = set(self._kept.now.images.values())
        after = {lun: str(path) for lun, path in images.items()}
        self._kept.note(sizes=plan.sizes(machine), images=after)
        dress.tell_disks(self._place, devices)
        _detach(before - set(after.values()))

    def start(self, how: launch.Launch) -> subprocess.Popen[bytes]:
        """Start it, without what the agent of the last boot has left."""
        self.socket.unlink(missing_ok=True)
        return launch.start(how)

    async def change_disks(self, machine: Machine) -> None:
        """Do as before a boot: the guest follows what it is told."""
        await asyncio.to_thread(self.provide, machine)

    async def order(self, order: Order) -> None:
        """Tell its systemd."""
        leader = self._group.leader()
        if leader is not None:
            with suppress(ProcessLookupError):
                os.kill(leader, SIGNALS[order])

    async def hold(self) -> None:
        """Freeze its processes; its clocks run on."""
        await asyncio.to_thread(self._group.freeze)

    async def go_on(self) -> None:
        """Thaw them."""
        self._group.thaw()

    def release(self) -> None:
        """Detach its disks; a device that others use goes with the last of them."""
        _detach(set(self._kept.now.images.values()))


def _detach(images: set[str]) -> None:
    for image in images:
        loops.detach(Path(image))
