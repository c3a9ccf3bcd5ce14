"""What is to be done next with a machine: pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from azuresim.machines.door import Disk, Machine


class Step(Enum):
    """One thing to do, after which is looked again."""

    BOOT = auto()
    SHUT_DOWN = auto()
    CUT_POWER = auto()
    TIDY = auto()
    MOVE = auto()
    CHANGE_DISKS = auto()
    ERASE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How a machine is.

    Attributes:
        running: It has processes.
        boots: The latest boot that was begun.
        host: The host its temporary disk is on.
        untidy: It has, or had before it ended by itself, a namespace and devices.
        sizes: Sizes of its data disks in GiB, by lun.
    """

    running: bool
    boots: int
    host: int
    untidy: bool
    sizes: Mapping[int, int]


def next_step(wanted: Machine | None, seen: Seen) -> Step | None:
    """Return what to do next so that a machine becomes as wanted, gone if None; None: it is so."""
    if seen.running:
        return _while_running(wanted, seen)
    if seen.untidy:
        return Step.TIDY
    if wanted is None:
        return Step.ERASE
    if wanted.host != seen.host:
        return Step.MOVE
    return Step.BOOT if wanted.running and wanted.boots > seen.boots else None


def _while_running(wanted: Machine | None, seen: Seen) -> Step | None:
    if wanted is None:
        return Step.CUT_POWER
    if not wanted.running or wanted.boots > seen.boots:
        return Step.SHUT_DOWN
    return None if seen.sizes == sizes(wanted) else Step.CHANGE_DISKS


def boot_disk(machine: Machine) -> Disk:
    """Return the disk a machine boots from."""
    return next(disk for disk in machine.disks if disk.lun is None)


def data_disks(machine: Machine) -> dict[int, Disk]:
    """Return a machine's other disks by lun."""
    return {disk.lun: disk for disk in machine.disks if disk.lun is not None}


def sizes(machine: Machine) -> dict[int, int]:
    """Return the sizes of a machine's data disks by lun, in GiB."""
    return {lun: disk.size_gb for lun, disk in data_disks(machine).items()}
