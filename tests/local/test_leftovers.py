"""What killed parts leave in the kernel is found by where it points, and removed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.prerequisites import require

from hacluster_local import leftovers


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    require(os.geteuid() == 0, "root", "mounts and loop devices are root's")
    folder = tmp_path / "with a space"
    folder.mkdir()
    return folder


def test_mounts_inside_are_removed_the_innermost_first(home: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outer, inner = home / "outer", home / "outer" / "inner"
    outer.mkdir()
    outside.mkdir()
    mounted = run("mount", "-t", "tmpfs", "none", str(outer))
    require(mounted.returncode == 0, "the right to mount", mounted.stderr.strip())
    inner.mkdir()
    run("mount", "-t", "tmpfs", "none", str(inner)).check_returncode()
    run("mount", "-t", "tmpfs", "none", str(outside)).check_returncode()
    try:
        assert leftovers.mounts(home) == [inner, outer]
        leftovers.remove(home)
        assert leftovers.mounts(home) == []
        assert leftovers.mounts(outside) == [outside]
    finally:
        run("umount", str(outside))


def test_loop_devices_on_files_inside_are_detached(home: Path) -> None:
    require(shutil.which("losetup"), "losetup", "apt-get install mount")
    image = home / "disk.img"
    image.touch()
    os.truncate(image, 1 << 20)
    attached = run("losetup", "--find", "--show", str(image))
    require(attached.returncode == 0, "a loop device", attached.stderr.strip())
    assert leftovers.loop_devices(home) == [Path(attached.stdout.strip())]
    leftovers.remove(home)
    assert leftovers.loop_devices(home) == []
    assert image.exists()


def test_a_folder_with_nothing_in_the_kernel_is_no_trouble(tmp_path: Path) -> None:
    assert leftovers.mounts(tmp_path) == []
    assert leftovers.loop_devices(tmp_path) == []
    leftovers.remove(tmp_path)
