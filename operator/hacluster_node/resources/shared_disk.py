"""SharedDisk: one managed disk attached to all nodes, mounted on the active one only.

Where the disk knows SCSI-3 persistent reservations (Azure's shared disks do), the active
node holds a write-exclusive one, registered with a key that carries its epoch. A fenced node
that still had writes in flight gets a reservation conflict instead of a corrupt file system.
Disks without reservations are guarded by the lease and the fence alone, and say so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hacluster_node.errors import Broken
from hacluster_node.resources.simple import FileSystem

if TYPE_CHECKING:
    from hacluster_node.resources.kinds import Call
    from hacluster_node.system.port import System

_KEY = re.compile(r"^\s+0x([0-9a-f]{1,16})\s*$", re.MULTILINE)
_HOLDER = re.compile(r"Key\s*=\s*0x([0-9a-f]{1,16})")
_TOOL = "sg_persist"
_WRITE_EXCLUSIVE = "1"
_QUICK_S = 5.0


def key(epoch: int, node_number: int) -> str:
    """Return the reservation key of a node at an epoch: epoch in the high 48 bits."""
    return format((epoch << 16) | (node_number & 0xFFFF), "x")


def epoch_of(text: str) -> int:
    """Return the epoch that a reservation key carries."""
    return int(text, 16) >> 16


def registered(output: str) -> list[str]:
    """Return the keys in the answer of `sg_persist --in --read-keys`."""
    return _KEY.findall(output)


def holder(output: str) -> str:
    """Return the key in the answer of `sg_persist --in --read-reservation`, or ""."""
    found = _HOLDER.search(output)
    return found.group(1) if found else ""


class SharedDisk:
    """Options: as FileSystem, and `reservation` (default true), `nodeNumber`."""

    def start(self, system: System, call: Call) -> None:
        """Take the reservation over if the epoch allows it, then mount."""
        if call.options.get("reservation", True):
            self._reserve(system, call)
        FileSystem().start(system, call)

    def stop(self, system: System, call: Call) -> None:
        """Unmount, then give the reservation back."""
        FileSystem().stop(system, call)
        self._release(system, call)

    def fence(self, system: System, call: Call) -> None:
        """Unmount by force, then give the reservation back.

        Whatever cannot be unmounted keeps its key, which the next holder preempts: from then
        on the disk itself refuses our writes.
        """
        FileSystem().fence(system, call)
        self._release(system, call)

    def _reserve(self, system: System, call: Call) -> None:
        mine = key(call.epoch, int(call.options.get("nodeNumber", 0)))
        theirs = holder(self._ask(system, call, "--in", "--read-reservation"))
        if theirs and epoch_of(theirs) > call.epoch:
            raise Broken("HAN-D05", f"{call.options['device']}: epoch {epoch_of(theirs)} holds it")
        self._ask(system, call, "--out", "--register-ignore", f"--param-sark=0x{mine}")
        if theirs and theirs != mine:
            taken = (f"--param-rk=0x{mine}", f"--param-sark=0x{theirs}")
            self._ask(
                system, call, "--out", "--preempt", *taken, f"--prout-type={_WRITE_EXCLUSIVE}"
            )
        elif not theirs:
            kind = f"--prout-type={_WRITE_EXCLUSIVE}"
            self._ask(system, call, "--out", "--reserve", f"--param-rk=0x{mine}", kind)

    def _release(self, system: System, call: Call) -> None:
        if not call.options.get("reservation", True):
            return
        mine = key(call.epoch, int(call.options.get("nodeNumber", 0)))
        if mine in registered(self._ask(system, call, "--in", "--read-keys")):
            self._ask(system, call, "--out", "--register", f"--param-rk=0x{mine}", "--param-sark=0")

    @staticmethod
    def _ask(system: System, call: Call, *arguments: str) -> str:
        argv = (_TOOL, *arguments, call.options["device"])
        outcome = system.run(f"{call.group}.{call.name}", argv, _QUICK_S, {})
        if not outcome.ok:
            raise Broken("HAN-D05", f"{' '.join(argv)}: {outcome.output}")
        return outcome.output
