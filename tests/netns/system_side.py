"""Runs inside a namespace: an echo server on port 8080, and the system port to hurt it with.

python system_side.py          words on standard input: hold, cut, open, add A, del A, has A
"""

import socket
import sys
import threading
from typing import TYPE_CHECKING

from hacluster_node.system.linux import LinuxSystem
from hacluster_node.system.port import Traffic

if TYPE_CHECKING:
    from collections.abc import Callable

SERVICE = Traffic(ports=(8080,), addresses=())


def echo(sock: socket.socket) -> None:
    with sock:
        while chunk := sock.recv(100):
            sock.sendall(chunk)


def serve() -> None:
    with socket.create_server(("0.0.0.0", 8080)) as server:
        while True:
            sock, _ = server.accept()
            threading.Thread(target=echo, args=(sock,), daemon=True).start()


def main() -> None:
    system = LinuxSystem(None)
    threading.Thread(target=serve, daemon=True).start()
    words: list[str] = []
    deeds: dict[str, Callable[[], object]] = {
        "hold": lambda: system.hold("g", SERVICE),
        "cut": lambda: system.cut("g", SERVICE),
        "open": lambda: system.open("g"),
        "add": lambda: system.add_address(words[1]),
        "del": lambda: system.remove_address(words[1]),
        "has": lambda: system.has_address(words[1]),
        "missing": lambda: sorted(system.missing()),
    }
    for line in sys.stdin:
        words[:] = line.split()
        sys.stdout.write(f"{deeds[words[0]]()}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
