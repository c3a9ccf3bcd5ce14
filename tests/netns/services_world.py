"""One virtual network with one machine's namespace, and the internet, for the services to be in.

What the fabric does in earnest is done here by hand, as far as the services need it: addresses
of the platform, routes. Names start with `azsv`, so that leftovers are found.
"""

import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.netns.world import sh

FABRIC, MACHINE, INTERNET = "azsv-fabric", "azsv-machine", "azsv-internet"
NAMESPACES = (FABRIC, MACHINE, INTERNET)
SIDE = Path(__file__).with_name("services_side.py")
SETTINGS = Path("/etc/netns", MACHINE)
PATIENCE_S = 60.0


def remove() -> None:
    """Take everything away, of whatever run."""
    for name in NAMESPACES:
        sh("ip", "netns", "del", name, check=False)
    shutil.rmtree(SETTINGS, ignore_errors=True)


def build() -> None:
    remove()
    for name in NAMESPACES:
        sh("ip", "netns", "add", name)
        sh("ip", "-n", name, "link", "set", "lo", "up")
    for address in ("168.63.129.16/32", "169.254.169.254/32"):
        sh("ip", "-n", FABRIC, "addr", "add", address, "dev", "lo")
    sh("ip", "netns", "exec", FABRIC, "sysctl", "-qw", "net.ipv4.ip_forward=1")
    _join(MACHINE, "10.5.0.110/24", "eth0", FABRIC, "10.5.0.1/24", "vm")
    _join(FABRIC, "100.127.0.1/30", "out", INTERNET, "100.127.0.2/30", "in")
    sh("ip", "-n", MACHINE, "route", "add", "default", "via", "10.5.0.1")
    sh("ip", "-n", FABRIC, "route", "add", "default", "via", "100.127.0.2")
    sh("ip", "-n", INTERNET, "route", "add", "10.5.0.0/16", "via", "100.127.0.1")
    SETTINGS.mkdir(parents=True)
    (SETTINGS / "resolv.conf").write_text("nameserver 168.63.129.16\n")


def _join(one: str, address: str, end: str, other: str, far: str, far_end: str) -> None:
    sh("ip", "link", "add", end, "netns", one, "type", "veth", "peer", far_end, "netns", other)
    for name, device, given in ((one, end, address), (other, far_end, far)):
        sh("ip", "-n", name, "addr", "add", given, "dev", device)
        sh("ip", "-n", name, "link", "set", device, "up")


@contextlib.contextmanager
def built() -> Iterator[None]:
    """Have it all for the length of a block."""
    try:
        build()
        yield
    finally:
        remove()


def machine(*words: str) -> Any:
    """Do something as the machine; see `services_side`."""
    command = ("ip", "netns", "exec", MACHINE, sys.executable, str(SIDE), *words)
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def wait_for(look: Callable[[], Any], wanted: Any) -> None:
    """Wait until what is seen is as wanted."""
    deadline = time.monotonic() + PATIENCE_S
    while (seen := look()) != wanted:
        assert time.monotonic() < deadline, f"{seen!r} instead of {wanted!r}"
        time.sleep(0.2)
