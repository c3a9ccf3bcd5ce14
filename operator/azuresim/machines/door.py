"""What is asked of machines, and what they tell.

Wishes are levels, not events: `bring` says how a machine ought to be, as often as
you like, and a higher `boots` than before means that it boots once more. Whatever
is asked for returns at once; how it went is told when it is asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A disk in a machine.

    Attributes:
        id: The disk's ARM id.
        lun: Where the guest finds it; None for the one it boots from.
        size_gb: Its size.
        shared: Other machines may have it at the same time.
    """

    id: str
    lun: int | None
    size_gb: int
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """How a machine ought to be.

    Attributes:
        id: ARM id of the virtual machine.
        name: What it calls itself.
        size: For example `Standard_D2s_v3`.
        system: `Linux` or `Windows`.
        running: Power is on.
        boots: Rises by one for each boot that is asked for.
        host: Rises by one with each move to another host: its temporary disk stays behind.
        disks: The disks it has, the one it boots from first.
        interfaces: ARM ids of its network interfaces, the primary one first.
        identities: Client ids of the managed identities its metadata service gives tokens for.
        user: Name of the administrator.
        keys: SSH public keys of the administrator.
        custom_data: Base64, for cloud-init; empty for none.
    """

    id: str
    name: str
    size: str
    system: str
    running: bool
    boots: int
    host: int = 0
    disks: tuple[Disk, ...]
    interfaces: tuple[str, ...]
    identities: tuple[str, ...] = ()
    user: str = ""
    keys: tuple[str, ...] = ()
    custom_data: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One run of a script in a machine.

    Attributes:
        id: Of this run; the same id is never run twice.
        machine: ARM id of the virtual machine.
        name: Name of the Run Command, or of the action.
        text: The script, or the URI of one, or the id of a built-in one.
        parameters: Handed to it by name.
        arguments: Handed to it by place.
        protected: Handed to it, never kept; None if they were lost with a killed simulator.
        user: Runs as this one; empty for the default.
        started: When it was asked for, in simulated seconds since 1970.
        timeout_s: Given up after so many seconds.
    """

    id: str
    machine: str
    name: str
    text: str
    parameters: Mapping[str, str]
    arguments: tuple[str, ...] = ()
    protected: Mapping[str, str] | None = field(default=None, repr=False)
    user: str = ""
    started: float
    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended."""

    exit_code: int
    output: str
    error: str
    ended: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How a machine is.

    Attributes:
        running: It runs now; one that ought to and does not has stopped by itself.
        agent: Its guest agent answers, so that scripts can run.
        settled: It has become what it ought to be, or has given up; it is not on its way.
    """

    running: bool
    agent: bool
    settled: bool = True


class Machines(Protocol):
    """Whoever has the machines."""

    @property
    def pace(self) -> float:
        """Simulated seconds in a script's second: more than one where scripts really run."""

    def bring(self, machine: Machine) -> None:
        """Begin to make a machine what it ought to be: power, boots, disks."""

    def remove(self, machine_id: str) -> None:
        """Begin to take a machine away; one that is not there is no error."""

    def erase(self, disk_id: str) -> None:
        """Begin to throw a disk's content away; one without any is no error."""

    def status(self, machine_id: str, now: float) -> Status:
        """Return how a machine is."""

    def run(self, script: Script) -> None:
        """Begin to run a script; a run known already is left alone."""

    def outcome(self, run_id: str, now: float) -> Outcome | None:
        """Return how a run ended, or None while it goes on."""

    def forget(self, run_id: str) -> None:
        """Let go of a run, ended or not."""
