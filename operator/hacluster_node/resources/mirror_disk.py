"""MirrorDisk: a data partition kept in step on two nodes by DRBD, writable on one.

DRBD by itself promotes a cut-off half without a word about what it missed (docs/mirror.md). What
stops that here: only the holder of the lease starts the resource at all; a primary that loses
its peer stands still until the cluster's store has the peer noted as behind (`fencing
resource-and-stonith`, handler `mirror-peer-lost`); and a half that is noted as behind refuses
until it was brought in step again.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from hacluster_node.errors import Broken, NodeError, Refused
from hacluster_node.resources import disks, mirror_config, mirror_status
from hacluster_node.resources.mirror_config import resource_name

if TYPE_CHECKING:
    from hacluster_node.resources.kinds import Call
    from hacluster_node.resources.mirror_status import MirrorStatus
    from hacluster_node.system.command import Outcome
    from hacluster_node.system.port import System

DIRECTORY = "/etc/drbd.d"
_QUICK_S = 15.0
_LOOK_AGAIN_S = 0.25
_NO_METADATA = "No valid meta data found"


def device(options: Mapping[str, Any]) -> str:
    """Return the block device of the mirror."""
    return f"/dev/drbd{options['minor']}"


def status(system: System, call: Call) -> MirrorStatus:
    """Return what DRBD says.

    drbdadm knows no mirror whose resource file is not written yet, and none before the kernel's
    module is loaded. A fence must not fail there, as there is nothing to end; so the kernel itself
    is asked then, which also knows a mirror that is up although its file was removed.

    Raises:
        Broken: HAN-R01, neither a status nor "not up".
    """
    outcome = _drbdadm(system, call, "status")
    if outcome.code != 0 and not mirror_status.says_not_up(outcome.output):
        told = system.run(_place(call), ("drbdadm", "--version"), _limit(call), {})
        if told.in_time and not mirror_config.kernel_version(told.output):
            return mirror_status.MirrorStatus(is_up=False)
        argv = ("drbdsetup", "status", resource_name(call))
        outcome = system.run(_place(call), argv, _limit(call), {})
    try:
        return mirror_status.parse(outcome.output, outcome.code)
    except ValueError as error:
        raise Broken("HAN-R01", str(error)) from error


class MirrorDisk:
    """Options: see `mirror_config`, and `mountPath`, `fileSystem`, `mountOptions`."""

    def prepare(self, system: System, call: Call) -> None:
        """Bring the local half up as secondary: on every node, whoever is active.

        Metadata is written only where there is none, and only on an empty disk.
        """
        disks.partition(system, call)
        version = _version(system, call)
        path = f"{DIRECTORY}/{resource_name(call)}.res"
        system.write_file(path, mirror_config.resource_file(call, version))
        if status(system, call).is_up:
            _must_drbdadm(system, call, "adjust")
            return
        if _NO_METADATA in _drbdadm(system, call, "dump-md").output:
            _must_be_empty(system, call)
            _must_drbdadm(system, call, "create-md", "--force")
        _must_drbdadm(system, call, "up")

    def start(self, system: System, call: Call) -> None:
        """Become primary if this half is the newest, then mount.

        Two halves that never held data become the first generation and get a file system.
        """
        seen = status(system, call)
        if seen.role == "Primary" and system.is_mounted(call.options["mountPath"]):
            return
        if not seen.is_up:
            self.prepare(system, call)
        seen = _settled(system, call)
        refused = mirror_status.refusal(seen, call.newest)
        if refused is not None:
            raise Refused(*refused)
        if seen.is_blank:
            _begin(system, call)
        _must_drbdadm(system, call, "primary")
        file_system = call.options.get("fileSystem", "ext4")
        if seen.is_blank:
            argv = (f"mkfs.{file_system}", "-q", device(call.options))
            _must_run(system, call, argv, call.timeout_s)
        where, options = call.options["mountPath"], call.options.get("mountOptions", "")
        system.mount(device(call.options), where, file_system, options)

    def stop(self, system: System, call: Call) -> None:
        """Unmount and become secondary; the replication goes on."""
        self.fence(system, call)
        if not status(system, call).is_up:
            with contextlib.suppress(NodeError):  # The monitor tells; there is nothing to stop.
                self.prepare(system, call)

    def fence(self, system: System, call: Call) -> None:
        """As stop; whoever uses the file system was killed before.

        Writes that still wait for the peer to be noted as behind are ended with an error: nobody
        was told that they are done. The half then goes down, and comes up again by the stop.
        """
        seen = status(system, call)
        if seen.is_frozen:
            _must_drbdadm(system, call, "detach", "--force")
            _must_drbdadm(system, call, "resume-io")
        system.unmount(call.options["mountPath"], call.timeout_s)
        if seen.is_up:
            _must_drbdadm(system, call, "secondary")
        if seen.is_frozen:
            _must_drbdadm(system, call, "down")

    def thaw(self, system: System, call: Call) -> None:
        """Let a primary write on whose lost peer has been noted as behind."""
        _must_drbdadm(system, call, "resume-io")

    def accept(self, system: System, call: Call) -> None:
        """Take this half as the newest though DRBD knows that it is not, as a person decided.

        Raises:
            Refused: HAN-D01, the other half is there, or this one is a half-made copy.
        """
        seen = status(system, call)
        if seen.disk == "UpToDate":
            return
        if seen.is_connected or seen.disk not in ("Outdated", "Consistent"):
            raise Refused("HAN-D01", f"the local half is {seen.disk}; its data cannot be accepted")
        _must_drbdadm(system, call, "primary", "--force")
        _must_drbdadm(system, call, "secondary")


def _version(system: System, call: Call) -> int:
    """Return the major version of the kernel's DRBD, which is loaded first if need be."""
    argv = ("drbdadm", "--version")
    version = mirror_config.kernel_version(system.run(_place(call), argv, _QUICK_S, {}).output)
    if not version:
        _must_run(system, call, ("modprobe", "drbd"), _QUICK_S)
        version = mirror_config.kernel_version(system.run(_place(call), argv, _QUICK_S, {}).output)
    if not version:
        raise Broken("HAN-R04", "the kernel has no DRBD (module drbd)")
    return version


def _must_be_empty(system: System, call: Call) -> None:
    for disk in disks.partitions(call.options):
        if disk.startswith("/") and not disks.is_empty(system, call, disk):
            raise Refused("HAN-D03", f"{disk} is no mirror yet and holds data; nothing was written")


def _settled(system: System, call: Call) -> MirrorStatus:
    """Give a connection that is being made or lost a moment to tell who is newer."""
    deadline = time.monotonic() + min(5.0, call.timeout_s / 4)
    while True:
        seen = status(system, call)
        settled = not call.newest or mirror_status.refusal(seen, newest=True) is None
        if settled or seen.is_alone or time.monotonic() >= deadline:
            return seen
        time.sleep(_LOOK_AGAIN_S)


def _begin(system: System, call: Call) -> None:
    """Make two blank halves the first generation; DRBD refuses if either ever held data."""
    volume = f"{resource_name(call)}/0"
    argv = ("drbdadm", "new-current-uuid", "--clear-bitmap", volume)
    outcome = system.run(_place(call), argv, _QUICK_S, {})
    if not outcome.ok:
        raise Refused("HAN-D01", f"both halves are Inconsistent, neither is new: {outcome.output}")


def _place(call: Call) -> str:
    return f"{call.group}.{call.name}"


def _drbdadm(system: System, call: Call, verb: str, *arguments: str) -> Outcome:
    argv = ("drbdadm", verb, *arguments, resource_name(call))
    return system.run(_place(call), argv, _limit(call), {})


def _must_drbdadm(system: System, call: Call, verb: str, *arguments: str) -> None:
    _must_run(system, call, ("drbdadm", verb, *arguments, resource_name(call)), _limit(call))


def _limit(call: Call) -> float:
    """Return how long one command may take; a fence has little time for all of them."""
    return min(_QUICK_S, call.timeout_s)


def _must_run(system: System, call: Call, argv: Sequence[str], timeout_s: float) -> None:
    outcome = system.run(_place(call), argv, timeout_s, {})
    if not outcome.ok:
        raise Broken("HAN-R01", f"{' '.join(argv)} ended with {outcome.code}: {outcome.output}")
