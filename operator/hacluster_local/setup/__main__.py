"""`make setup`: everything that has to be on this machine; nothing to do the next time."""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

from hacluster_local.controlplane import binaries
from hacluster_local.setup import clients, debian, guest_kernel, machine_base, python
from hacluster_local.setup.errors import SetupError
from hacluster_local.setup.progress import say
from hacluster_local.store import install

PARTS: Final[Mapping[str, Callable[[], object]]] = {
    "python": python.ensure,
    "controlplane": binaries.find_or_build,
    "store": install.find_or_install,
    "machines": debian.ensure,
    "machine-base": machine_base.ensure,
    "guest-kernel": guest_kernel.ensure,
    "clients": clients.ensure,
}
WORTH_SAYING_S: Final = 2.0


def main() -> int:
    """Make the parts named on the command line, or all of them; return the exit code."""
    parser = argparse.ArgumentParser(prog="make setup", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"one of: {', '.join(PARTS)} (default: all)")
    chosen = parser.parse_args().part or list(PARTS)
    unknown = sorted(set(chosen) - set(PARTS))
    if unknown:
        parser.error(f"unknown part {unknown[0]!r}; there are: {', '.join(PARTS)}")
    began = time.monotonic()
    try:
        for name in ("python", *chosen):
            PARTS[name]()
    except SetupError as failure:
        say(f"\nSet-up failed.\n\n{failure}")
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted; what is finished is kept, and the next run goes on from there.")
        return 130
    seconds = time.monotonic() - began
    if seconds > WORTH_SAYING_S:
        say(f"Set-up is complete ({seconds:.0f} s). It is kept; the next time takes no time.")
    return 0


if __name__ == "__main__":
    # Being asked to end is a reason to end the installer under way too.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(main())
