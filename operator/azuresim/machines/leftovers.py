"""Removes what machines have left in the kernel, however their simulator ended."""

import time
from pathlib import Path
from typing import Final

from azuresim.fabric.names import Names
from azuresim.machines import cgroups, loops, places
from azuresim.machines.cgroups import Group, StuckError

WITHIN_S: Final = 60.0


def remove(directory: Path) -> list[str]:
    """End all machines of a simulator that does not run, and return their names.

    What is on their disks stays. All that is ended or removed carries the directory's own prefix,
    or has its file in the directory.

    Raises:
        StuckError: Processes cannot be ended.
        LoopError: The system refused to detach a device.
    """
    names = sorted(cgroups.named(f"{Names.of(directory).prefix}-"))
    for name in names:
        _end(Group(name))
    for image in loops.below(directory.resolve() / places.DISKS):
        loops.detach(image)
    return names


def _end(group: Group) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not group.kill():
        if time.monotonic() > deadline:
            raise StuckError(f"The processes of {group.name} cannot be ended.")
        time.sleep(cgroups.POLL_S)
    group.remove()
