"""Runs inside a namespace: one long TCP connection; each word of input is sent and awaited back.

python client_side.py ADDRESS          answers: echo, silence, or the error's name
"""

import socket
import sys


def ask(sock: socket.socket) -> str:
    try:
        sock.sendall(b"x")
        return "echo" if sock.recv(100) else "end"
    except TimeoutError:
        return "silence"
    except OSError as error:
        return type(error).__name__


def main() -> None:
    sock = socket.create_connection((sys.argv[1], 8080), 5)
    sock.settimeout(0.5)
    for _ in sys.stdin:
        sys.stdout.write(ask(sock) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
