"""What a killed part can leave in the system besides processes: mounts and loop devices.

They are found by asking the kernel what points into the folder of the environment, so nothing needs
to be remembered, and nothing that belongs to somebody else can be hit.
"""

import re
import subprocess
from pathlib import Path


def mounts(home: Path) -> list[Path]:
    """Return the mount points inside the folder, the innermost first."""
    points = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = Path(_unescaped(line.split()[4]))
        if point.is_relative_to(home):
            points.append(point)
    return sorted(points, key=lambda point: len(point.parts), reverse=True)


def loop_devices(home: Path) -> list[Path]:
    """Return the loop devices whose backing file is, or was, inside the folder."""
    found = []
    for fact in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            backing = Path(fact.read_text().strip().removesuffix(" (deleted)"))
        except OSError:
            continue  # detached while we looked
        if backing.is_relative_to(home):
            found.append(Path("/dev", fact.parts[3]))
    return found


def remove(home: Path) -> None:
    """Unmount and detach all of it.

    Raises:
        subprocess.CalledProcessError: The system refused, with its reason in ``stderr``.
    """
    for point in mounts(home):
        _run("umount", "--lazy", str(point))
    for device in loop_devices(home):
        _run("losetup", "--detach", str(device))


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True, timeout=30)  # noqa: S603


def _unescaped(word: str) -> str:
    """Undo the octal escapes that the kernel writes for spaces and the like."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), word)
