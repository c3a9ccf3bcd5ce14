"""A new data disk: partitioned and formatted once, and never if it holds anything at all.

The guide's layout: a raw partition for the mirror's metadata, the rest for the data. A disk
or partition on which the system finds any signature was not made by us just now and is left
as it is; only what is provably empty is written to.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Mapping, Tuple

from hacluster_node.errors import Broken, Refused

if TYPE_CHECKING:
    from hacluster_node.resources.kinds import Call
    from hacluster_node.system.command import Outcome
    from hacluster_node.system.port import System

_QUICK_S = 15.0
_FORMAT_S = 300.0
_APPEARS_WITHIN_S = 10.0


def partitions(options: Mapping[str, Any]) -> Tuple[str, str]:
    """Return (metadata, data) devices of a mirror: given ones, or those of a whole disk."""
    if "disk" in options:
        link = options["disk"]  # udev names partitions so below /dev/disk
        between = "-part" if link.startswith("/dev/disk/") else "p" * link[-1].isdigit()
        return f"{link}{between}1", f"{link}{between}2"
    return options.get("metadataDevice", "internal"), options["dataDevice"]


def partition(system: System, call: Call) -> None:
    """Make the two partitions on a disk that is empty; existing ones are left alone.

    Raises:
        Refused: HAN-D03, the disk holds something else.
        Broken: HAN-D03, the disk is missing or the partitions do not appear.
    """
    disk = call.options.get("disk")
    if disk is None:
        return
    names = partitions(call.options)
    if all(_is_there(system, call, name) for name in names):
        return
    if not _is_there(system, call, disk):
        raise Broken("HAN-D03", f"{disk} is not there")
    if not is_empty(system, call, disk):
        raise Refused("HAN-D03", f"{disk} is not empty and lacks our two partitions")
    size = int(call.options["metadataSizeMiB"])
    table = f"label: gpt\\n, {size}MiB\\n,\\n"
    line = f"printf '{table}' | sfdisk --wipe never --quiet \"$0\""
    _must(_run(system, call, ("/bin/sh", "-c", line, disk), _QUICK_S), "sfdisk", disk)
    deadline = time.monotonic() + _APPEARS_WITHIN_S
    while not all(_is_there(system, call, name) for name in names):
        if time.monotonic() > deadline:
            raise Broken("HAN-D03", f"the partitions of {disk} do not appear")
        time.sleep(0.1)


def format_if_empty(system: System, call: Call, device: str) -> None:
    """Make the configured file system on a device without any signature.

    Raises:
        Broken: HAN-D04, mkfs failed.
    """
    if is_empty(system, call, device):
        kind = call.options.get("fileSystem", "ext4")
        outcome = _run(system, call, (f"mkfs.{kind}", device), _FORMAT_S)
        if not outcome.ok:
            raise Broken("HAN-D04", f"mkfs.{kind} {device}: {outcome.output}")


def is_empty(system: System, call: Call, device: str) -> bool:
    """Tell whether no signature of any kind is on a device: file system, RAID, partition table.

    wipefs is asked and not blkid, which tells of every partition that it is one.

    Raises:
        Broken: HAN-D03, the device cannot be read; that is not "empty".
    """
    argv = ("wipefs", "--no-act", "--noheadings", "--output", "TYPE", device)
    outcome = _run(system, call, argv, _QUICK_S)
    if not outcome.ok:
        raise Broken("HAN-D03", f"wipefs {device} ended with {outcome.code}: {outcome.output}")
    return not outcome.output


def _is_there(system: System, call: Call, path: str) -> bool:
    return _run(system, call, ("test", "-e", path), _QUICK_S).ok


def _run(system: System, call: Call, argv: Tuple[str, ...], timeout_s: float) -> Outcome:
    return system.run(f"{call.group}.{call.name}", argv, timeout_s, {})


def _must(outcome: Outcome, what: str, device: str) -> None:
    if not outcome.ok:
        raise Broken("HAN-D03", f"{what} {device}: {outcome.output}")
