"""Gives an emulated machine's network interfaces their addresses, as Azure's DHCP would."""

import json
import subprocess
from pathlib import Path

WANTED = Path("/run/azure/network.json")
DEVICES = Path("/sys/class/net")


def main() -> None:
    """Set addresses and the default route."""
    lines = ["link set lo up"]
    for interface in json.loads(WANTED.read_text()).values():
        name = named(interface["mac"])
        lines += [f"addr add {address} dev {name}" for address in interface["addresses"]]
        lines.append(f"link set {name} up")
        if interface["gateway"]:
            lines.append(f"route add default via {interface['gateway']} dev {name}")
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)


def named(mac: str) -> str:
    """Return the name of the interface with a hardware address."""
    for device in DEVICES.iterdir():
        if (device / "address").read_text().strip() == mac.lower():
            return device.name
    raise LookupError(f"no interface has {mac}")


if __name__ == "__main__":
    main()
