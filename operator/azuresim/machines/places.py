"""Where things of machines and disks are in the simulator's directory, and what they are called."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from azuresim import ids
from azuresim.fabric.names import Names

MACHINES: Final = "machines"
DISKS: Final = "disks"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one machine's things are.

    Attributes:
        folder: All but its disks.
        name: Of its control groups, and what systemd-nspawn calls it.
    """

    folder: Path
    name: str

    @property
    def state(self) -> Path:
        """What must survive a killed simulator."""
        return self.folder / "state.json"

    @property
    def root(self) -> Path:
        """Where its file system is mounted, in a mount namespace that nobody else sees."""
        return self.folder / "root"

    @property
    def platform(self) -> Path:
        """What it shares with us: what it is to know, and its guest agent's socket."""
        return self.folder / "platform"

    @property
    def console(self) -> Path:
        """What it writes to its serial console."""
        return self.folder / "console.log"

    def temporary(self, host: int) -> Path:
        """Its temporary disk on the host of that number."""
        return self.folder / f"temporary-{host}"


def machine(directory: Path, machine_id: str) -> Place:
    """Return the place of a machine."""
    name = Names.of(directory).machine(machine_id)
    return Place(folder=directory.resolve() / MACHINES / name, name=name)


def disk(directory: Path, disk_id: str) -> Path:
    """Return the folder of a disk."""
    digest = hashlib.sha256(ids.key(disk_id).encode()).hexdigest()[:16]
    return directory.resolve() / DISKS / digest


def image(disk_folder: Path) -> Path:
    """Return the file behind a data disk."""
    return disk_folder / "data.img"
