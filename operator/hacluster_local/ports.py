"""Free ports on loopback.

A port is free at the moment it is chosen; somebody may take it before it is used. Whoever starts a
server on it must be ready to try again with another.
"""

import socket


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
