"""The kernel watchdog behind the guard: if even the guard hangs, the machine restarts.

It is petted only when the agent confirmed a renewal at the witness (rule 4), so that it
watches the whole chain. Where there is none, status says so.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
from pathlib import Path
from typing import Optional

DEVICE = Path("/dev/watchdog")
_SET_TIMEOUT = 0xC0045706  # WDIOC_SETTIMEOUT, linux/watchdog.h


class Watchdog:
    """One watchdog device, opened at the first pet: an idle standby needs none.

    Args:
        device: the device, or in tests any file.
    """

    def __init__(self, device: Path = DEVICE) -> None:
        self._device = device
        self._fd: Optional[int] = None
        self._timeout_s = 0
        """What it is set to."""
        self.absent_because = "" if device.exists() else f"{device} does not exist"

    def pet(self, timeout_s: float) -> None:
        """Start or restart its countdown of `timeout_s` seconds."""
        if self._fd is None and not self.absent_because:
            self._open()
        if self._fd is not None:
            self._set(self._fd, max(1, int(timeout_s)))
            with contextlib.suppress(OSError):
                os.write(self._fd, b"\0")

    def disarm(self) -> None:
        """Stop it in order; the letter V tells the driver that this is meant."""
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.write(self._fd, b"V")
            os.close(self._fd)
            self._fd, self._timeout_s = None, 0

    def _open(self) -> None:
        try:
            self._fd = os.open(self._device, os.O_WRONLY | os.O_CLOEXEC)
        except OSError as error:
            self.absent_because = f"{self._device}: {error.strerror}"

    def _set(self, fd: int, timeout_s: int) -> None:
        """Set its time if it is another one; a driver with a longer one is told of, and petted."""
        if timeout_s == self._timeout_s:
            return
        try:
            answer = fcntl.ioctl(fd, _SET_TIMEOUT, struct.pack("i", timeout_s))
            real_s = int(struct.unpack("i", answer)[0])
        except OSError as error:
            self.absent_because = f"{self._device} takes no other time: {error.strerror}"
        else:
            longer = f"{self._device} resets after {real_s} s, not {timeout_s} s: too late to help"
            self.absent_because = longer if real_s > timeout_s else ""
        self._timeout_s = timeout_s
