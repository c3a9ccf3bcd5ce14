"""A new data disk: partitioned and formatted once, and never if it holds anything at all.

The guide's layout: a raw partition for the mirror's metadata, the rest for the data. A disk
or partition on which the system finds any signature was not made by us just now and is left
as it is; only what is provably empty is written to.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping, Tuple

from hacluster_node.errors import Broken, Refused

if TYPE_CHECKING:
    from hacluster_node.resources.kinds import Call
    from hacluster_node.system.command import Outcome
    from hacluster_node.system.port import System

_NOTHING_FOUND = 2  # blkid: no known signature
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
    if all(Path(name).exists() for name in names):
        return
    if not Path(disk).exists():
        raise Broken("HAN-D03", f"{disk} is not there")
    if not is_empty(system, call, disk):
        raise Refused("HAN-D03", f"{disk} is not empty and lacks our two partitions")
    size = int(call.options["metadataSizeMiB"])
    table = f"label: gpt\\n, {size}MiB\\n,\\n"
    line = f"printf '{table}' | sfdisk --wipe never --quiet \"$0\""
    _must(_run(system, call, ("/bin/sh", "-c", line, disk), _QUICK_S), "sfdisk", disk)
    deadline = time.monotonic() + _APPEARS_WITHIN_S
    while not all(Path(name).exists() for name in names):
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
    """Tell whether no signature of any kind is on a device.

    Raises:
        Broken: HAN-D03, the device cannot be read; that is not "empty".
    """
    outcome = _run(system, call, ("blkid", "-p", device), _QUICK_S)
    if outcome.code == _NOTHING_FOUND and outcome.in_time and not outcome.output:
        return True
    if outcome.ok or outcome.output:
        return False
    raise Broken("HAN-D03", f"blkid {device} ended with {outcome.code}")


def _run(system: System, call: Call, argv: Tuple[str, ...], timeout_s: float) -> Outcome:
    return system.run(f"{call.group}.{call.name}", argv, timeout_s, {})


def _must(outcome: Outcome, what: str, device: str) -> None:
    if not outcome.ok:
        raise Broken("HAN-D03", f"{what} {device}: {outcome.output}")
