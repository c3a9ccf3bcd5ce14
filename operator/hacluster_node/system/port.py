"""The port: all that resources, guard and helper may ask of an operating system.

Calls block until done and are safe to repeat: what is already as asked is success. They
raise `Broken` with a code and the system's own words. None of them decides anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Mapping, Protocol, Sequence, Tuple

if TYPE_CHECKING:
    from hacluster_node.system.command import Outcome


@dataclass(frozen=True)
class Traffic:
    """What the outside reaches a group by.

    Attributes:
        ports: TCP and UDP ports of the service.
        addresses: addresses the node carries only while it is active.
    """

    ports: Tuple[int, ...] = ()
    addresses: Tuple[str, ...] = ()


class System(Protocol):
    """One node's operating system."""

    def run(
        self, group: str, argv: Sequence[str], timeout_s: float, environment: Mapping[str, str]
    ) -> Outcome:
        """Run a program of a group; what it starts can later be ended by `kill_programs`."""

    def write_file(self, path: str, text: str) -> None:
        """Replace a configuration file at once; raises OSError."""

    def kill_programs(self, group: str) -> None:
        """Kill whatever `run` started for a group, daemons it left included."""

    def add_address(self, address: str) -> None:
        """Carry an address on the loopback interface, unseen by neighbours."""

    def remove_address(self, address: str) -> None:
        """Carry it no longer."""

    def has_address(self, address: str) -> bool:
        """Tell whether any interface carries it."""

    def start_unit(self, unit: str, timeout_s: float) -> None:
        """Start a service unit and wait until it is active."""

    def stop_unit(self, unit: str, timeout_s: float) -> None:
        """Stop a service unit, frozen or not, and wait until it is not active."""

    def is_unit_active(self, unit: str) -> bool:
        """Tell whether a service unit is active."""

    def freeze_unit(self, unit: str) -> None:
        """Let no process of a unit run on, at once."""

    def kill_unit(self, unit: str) -> None:
        """Kill every process of a unit, at once."""

    def mount(self, device: str, path: str, file_system: str, options: str) -> None:
        """Mount a device; already mounted there is success."""

    def unmount(self, path: str, timeout_s: float) -> None:
        """Unmount, ending its users first if they do not let go."""

    def is_mounted(self, path: str) -> bool:
        """Tell whether something is mounted at exactly this path."""

    def hold(self, group: str, traffic: Traffic) -> None:
        """Drop a group's packets both ways, so that its flows survive a short hold."""

    def cut(self, group: str, traffic: Traffic) -> None:
        """Refuse a group's packets with a reset and destroy its sockets where that works."""

    def open(self, group: str) -> None:
        """End `hold` and `cut` of a group."""

    def restart_machine(self) -> None:
        """Restart at once, without any orderly stop: the last means of a fence."""

    def missing(self) -> Mapping[str, str]:
        """Return what this node lacks by name, with what follows from it."""
