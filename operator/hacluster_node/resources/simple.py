"""Systemd, LoopbackAddress, FileSystem and SharedDisk: kinds of a few lines each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hacluster_node.resources import disks

if TYPE_CHECKING:
    from hacluster_node.resources.kinds import Call
    from hacluster_node.system.port import System


class Systemd:
    """Options: `unit`; `kill` to kill instead of freeze when fenced (set beside disks)."""

    def start(self, system: System, call: Call) -> None:
        """Start the unit and wait until it is active."""
        system.start_unit(call.options["unit"], call.timeout_s)

    def stop(self, system: System, call: Call) -> None:
        """Stop the unit and wait."""
        system.stop_unit(call.options["unit"], call.timeout_s)

    def fence(self, system: System, call: Call) -> None:
        """Freeze the unit; kill it if the group also has to let a disk go."""
        if call.options.get("kill"):
            system.kill_unit(call.options["unit"])
        else:
            system.freeze_unit(call.options["unit"])


class LoopbackAddress:
    """Options: `address`: a balancer's front end that this node answers for (floating IP)."""

    def start(self, system: System, call: Call) -> None:
        """Carry the address."""
        system.add_address(call.options["address"])

    def stop(self, system: System, call: Call) -> None:
        """Carry it no longer."""
        system.remove_address(call.options["address"])

    def fence(self, system: System, call: Call) -> None:
        """Carry it no longer."""
        system.remove_address(call.options["address"])


class FileSystem:
    """Options: `device`, `mountPath`, `fileSystem`, `mountOptions`."""

    def start(self, system: System, call: Call) -> None:
        """Mount it; make the file system first on a device that is empty."""
        options = call.options
        disks.format_if_empty(system, call, options["device"])
        file_system = options.get("fileSystem", "ext4")
        system.mount(
            options["device"], options["mountPath"], file_system, options.get("mountOptions", "")
        )

    def stop(self, system: System, call: Call) -> None:
        """Unmount it."""
        system.unmount(call.options["mountPath"], call.timeout_s)

    def fence(self, system: System, call: Call) -> None:
        """Unmount it, by force."""
        system.unmount(call.options["mountPath"], call.timeout_s)
