"""What all machines of a simulator share: where they are, what they start from, their network."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from azuresim.fabric.wanted import Interface
from azuresim.machines import places, plan
from azuresim.machines.door import Machine


class Network(Protocol):
    """What machines need of the data plane; see `azuresim.fabric.door`."""

    def plug(self, machine_id: str, *, emulated: bool = False) -> str:
        """Make sure of a machine's namespace and return its name."""

    def interfaces(self, machine_id: str) -> tuple[Interface, ...]:
        """Return a machine's interfaces, the primary one first."""

    def unplug(self, machine_id: str) -> None:
        """Take a machine's namespace away."""

    def cut(self, one: str, other: str) -> None:
        """Lose all packets between two places."""

    def heal(self, one: str, other: str) -> int:
        """Undo a cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What all machines of a simulator share.

    Attributes:
        directory: Of the simulator.
        base: The tree machines start from.
        network: The data plane.
        authority: Certificate that machines trust, or None.
        patience_s: How long a machine may take to shut down before it is killed.
        kernel: What emulated machines boot; None for machines on this kernel.
    """

    directory: Path
    base: Path
    network: Network
    authority: Path | None = None
    patience_s: float = 30.0
    kernel: Path | None = None

    def boot_folder(self, machine: Machine) -> Path:
        """Return the folder of the disk a machine boots from."""
        return places.disk(self.directory, plan.boot_disk(machine).id)

    def images(self, machine: Machine) -> dict[int, Path]:
        """Return the files behind the data disks that a machine ought to have, by lun."""
        return {
            lun: places.image(places.disk(self.directory, disk.id))
            for lun, disk in plan.data_disks(machine).items()
        }
