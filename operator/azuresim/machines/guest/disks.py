"""Gives data disks and their partitions the names that Azure's udev rules give them.

There is no udev in these machines. So the nodes are made here: /dev/sdc and so on, their
partitions, and the links /dev/disk/azure/scsi1/lunN and lunN-partM. Like udev this looks again
when somebody who had a disk open for writing closes it, and when the platform changes disks.
"""

import ctypes
import json
import os
import select
import socket
import stat
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

PLATFORM = Path("/run/azure")
WANTED = PLATFORM / "disks.json"
DEVICES = Path("/dev")
LINKS = DEVICES / "disk/azure/scsi1"
CLOSE_WRITE, MOVED_TO = 0x8, 0x80
SETTLE_S = 0.02
libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Make names, and go on doing so."""
    watch = libc.inotify_init1(os.O_CLOEXEC)
    libc.inotify_add_watch(watch, os.fsencode(PLATFORM), MOVED_TO)
    known = bring({}, watch)
    tell_ready()
    while True:
        select.select([watch], [], [])
        time.sleep(SETTLE_S)
        os.read(watch, 1 << 16)
        known = bring(known, watch)


def tell_ready() -> None:
    """Tell systemd that names are there: what mounts disks may go on."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as teller:
            teller.sendto(b"READY=1", address.replace("@", "\0", 1))


def bring(known: Mapping[Path, str], watch: int) -> dict[Path, str]:
    """Make nodes and links what the platform's list says; return which there are."""
    wanted = json.loads(WANTED.read_text()) if WANTED.exists() else {}
    nodes: dict[Path, str] = {}
    links: dict[Path, Path] = {}
    for lun, disk in wanted.items():
        node = DEVICES / disk["name"]
        nodes[node] = disk["device"]
        links[LINKS / f"lun{lun}"] = node
        if known.get(node) != disk["device"]:
            place(node, disk["device"])
            libc.inotify_add_watch(watch, os.fsencode(node), CLOSE_WRITE)
        subprocess.run(["partx", "--update", str(node)], check=False, capture_output=True)
        for part, device in partitions(disk["device"]):
            inner = node.with_name(f"{node.name}{part}")
            nodes[inner] = device
            links[LINKS / f"lun{lun}-part{part}"] = inner
            place(inner, device)
    for stale in set(known) - set(nodes):
        stale.unlink(missing_ok=True)
    point(links)
    return nodes


def partitions(device: str) -> list[tuple[int, str]]:
    """Return number and device of each partition."""
    facts = Path("/sys/dev/block", device).glob("*/partition")
    return sorted(
        (int(fact.read_text()), (fact.parent / "dev").read_text().strip()) for fact in facts
    )


def place(node: Path, device: str) -> None:
    """Make a node, unless it is there and is that device's."""
    major, minor = map(int, device.split(":"))
    number = os.makedev(major, minor)
    if node.exists() and node.stat().st_rdev == number:
        return
    node.unlink(missing_ok=True)
    os.mknod(node, stat.S_IFBLK | 0o660, number)


def point(links: Mapping[Path, Path]) -> None:
    """Make links to nodes, and none besides."""
    LINKS.mkdir(parents=True, exist_ok=True)
    for link in LINKS.iterdir():
        if link not in links:
            link.unlink()
    for link, node in links.items():
        target = os.path.relpath(node, LINKS)
        if not link.is_symlink() or str(link.readlink()) != target:
            fresh = link.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(target)
            fresh.rename(link)


if __name__ == "__main__":
    main()
