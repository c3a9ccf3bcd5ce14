"""What is remembered of a machine beside what the kernel tells."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from azuresim.machines import dress
from azuresim.machines.places import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What of a machine must survive a killed simulator.

    Attributes:
        boots: The latest boot that came to processes.
        booting: The boot that is being tried; no more than `boots` if none is.
        host: The host its temporary disk is on.
        untidy: It was given a namespace and devices that were not taken back.
        disk: Folder of the disk it booted from, while it is untidy.
        sizes: Sizes of the data disks it has, in GiB, by lun.
        images: Files behind those disks, by lun.
        thaw_at: When a frozen machine is to go on, in seconds since 1970; None if it is not frozen.
    """

    boots: int = 0
    booting: int = 0
    host: int = 0
    untidy: bool = False
    disk: str = ""
    sizes: dict[int, int] = field(default_factory=dict)
    images: dict[int, str] = field(default_factory=dict)
    thaw_at: float | None = None


class Kept:
    """A machine's memory, and the file that keeps it."""

    def __init__(self, place: Place) -> None:
        self._file = place.state
        self.now = _read(self._file)

    def note(self, **changes: Any) -> None:
        """Change what is remembered, and keep it."""
        self.now = replace(self.now, **changes)
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        dress.publish(self._file, asdict(self.now))


def _read(file: Path) -> Memory:
    if not file.exists():
        return Memory()
    kept = json.loads(file.read_text())
    for name in ("sizes", "images"):
        kept[name] = {int(lun): value for lun, value in kept[name].items()}
    return Memory(**kept)
