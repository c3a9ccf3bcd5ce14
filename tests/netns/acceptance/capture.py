"""Runs on a node: prints whom packets of a service come from and go to, as they are on its wire.

python3 capture.py ADDRESS PORT      the service's own; ends when both directions were seen
"""

import socket
import struct
import sys
import time

EVERY_KIND = 0x0003
IPV4 = 0x0800
TCP = 6
PATIENCE_S = 60


def pairs(packet: bytes) -> tuple[tuple[str, int], tuple[str, int]]:
    """Return a TCP packet's source and target, each with its port."""
    header = 4 * (packet[0] & 15)
    ports = struct.unpack("!2H", packet[header : header + 4])
    return (
        (socket.inet_ntoa(packet[12:16]), ports[0]),
        (socket.inet_ntoa(packet[16:20]), ports[1]),
    )


def main(address: str, port: int) -> None:
    seen: set[tuple[str, str]] = set()
    end = time.monotonic() + PATIENCE_S
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(EVERY_KIND)) as wire:
        wire.bind(("eth0", EVERY_KIND))
        wire.settimeout(1)
        while time.monotonic() < end and len(seen) < 2:
            try:
                packet, about = wire.recvfrom(2048)
            except TimeoutError:
                continue
            if about[1] == IPV4 and packet[9] == TCP:
                source, target = pairs(packet)
                if (address, port) in (source, target):
                    seen.add((source[0], target[0]))
    sys.stdout.writelines(f"{source} {target}\n" for source, target in sorted(seen))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
