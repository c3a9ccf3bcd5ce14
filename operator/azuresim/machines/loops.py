"""Loop devices: files that a machine sees as disks.

A device is found by the file behind it, never remembered; several machines that share a disk have
the same device, with one cache.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

GIB: Final = 1 << 30
TRIES: Final = 5
WITHIN_S: Final = 30.0


class LoopError(RuntimeError):
    """The system refused a loop device; says why."""


def attach(image: Path, size_gb: int) -> str:
    """Make a file a disk of at least a size and return its device's number, `7:0` for example.

    The file is sparse: it takes as much room as is written. A larger one than before grows.

    Raises:
        LoopError: The system refused.
    """
    grows = provide(image, size_gb)
    device = find(image)
    if device and grows:
        _run("losetup", "--set-capacity", f"/dev/{device}")
    for left in range(TRIES - 1, -1, -1):
        if device:
            break
        try:
            _run("losetup", "--find", "--partscan", str(image))
        except LoopError:
            if not left:  # somebody else may have taken the free one first
                raise
        device = find(image)
    if not device:
        raise LoopError(f"There is no loop device for {image}.")
    return Path("/sys/block", device, "dev").read_text().strip()


def provide(image: Path, size_gb: int) -> bool:
    """Make a file of at least a size, and return whether it grew."""
    image.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    image.touch(mode=0o600)
    grows = image.stat().st_size < size_gb * GIB
    if grows:
        os.truncate(image, size_gb * GIB)
    return grows


def detach(image: Path) -> None:
    """Take the device away; one still in use goes with its last user, none is no error.

    Raises:
        LoopError: The system refused.
    """
    device = find(image)
    if device:
        _run("losetup", "--detach", f"/dev/{device}")


def find(image: Path) -> str:
    """Return the name of the device of a file, or nothing."""
    return next((name for name, backing in _all() if backing == image), "")


def below(folder: Path) -> list[Path]:
    """Return the files in a folder, and below, that have a device."""
    return [backing for _, backing in _all() if backing.is_relative_to(folder)]


def _all() -> Iterator[tuple[str, Path]]:
    for fact in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            backing = fact.read_text().rstrip("\n").removesuffix(" (deleted)")
        except OSError:
            continue  # detached while we looked
        yield fact.parts[3], Path(backing)


def _run(*words: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own words
        words, capture_output=True, text=True, check=False, timeout=WITHIN_S
    )
    if done.returncode:
        raise LoopError(f"{' '.join(words)}: {done.stderr.strip()}")
