"""Relays between the emulator's channel and the guest agent, many questions at a time.

A question is a line, "NUMBER JSON"; its answer is "NUMBER JSON", and "NUMBER" alone if the agent
hung up. The relay itself takes {"do": "power", "how": "poweroff" or "reboot"}.
"""

import json
import os
import socket
import subprocess
import threading
import time
from pathlib import Path

PORTS = Path("/sys/class/virtio-ports")
AGENT = "/run/azure/agent.sock"
PAUSE_S = 0.2
LOCK = threading.Lock()


def main() -> None:
    """Relay until ended."""
    channel = os.open(opened(), os.O_RDWR)
    rest = b""
    while True:
        part = os.read(channel, 1 << 16)
        if not part:  # nobody is at the other end now
            rest = b""
            time.sleep(PAUSE_S)
            continue
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            number, _, asked = line.partition(b" ")
            threading.Thread(target=relay, args=(channel, number, asked), daemon=True).start()


def opened() -> str:
    """Return the device of the channel."""
    for port in PORTS.iterdir():
        if (port / "name").read_text().strip() == "azure":
            return f"/dev/{port.name}"
    raise LookupError("there is no channel to the emulator")


def relay(channel: int, number: bytes, asked: bytes) -> None:
    """Have one question answered."""
    try:
        answer = answered(asked)
    except (OSError, ValueError):
        answer = b""
    left = number + (b" " + answer if answer else b"") + b"\n"
    with LOCK:
        while left:
            left = left[os.write(channel, left) :]


def answered(asked: bytes) -> bytes:
    """Return the answer, empty if there is none."""
    wish = json.loads(asked)
    if wish["do"] == "power":
        how = {"poweroff": "poweroff", "reboot": "reboot"}[wish["how"]]
        subprocess.run(["systemctl", "--no-block", how], check=False)
        return b"{}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as agent:
        agent.connect(AGENT)
        with agent.makefile("rwb") as stream:
            stream.write(asked + b"\n")
            stream.flush()
            return stream.readline().rstrip(b"\n")


if __name__ == "__main__":
    main()
