"""What the platform puts on a machine's disk before each boot, and tells it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from azuresim.machines.door import Machine
from azuresim.machines.places import Place

GUEST: Final = Path(__file__).parent / "guest"
PROGRAMS: Final = ("agent.py", "disks.py", "user_data.py")
RESOLVER: Final = "nameserver 168.63.129.16\noptions timeout:2 attempts:3\n"
BUNDLE: Final = Path("etc/ssl/certs") / "ca-certificates.crt"
UNITS: Final = {
    "walinuxagent.service": """[Unit]
Description=Azure guest agent
After=azure-disks.service

[Service]
ExecStart=/usr/bin/python3 /usr/lib/azure/agent.py
Restart=always
RestartSec=1
KillMode=process

[Install]
WantedBy=multi-user.target
""",
    "azure-disks.service": """[Unit]
Description=Names of data disks
DefaultDependencies=no
Before=local-fs-pre.target sysinit.target shutdown.target
Wants=local-fs-pre.target
Conflicts=shutdown.target

[Service]
Type=notify
ExecStart=/usr/bin/python3 /usr/lib/azure/disks.py
Restart=always

[Install]
WantedBy=sysinit.target
""",
}
EMULATED_PROGRAMS: Final = ("agent.py", "user_data.py", "network.py", "relay.py")
EMULATED_UNITS: Final = {
    "walinuxagent.service": UNITS["walinuxagent.service"].replace(
        "After=azure-disks.service", "After=azure-network.service"
    ),
    "azure-relay.service": """[Unit]
Description=Relay between the platform and the guest agent

[Service]
ExecStart=/usr/bin/python3 /usr/lib/azure/relay.py
Restart=always
RestartSec=1
KillMode=process

[Install]
WantedBy=multi-user.target
""",
    "azure-network.service": """[Unit]
Description=Addresses of network interfaces
DefaultDependencies=no
Before=network.target network-online.target sysinit.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/python3 /usr/lib/azure/network.py

[Install]
WantedBy=sysinit.target
""",
}
"""Of machines with a kernel of their own, whose udev names their disks."""
DISK_RULES: Final = "".join(
    f'SUBSYSTEM=="block", ENV{{DEVTYPE}}=="{kind}", KERNELS=="*:0:0:{lun}", '
    f'DRIVERS=="sd", SYMLINK+="disk/azure/scsi1/lun{lun}{part}"\n'
    for lun in range(64)
    for kind, part in (("disk", ""), ("partition", "-part%n"))
)
WANTED_BY: Final = {
    "walinuxagent.service": "multi-user", "azure-disks.service": "sysinit",
    "azure-relay.service": "multi-user", "azure-network.service": "sysinit",
}  # fmt: skip


def dress(
    upper: Path, base: Path, machine: Machine, authority: Path | None, *, emulated: bool = False
) -> None:
    """Write the platform's own files to a machine's disk; what the guest changed besides stays.

    Args:
        upper: What the machine has written over the base.
        base: The tree it starts from.
        machine: Whose disk it is.
        authority: Certificate of the simulated Azure, which its machines trust like any other.
        emulated: It has a kernel of its own.
    """
    for name in EMULATED_PROGRAMS if emulated else PROGRAMS:
        _write(upper / "usr/lib/azure" / name, (GUEST / name).read_text())
    units = upper / "etc/systemd/system"
    for name, text in (EMULATED_UNITS if emulated else UNITS).items():
        _write(units / name, text)
        link = units / f"{WANTED_BY[name]}.target.wants" / name
        _folder(link.parent)
        if not link.is_symlink():
            link.symlink_to(f"/etc/systemd/system/{name}")
    _write(upper / "etc/hostname", f"{machine.name}\n")
    _write(upper / "etc/resolv.conf", RESOLVER)
    if emulated:
        _write(upper / "etc/udev/rules.d/66-azure-storage.rules", DISK_RULES)
    if authority is not None:
        _trust(upper, base, authority.read_text())


def tell(place: Place, machine: Machine) -> None:
    """Tell a machine who it is."""
    place.platform.mkdir(parents=True, exist_ok=True)
    place.platform.chmod(0o700)
    about = {
        "id": machine.id,
        "name": machine.name,
        "user": machine.user,
        "keys": machine.keys,
        "custom_data": machine.custom_data,
    }
    publish(place.platform / "machine.json", about)


def tell_disks(place: Place, devices: Mapping[int, str]) -> None:
    """Tell a machine its data disks: device numbers by lun. The guest calls the first sdc."""
    named = enumerate(sorted(devices.items()))
    disks = {
        str(lun): {"device": device, "name": f"sd{chr(ord('c') + at)}"}
        for at, (lun, device) in named
    }
    publish(place.platform / "disks.json", disks)


def publish(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file of the owner's that is seen whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(content))
    fresh.rename(path)


def _trust(upper: Path, base: Path, authority: str) -> None:
    """Add an authority the way `update-ca-certificates` would, which then keeps it."""
    _write(upper / "usr/local/share/ca-certificates/azuresim.crt", authority)
    bundle = upper / BUNDLE
    known = bundle if bundle.exists() else base / BUNDLE
    text = known.read_text() if known.exists() else ""
    if authority not in text:
        _write(bundle, text + authority)


def _write(path: Path, text: str) -> None:
    _folder(path.parent)
    if path.is_symlink():
        path.unlink()
    path.write_text(text)
    path.chmod(0o644)


def _folder(path: Path) -> None:
    """Make a folder with the rights that system folders have, whatever our mask is."""
    if not path.is_dir():
        _folder(path.parent)
        path.mkdir()
        path.chmod(0o755)
