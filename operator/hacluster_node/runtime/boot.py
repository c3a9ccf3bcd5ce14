"""Which boot of this machine an agent runs in.

Peers take another boot id than the holder's as evidence that it cannot serve (rule 6), so it must
be this machine's own and new after each start. systemd's word comes first: its unit hands it to the
agent. The kernel's own file would do, but where a machine is a container the agent does not see it:
the unit's hardening gives the agent a fresh /proc, in which that file is the host's.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Mapping

from hacluster_node.errors import Broken

VARIABLE = "HACLUSTER_BOOT_ID"
"""What the unit sets to `%b`, which systemd reads where no hardening hides anything."""
_KERNEL = Path("/proc/sys/kernel/random/boot_id")


def boot_id(told: Mapping[str, str] = os.environ, kernel: Path = _KERNEL) -> str:
    """Return the boot id, in the kernel's spelling.

    Raises:
        Broken: what was told is none: nothing else is tried, since it might be another machine's.
    """
    text = told.get(VARIABLE) or kernel.read_text(encoding="ascii").strip()
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise Broken("HAN-C01", f"{VARIABLE}={text!r} is no boot id") from None
