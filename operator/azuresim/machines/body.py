"""The door to what a machine runs in: namespaces of this kernel, or a kernel of its own.

Whoever keeps a machine says through it what is to happen, and knows no more of how. A body keeps
the files behind the machine's data disks in the machine's memory.
"""

import subprocess
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from azuresim.machines.door import Machine
from azuresim.machines.launch import Launch


class Order(Enum):
    """What a guest is told as its administrator would; one that hangs does not hear it."""

    POWER_OFF = "poweroff"
    REBOOT = "reboot"


class Body(Protocol):
    """What one machine runs in. Whatever is refused raises OSError or RuntimeError."""

    @property
    def emulated(self) -> bool:
        """Whether it has a kernel of its own: its cables end at taps, and it names its disks."""

    @property
    def socket(self) -> Path:
        """Where its guest agent answers, once it is open."""

    def entrance(self, leader: int) -> dict[str, Any]:
        """Return how a command gets into it while it runs, for `reach`."""

    async def open(self) -> None:
        """Begin to serve the socket, whether or not the machine runs."""

    async def close(self) -> None:
        """Serve it no longer."""

    def provide(self, machine: Machine) -> None:
        """Have the data disks ready that a machine is about to boot with."""

    def start(self, how: Launch) -> subprocess.Popen[bytes]:
        """Start it; it lives on when this process ends."""

    async def change_disks(self, machine: Machine) -> None:
        """Give it, while it runs, the data disks that it ought to have."""

    async def order(self, order: Order) -> None:
        """Tell its guest to end."""

    async def hold(self) -> None:
        """Let it stand still; returns once it does."""

    async def go_on(self) -> None:
        """Let it go on; nothing to do if it does, or does not run."""

    def release(self) -> None:
        """Take back what the disks of a machine that is off no longer need."""
