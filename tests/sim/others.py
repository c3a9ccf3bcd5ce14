"""What clients that are not ours need: an environment without ours, and a way to the simulator."""

import contextlib
import os
import socket
import socketserver
import threading
from collections.abc import Iterator

CHUNK = 65536
OURS = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
"""Variables that would slip our modules in, or make each start of a large client slow."""


def environment() -> dict[str, str]:
    """Return this process's environment without what is meant for our own programs."""
    return {name: value for name, value in os.environ.items() if name not in OURS}


@contextlib.contextmanager
def relaying(port: int) -> Iterator[str]:
    """Yield the address of an HTTP proxy whose tunnels all end at a port of the loopback.

    For clients that know only Azure's own names and honour HTTPS_PROXY: whatever they ask for, it
    is a simulator that they reach, and nothing leaves the machine.
    """

    class Tunnel(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            with socket.create_connection(("127.0.0.1", port)) as there:
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_copy, args=(there, self.connection))
                back.start()
                _copy(self.connection, there)
                back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Tunnel) as proxy:
        proxy.daemon_threads = True
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{proxy.server_address[1]}"
        finally:
            proxy.shutdown()


def _copy(here: socket.socket, there: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := here.recv(CHUNK):
            there.sendall(data)
    for end in (here, there):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
