"""Starts an emulated machine: the layers of a machine in namespaces, under a kernel of its own.

QEMU is the first process of a namespace of processes, so all that serves the machine ends with it.
The guest has its root, and what the platform tells it, from folders of the host by virtiofs.
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from azuresim import ids
from azuresim.fabric.wanted import Interface
from azuresim.machines import dress, launch, loops, plan
from azuresim.machines.door import Machine
from azuresim.machines.places import Place

PROGRAM: Final = "qemu-system-x86_64"
SHARER: Final = "/usr/lib/qemu/virtiofsd"
MEMORY_MIB: Final = 640
CHANNEL: Final = "channel.sock"
MONITOR: Final = "monitor.sock"
SHARES: Final = ("root", "platform", "temporary")
LAY: Final = """
mount -t overlay overlay -o "$1" "$2"
shift 2
exec "$@"
"""
OPTIONS: Final = "sandbox=chroot,no_xattr,cache=always,log_level=err"
RUN: Final = f"""
OPTIONS={OPTIONS}
mount -t proc proc /proc
mkdir -p /run/virtiofsd
mount -t tmpfs tmpfs /run/virtiofsd
sharer=$1
for share in root platform temporary; do
  shift
  rm -f "$share.sock"
  "$sharer" --socket-path="$share.sock" -o "source=$1" -o "$OPTIONS" &
done
shift
for share in root platform temporary; do
  tries=0
  until [ -S "$share.sock" ]; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] || exit 1
    sleep 0.1
  done
done
exec "$@"
"""
"""Serves the folders named after the program that does it, and becomes what is named after them.

Where that program notes which sockets it serves, it sees no other machine's.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulated:
    """What an emulated machine's start needs besides.

    Attributes:
        common: What every machine's start needs.
        kernel: Folder of the kernel, its first file system, and the layer that goes with it.
        interfaces: The machine's network interfaces, the primary one first.
        drives: Files behind its data disks, by lun.
    """

    common: launch.Launch
    kernel: Path
    interfaces: Sequence[Interface]
    drives: Mapping[int, Path]


def start(how: Emulated) -> subprocess.Popen[bytes]:
    """Start a machine; it lives on when this process ends."""
    common, place = how.common, how.common.place
    for folder in (place.root, common.temporary, *launch.folders(common.disk)):
        folder.mkdir(parents=True, exist_ok=True)
    tell_network(place, how.interfaces)
    with place.console.open("ab") as console:
        return subprocess.Popen(  # noqa: S603 - our own words
            command(how),
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            env={"PATH": launch.SEARCH, "LC_ALL": "C"},
            cwd=place.folder,  # sockets have short names in it: addresses end at 107 bytes
            start_new_session=True,
        )


def command(how: Emulated) -> list[str]:
    """Return the command line."""
    common, place = how.common, how.common.place
    joins = ["/bin/sh", "-euc", launch.JOIN, "join", *map(str, common.tasks), "--"]
    apart = ["unshare", "--mount", "--propagation", "slave", "--"]
    lower = (how.kernel / "layer", common.base)
    lays = ["/bin/sh", "-euc", LAY, "lay", launch.layers(lower, common.disk), str(place.root)]
    inside = ["nsenter", f"--net=/run/netns/{common.namespace}", "--"]
    first = ["unshare", "--pid", "--mount", "--fork", "--kill-child", "--"]
    shares = [SHARER, str(place.root), str(place.platform), str(common.temporary)]
    runs = ["/bin/sh", "-euc", RUN, "run", *shares]
    return [*joins, *apart, *lays, *inside, *first, *runs, *_qemu(how)]


def drive(lun: int, image: Path) -> dict[str, object]:
    """Return how the emulator opens the file behind a data disk; others may have it too."""
    file = {"driver": "file", "filename": str(image), "locking": "off"}
    cache = {"direct": False, "no-flush": True}
    return {"node-name": f"disk{lun}", "driver": "raw", "cache": cache, "file": file}


def device(lun: int) -> dict[str, object]:
    """Return the disk itself."""
    where = {"bus": "scsi.0", "channel": 0, "scsi-id": 0, "lun": lun}
    return {
        "driver": "scsi-hd", "id": f"lun{lun}", "drive": f"disk{lun}", "share-rw": True, **where,
    }  # fmt: skip


def changes(
    before: Mapping[int, str], after: Mapping[int, str], sizes: Mapping[int, int], machine: Machine
) -> list[dict[str, object]]:
    """Return the orders that give a running machine the disks it ought to have."""
    orders: list[dict[str, object]] = []

    def order(what: str, **how: object) -> None:
        orders.append({"execute": what, "arguments": how})

    gone = [lun for lun, path in before.items() if after.get(lun) != path]
    for lun in gone:
        order("device_del", id=f"lun{lun}")
        order("blockdev-del", **{"node-name": f"disk{lun}"})
    for lun, path in after.items():
        size = plan.sizes(machine)[lun]
        if before.get(lun) != path:
            order("blockdev-add", **drive(lun, Path(path)))
            order("device_add", **device(lun))
        elif sizes.get(lun) != size:
            order("block_resize", **{"node-name": f"disk{lun}", "size": size * loops.GIB})
    return orders


def _qemu(how: Emulated) -> list[str]:
    machine = how.common.machine
    identity = hashlib.sha256(ids.key(machine.id).encode()).hexdigest()[:32]
    words = (
        "console=ttyS0 quiet panic=1 tsc=reliable no_timer_check mitigations=off net.ifnames=0 "
        f"systemd.machine_id={identity} systemd.show_status=false "
        "modprobe.blacklist=powernow_k8,acpi_cpufreq,kvm,kvm_amd,pcspkr"
    )
    line = [
        PROGRAM, "-accel", "tcg,thread=multi,tb-size=128", "-M", "q35,memory-backend=memory",
        "-cpu", "qemu64,-svm", "-smp", "1", "-m", f"{MEMORY_MIB}",
        "-object", f"memory-backend-memfd,id=memory,size={MEMORY_MIB}M,share=on",
        "-nodefaults", "-no-user-config", "-display", "none",
        "-kernel", str(how.kernel / "vmlinuz"), "-initrd", str(how.kernel / "initrd"),
        "-append", words, "-serial", "stdio",
        "-chardev", f"socket,id=monitor,path={MONITOR},server=on,wait=off",
        "-mon", "chardev=monitor,mode=control",
        "-chardev", f"socket,id=channel,path={CHANNEL},server=on,wait=off",
        "-device", "virtio-serial-pci",
        "-device", "virtserialport,chardev=channel,name=azure",
        "-device", "virtio-scsi-pci,id=scsi",
        "-device", "virtio-rng-pci",
    ]  # fmt: skip
    for share in SHARES:
        line += ["-chardev", f"socket,id={share},path={share}.sock"]
        line += ["-device", f"vhost-user-fs-pci,chardev={share},tag={share}"]
    for at, interface in enumerate(how.interfaces):
        line += ["-netdev", f"tap,id=net{at},ifname=tap{at},script=no,downscript=no"]
        line += ["-device", f"virtio-net-pci,netdev=net{at},mac={interface.mac},romfile="]
    for lun, image in sorted(how.drives.items()):
        line += ["-blockdev", json.dumps(drive(lun, image)), "-device", json.dumps(device(lun))]
    return line


def tell_network(place: Place, interfaces: Sequence[Interface]) -> None:
    """Tell a machine its addresses."""
    told = {
        f"eth{at}": {
            "mac": each.mac,
            "addresses": [f"{address}/{each.length}" for address in each.addresses[:1]],
            "gateway": each.gateway if at == 0 else "",
        }
        for at, each in enumerate(interfaces)
    }
    dress.publish(place.platform / "network.json", told)


def fits(kernel: Path) -> bool:
    """Whether a folder has all that an emulated machine boots from."""
    return all((kernel / name).exists() for name in ("vmlinuz", "initrd", "layer/usr/lib/modules"))


def missing() -> list[str]:
    """Return the programs that are not there."""
    paths = [f"{folder}/{PROGRAM}" for folder in launch.SEARCH.split(":")]
    absent = [] if any(map(os.path.exists, paths)) else [PROGRAM]
    return absent if Path(SHARER).exists() else [*absent, SHARER]
