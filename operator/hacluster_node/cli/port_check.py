"""`port-check -h HOST -p PORT`: is a TCP port listening? Exit codes as the guide has them.

0 normal, 1 communication error, 2 timeout (5 s for everything), 3 wrong argument or internal
error; the reason goes to standard error.
"""

from __future__ import annotations

import socket
import sys
import threading
from typing import List, Sequence, Tuple

NORMAL, UNREACHABLE, TIMEOUT, WRONG = 0, 1, 2, 3
LIMIT_S = 5.0


def main(words: Sequence[str]) -> int:
    """Check a port and return the exit code."""
    try:
        host, port = parse(words)
    except ValueError as error:
        return _say(WRONG, str(error))
    outcome: List[Tuple[int, str]] = []
    checker = threading.Thread(target=lambda: outcome.append(_check(host, port)), daemon=True)
    checker.start()
    checker.join(LIMIT_S)  # Name resolution has no time-out of its own.
    code, reason = outcome[0] if outcome else (TIMEOUT, f"no answer within {LIMIT_S:g} s")
    return _say(code, f"{host} port {port}: {reason}") if code else NORMAL


def parse(words: Sequence[str]) -> Tuple[str, int]:
    """Return host and port number.

    Raises:
        ValueError: an option is missing, twice, unknown, or the port is neither number nor
            service name.
    """
    found = {}
    for name, value in zip(words[::2], words[1::2]):
        if name not in ("-h", "-p") or name in found or not value:
            raise ValueError("usage: hacluster-node port-check -h HOST -p PORT")
        found[name] = value
    if len(found) != 2 or len(words) != 4:
        raise ValueError("usage: hacluster-node port-check -h HOST -p PORT")
    return found["-h"], _port(found["-p"])


def _port(text: str) -> int:
    if text.isascii() and text.isdigit():
        if not 1 <= int(text) <= 65535:
            raise ValueError(f"port {text} is not from 1 to 65535")
        return int(text)
    try:
        return socket.getservbyname(text, "tcp")
    except OSError:
        raise ValueError(f"{text!r} is neither a port number nor a service name") from None


def _check(host: str, port: int) -> Tuple[int, str]:
    try:
        socket.create_connection((host, port), LIMIT_S).close()
    except socket.timeout:
        return TIMEOUT, f"no answer within {LIMIT_S:g} s"
    except (OSError, UnicodeError) as error:
        return UNREACHABLE, getattr(error, "strerror", None) or str(error)
    return NORMAL, ""


def _say(code: int, reason: str) -> int:
    print(reason, file=sys.stderr)  # noqa: T201 - the command line's output
    return code
