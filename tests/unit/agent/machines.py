"""A machine in memory: the system port for tests, with what is on it as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hacluster_node.errors import Broken
from hacluster_node.system.command import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hacluster_node.system.port import Traffic


@dataclass
class Machine:
    """Keeps what `port.System` promises. `broken` names calls that fail."""

    addresses: set[str] = field(default_factory=set)
    units: dict[str, str] = field(default_factory=dict)
    mounts: dict[str, str] = field(default_factory=dict)
    traffic: dict[str, str] = field(default_factory=dict)
    ran: list[tuple[str, ...]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    killed: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    files: dict[str, str] = field(default_factory=dict)
    restarts: int = 0
    answer: Callable[[tuple[str, ...]], Outcome] = lambda _: Outcome(0, "")

    def _try(self, what: str) -> None:
        if what in self.broken:
            raise Broken("HAN-R01", f"{what} failed")

    def run(
        self, group: str, argv: Sequence[str], timeout_s: float, environment: Mapping[str, str]
    ) -> Outcome:
        assert group
        assert timeout_s > 0
        self.ran.append(tuple(argv))
        self.environment = dict(environment)
        return self.answer(tuple(argv))

    def write_file(self, path: str, text: str) -> None:
        self.files[path] = text

    def kill_programs(self, group: str) -> None:
        self._try("kill_programs")
        self.killed.append(group)

    def add_address(self, address: str) -> None:
        self._try("add_address")
        self.addresses.add(address)

    def remove_address(self, address: str) -> None:
        self._try("remove_address")
        self.addresses.discard(address)

    def has_address(self, address: str) -> bool:
        return address in self.addresses

    def start_unit(self, unit: str, timeout_s: float) -> None:
        self._try("start_unit")
        self.units[unit] = "active"

    def stop_unit(self, unit: str, timeout_s: float) -> None:
        self.units[unit] = "inactive"

    def is_unit_active(self, unit: str) -> bool:
        return self.units.get(unit) == "active"

    def freeze_unit(self, unit: str) -> None:
        self.units[unit] = "frozen"

    def kill_unit(self, unit: str) -> None:
        self.units[unit] = "killed"

    def mount(self, device: str, path: str, file_system: str, options: str) -> None:
        self._try("mount")
        self.mounts[path] = device

    def unmount(self, path: str, timeout_s: float) -> None:
        self._try("unmount")
        self.mounts.pop(path, None)

    def is_mounted(self, path: str) -> bool:
        return path in self.mounts

    def hold(self, group: str, traffic: Traffic) -> None:
        self.traffic[group] = "held"

    def cut(self, group: str, traffic: Traffic) -> None:
        self._try("cut")
        self.traffic[group] = "cut"

    def open(self, group: str) -> None:
        self.traffic.pop(group, None)

    def restart_machine(self) -> None:
        self.restarts += 1

    def missing(self) -> Mapping[str, str]:
        return {"watchdog": "none here"}
