"""The port on Linux: iproute2, systemd, nftables, cgroups, mount."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shutil
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Dict, Mapping, Optional, Sequence

from hacluster_node.errors import Broken
from hacluster_node.system import cgroups, traffic
from hacluster_node.system.command import Command, Outcome, run

if TYPE_CHECKING:
    from hacluster_node.system.port import Traffic

_QUICK_S = 5.0
_NEEDED = {
    "ip": "addresses cannot be added nor taken away (package iproute2)",
    "nft": "traffic cannot be held nor cut; a fence only kills and takes addresses away",
    "systemctl": "Systemd resources cannot run",
    "ss": "sockets cannot be destroyed; flows end by a reset of their next packet",
}


class LinuxSystem:
    """One Linux node. See `port.System` for what each call promises.

    Args:
        cgroup: the directory below which programs get a cgroup per group; None if the kernel
            has no cgroup version 2, then only process groups are known.
    """

    def __init__(self, cgroup: Optional[Path]) -> None:
        self._cgroup = cgroup
        self._lock = threading.Lock()
        self._held: Dict[str, Traffic] = {}
        self._cut: Dict[str, Traffic] = {}
        self._no_nft = _why_no_nft()

    def run(
        self, group: str, argv: Sequence[str], timeout_s: float, environment: Mapping[str, str]
    ) -> Outcome:
        """Run a program of a group in the group's cgroup."""
        directory = self._programs(group)
        place = str(directory) if directory is not None else ""
        return run(Command(tuple(argv), timeout_s, environment, cgroup=place))

    def write_file(self, path: str, text: str) -> None:
        """Replace a configuration file, so that no reader ever sees half of it."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.new")
        draft.write_text(text, "utf-8")
        draft.replace(target)

    def kill_programs(self, group: str) -> None:
        """Kill whatever `run` started for a group."""
        directory = self._programs(group)
        if directory is not None and not cgroups.kill(directory):
            raise Broken("HAN-G02", f"processes of {group} could not be killed")

    def add_address(self, address: str) -> None:
        """Carry an address on lo; neighbours are not told, since arp_ignore is set first."""
        for name in ("all", "lo"):
            with contextlib.suppress(OSError):
                Path(f"/proc/sys/net/ipv4/conf/{name}/arp_ignore").write_text("1", "ascii")
        self._ip("replace", address)

    def remove_address(self, address: str) -> None:
        """Carry it no longer; not carrying it is success."""
        with contextlib.suppress(Broken):
            self._ip("del", address)
        if self.has_address(address):
            raise Broken("HAN-R01", f"the address {address} could not be taken away")

    def has_address(self, address: str) -> bool:
        """Tell whether any interface carries it."""
        outcome = run(Command(("ip", "-o", "addr", "show", "to", _host_prefix(address)), _QUICK_S))
        return outcome.ok and bool(outcome.output)

    def start_unit(self, unit: str, timeout_s: float) -> None:
        """Start a service unit and wait until it is active."""
        run(Command(("systemctl", "reset-failed", unit), _QUICK_S))
        self._systemctl("start", unit, timeout_s)
        if not self.is_unit_active(unit):
            raise Broken("HAN-R01", f"unit {unit} did not become active")

    def stop_unit(self, unit: str, timeout_s: float) -> None:
        """Stop a unit; one frozen by a fence is thawed after the stop was asked for."""
        deadline = time.monotonic() + timeout_s
        self._systemctl("stop --no-block", unit, _QUICK_S)
        directory = self._unit_cgroup(unit)
        if directory is not None:
            cgroups.thaw(directory)
        self._systemctl("stop", unit, max(0.1, deadline - time.monotonic()))

    def is_unit_active(self, unit: str) -> bool:
        """Tell whether a service unit is active."""
        return run(Command(("systemctl", "is-active", "--quiet", unit), _QUICK_S)).ok

    def freeze_unit(self, unit: str) -> None:
        """Freeze a unit's cgroup; systemd does not restart what is frozen."""
        directory = self._unit_cgroup(unit)
        if directory is not None and not cgroups.freeze(directory):
            self.kill_unit(unit)

    def kill_unit(self, unit: str) -> None:
        """Kill every process of a unit."""
        directory = self._unit_cgroup(unit)
        if directory is not None and not cgroups.kill(directory):
            raise Broken("HAN-G02", f"processes of {unit} could not be killed")

    def mount(self, device: str, path: str, file_system: str, options: str) -> None:
        """Mount a device; already mounted there is success."""
        if self.is_mounted(path):
            return
        Path(path).mkdir(parents=True, exist_ok=True)
        argv = ["mount", "-t", file_system, *(["-o", options] if options else []), device, path]
        outcome = run(Command(argv, 30.0))
        if not outcome.ok:
            raise Broken("HAN-D04", f"mount {device} on {path}: {outcome.output}")

    def unmount(self, path: str, timeout_s: float) -> None:
        """Unmount; its users are killed if they do not let go."""
        deadline = time.monotonic() + timeout_s
        output = ""
        while self.is_mounted(path):
            left = deadline - time.monotonic()
            if left <= 0:
                raise Broken("HAN-D04", f"unmount {path}: {output or 'timed out'}")
            outcome = run(Command(("umount", path), left))
            output = outcome.output
            if not outcome.ok:
                run(Command(("fuser", "-km", path), min(left, 2.0)))
                time.sleep(min(0.1, left))

    def is_mounted(self, path: str) -> bool:
        """Tell whether something is mounted at exactly this path."""
        wanted = os.path.realpath(path)
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
        return any(_unescape(line.split(" ")[1]) == wanted for line in mounts)

    def hold(self, group: str, traffic: Traffic) -> None:
        """Drop a group's packets; a cut stays a cut."""
        with self._lock:
            if group not in self._cut:
                self._held[group] = traffic
            self._apply()

    def cut(self, group: str, traffic: Traffic) -> None:
        """Refuse a group's packets and destroy its sockets."""
        with self._lock:
            self._held.pop(group, None)
            self._cut[group] = traffic
            self._apply()
        _destroy_sockets(traffic)

    def open(self, group: str) -> None:
        """End `hold` and `cut` of a group."""
        with self._lock:
            if self._held.pop(group, None) is not None or self._cut.pop(group, None) is not None:
                self._apply()

    def restart_machine(self) -> None:
        """Restart through the kernel's own emergency key; nothing is synced or stopped."""
        Path("/proc/sysrq-trigger").write_text("b", "ascii")

    def missing(self) -> Mapping[str, str]:
        """Return which programs and kernel parts this node lacks, and what follows."""
        found = {name: why for name, why in _NEEDED.items() if shutil.which(name) is None}
        if self._no_nft:
            found["nft"] = f"{self._no_nft}: {_NEEDED['nft']}"
        if self._cgroup is None:
            found["cgroup2"] = "a daemon that left its process group outlives a fence"
        return found

    def _apply(self) -> None:
        if not self._no_nft:
            traffic.apply(self._held.values(), self._cut.values())

    def _programs(self, group: str) -> Optional[Path]:
        if self._cgroup is None:
            return None
        return cgroups.child(self._cgroup, "group-" + group)

    def _unit_cgroup(self, unit: str) -> Optional[Path]:
        mounted = cgroups.root()
        outcome = run(Command(("systemctl", "show", "-p", "ControlGroup", unit), _QUICK_S))
        path = outcome.output.partition("=")[2].strip()
        if mounted is None or not outcome.ok or not path:
            return None
        return mounted / path.lstrip("/")

    @staticmethod
    def _ip(verb: str, address: str) -> None:
        argv = ("ip", "addr", verb, _host_prefix(address), "dev", "lo")
        outcome = run(Command(argv, _QUICK_S))
        if not outcome.ok:
            raise Broken("HAN-R01", f"{' '.join(argv)}: {outcome.output}")

    @staticmethod
    def _systemctl(verb: str, unit: str, timeout_s: float) -> None:
        outcome = run(Command(("systemctl", *verb.split(), unit), timeout_s))
        if not outcome.in_time:
            raise Broken("HAN-R02", f"systemctl {verb} {unit}")
        if not outcome.ok:
            raise Broken("HAN-R01", f"systemctl {verb} {unit}: {outcome.output}")


def _why_no_nft() -> str:
    """Return why nftables cannot cut traffic on this node, or ""; an empty table proves it."""
    try:
        traffic.apply((), ())
    except Broken as error:
        return error.detail
    return ""


def _destroy_sockets(service: Traffic) -> None:
    if shutil.which("ss") is not None:
        traffic.destroy_sockets(service)


def _host_prefix(address: str) -> str:
    return f"{address}/{ipaddress.ip_address(address).max_prefixlen}"


def _unescape(text: str) -> str:
    return text.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
