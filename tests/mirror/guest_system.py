"""The agent's system port, in a guest: what resources ask for is done there, not here.

The resource's own code runs on the host and only its hands are in the guest. A guest with a
whole Debian and the agent inside would prove the agent's start as well, which the tests in
network namespaces do already, at seven seconds a boot instead of two; what only real DRBD can
prove is what DRBD says and does, and that passes through this port unchanged.
"""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING

from tests.mirror.guests import Guest, GuestError

from hacluster_node.errors import Broken
from hacluster_node.system.command import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hacluster_node.system.port import Traffic

NOT_FOUND = 127


class GuestSystem:
    """The part of `port.System` that disks need; the rest is refused."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    def run(
        self, group: str, argv: Sequence[str], timeout_s: float, environment: Mapping[str, str]
    ) -> Outcome:
        """Run a program in the guest."""
        del group
        words = [f"{name}={shlex.quote(value)}" for name, value in environment.items()]
        try:
            done = self._guest.shell(" ".join([*words, shlex.join(argv)]), timeout_s)
        except GuestError as error:
            return Outcome(-9, str(error), in_time=False)
        if done.code == NOT_FOUND:
            raise Broken("HAN-R04", f"{argv[0]}: No such file or directory")
        return Outcome(done.code, done.output.strip())

    def write_file(self, path: str, text: str) -> None:
        """Write a file in the guest."""
        folder = shlex.quote(path.rpartition("/")[0])
        done = self._guest.shell(
            f"mkdir -p {folder} && printf %s {shlex.quote(text)} > {shlex.quote(path)}"
        )
        if done.code != 0:
            raise OSError(done.output)

    def mount(self, device: str, path: str, file_system: str, options: str) -> None:
        """Mount a device in the guest."""
        if self.is_mounted(path):
            return
        extra = ["-o", options] if options else []
        argv = ("mount", "-t", file_system, *extra, device, path)
        done = self._guest.shell(f"mkdir -p {shlex.quote(path)} && {shlex.join(argv)}")
        if done.code != 0:
            raise Broken("HAN-D04", f"mount {device} on {path}: {done.output}")

    def unmount(self, path: str, timeout_s: float) -> None:
        """Unmount in the guest, until the time is over."""
        deadline = time.monotonic() + timeout_s
        while self.is_mounted(path):
            left = deadline - time.monotonic()
            if left <= 0:
                raise Broken("HAN-D04", f"unmount {path}: timed out")
            self.run("", ("umount", path), left, {})

    def is_mounted(self, path: str) -> bool:
        """Tell whether something is mounted there in the guest."""
        lines = self._guest.shell("cat /proc/self/mounts").output.splitlines()
        return any(line.split(" ")[1] == path for line in lines)

    def kill_programs(self, group: str) -> None:
        """Not for disks."""
        raise NotImplementedError(group)

    def add_address(self, address: str) -> None:
        """Not for disks."""
        raise NotImplementedError(address)

    def remove_address(self, address: str) -> None:
        """Not for disks."""
        raise NotImplementedError(address)

    def has_address(self, address: str) -> bool:
        """Not for disks."""
        raise NotImplementedError(address)

    def start_unit(self, unit: str, timeout_s: float) -> None:
        """Not for disks."""
        raise NotImplementedError(unit, timeout_s)

    def stop_unit(self, unit: str, timeout_s: float) -> None:
        """Not for disks."""
        raise NotImplementedError(unit, timeout_s)

    def is_unit_active(self, unit: str) -> bool:
        """Not for disks."""
        raise NotImplementedError(unit)

    def freeze_unit(self, unit: str) -> None:
        """Not for disks."""
        raise NotImplementedError(unit)

    def kill_unit(self, unit: str) -> None:
        """Not for disks."""
        raise NotImplementedError(unit)

    def hold(self, group: str, traffic: Traffic) -> None:
        """Not for disks."""
        raise NotImplementedError(group, traffic)

    def cut(self, group: str, traffic: Traffic) -> None:
        """Not for disks."""
        raise NotImplementedError(group, traffic)

    def open(self, group: str) -> None:
        """Not for disks."""
        raise NotImplementedError(group)

    def restart_machine(self) -> None:
        """Not for disks."""
        raise NotImplementedError

    def missing(self) -> Mapping[str, str]:
        """Not for disks."""
        raise NotImplementedError
