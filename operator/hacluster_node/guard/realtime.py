"""Makes a process hard to delay: locked in memory, scheduled before ordinary work."""

from __future__ import annotations

import ctypes
import os
from typing import List

_LOCK = 1 | 2 | 4  # MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT: pages stay once they were used.


def harden() -> List[str]:
    """Lock memory and ask for round-robin scheduling; return what the system refused."""
    refused = []
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_LOCK) != 0:
        refused.append(f"memory is not locked: {os.strerror(ctypes.get_errno())}")
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError as error:
        refused.append(f"no real-time scheduling: {error.strerror}")
    return refused
