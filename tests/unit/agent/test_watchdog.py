"""The kernel's watchdog: which time it is set to, and what is told of a driver that cannot."""

from __future__ import annotations

import errno
import fcntl
import struct
from typing import TYPE_CHECKING

import pytest

from hacluster_node.guard.watchdog import Watchdog

if TYPE_CHECKING:
    from pathlib import Path


class Driver:
    """A driver that answers WDIOC_SETTIMEOUT; ``least_s`` is the shortest time it can do."""

    def __init__(self, least_s: int = 1, *, fixed: bool = False) -> None:
        self.set: list[int] = []
        self.least_s = least_s
        self.fixed = fixed

    def ioctl(self, _fd: int, request: int, argument: bytes) -> bytes:
        assert request == 0xC0045706
        if self.fixed:
            raise OSError(errno.EOPNOTSUPP, "not supported")
        self.set.append(max(self.least_s, struct.unpack("i", argument)[0]))
        return struct.pack("i", self.set[-1])


def device(driver: Driver, path: Path, monkeypatch: pytest.MonkeyPatch) -> Watchdog:
    monkeypatch.setattr(fcntl, "ioctl", driver.ioctl)
    file = path / "watchdog"
    file.touch()
    return Watchdog(file)


def test_another_time_is_set_with_the_pet_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was set at the first pet only: 45 s stayed after a change to 3 s; found by seed 104506."""
    driver = Driver()
    dog = device(driver, tmp_path, monkeypatch)
    for seconds in (45.0, 45.0, 3.0, 7.9):
        dog.pet(seconds)
    assert driver.set == [45, 3, 7]
    assert (tmp_path / "watchdog").read_bytes() == b"\0" * 4
    assert dog.absent_because == ""


@pytest.mark.parametrize("driver", [Driver(least_s=60), Driver(fixed=True)])
def test_a_driver_that_would_reset_too_late_is_told_of_and_petted(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dog = device(driver, tmp_path, monkeypatch)
    dog.pet(12.0)
    assert str(tmp_path / "watchdog") in dog.absent_because
    dog.pet(12.0)
    assert (tmp_path / "watchdog").read_bytes() == b"\0\0"
    dog.pet(60.0)
    assert (dog.absent_because == "") is not driver.fixed
