"""Ping, TCP, HTTP and the look at the balancer's probe port."""

from __future__ import annotations

import socket
import time
from typing import Sequence
from urllib.parse import urlsplit

from hacluster_node.errors import Broken
from hacluster_node.net.http import Client
from hacluster_node.net.ping import ping


def any_answers_ping(addresses: Sequence[str], timeout_s: float) -> str:
    """Return who answered; one of several addresses is enough.

    Raises:
        Broken: HAN-M01 if none answers, HAN-M02 without the right to ask.
    """
    deadline = time.monotonic() + timeout_s
    failures = []
    for number, address in enumerate(addresses):
        share = (deadline - time.monotonic()) / (len(addresses) - number)
        try:
            round_trip = ping(address, max(0.05, share))
        except Broken as error:
            failures.append(error)
            continue
        return f"{address} answered after {round_trip * 1000:.1f} ms"
    raise Broken(failures[0].code, "; ".join(failure.detail for failure in failures))


def listens(host: str, port: int, timeout_s: float) -> str:
    """Return a word if something accepts connections there.

    Raises:
        Broken: HAN-M01.
    """
    try:
        socket.create_connection((host, port), timeout_s).close()
    except OSError as error:
        why = error.strerror or str(error)
        raise Broken("HAN-M01", f"{host} port {port}: {why}") from error
    return f"{host} port {port} accepts connections"


def nothing_listens(port: int, timeout_s: float) -> str:
    """Return a word if nothing accepts connections at the port of this very node.

    Raises:
        Broken: HAN-M01, something does: the balancer would send clients here.
    """
    try:
        socket.create_connection(("127.0.0.1", port), timeout_s).close()
    except ConnectionRefusedError:
        return f"port {port} is closed, as it should be"
    except OSError as error:
        raise Broken("HAN-M01", f"port {port}: {error.strerror or error}") from error
    raise Broken("HAN-M01", f"port {port} is open although the group is not active here")


def answers_head(url: str, statuses: Sequence[int], timeout_s: float) -> str:
    """Return the status if a HEAD request is answered well.

    Args:
        url: what to ask for.
        statuses: the good ones; empty means anything below 500.
        timeout_s: for everything together.

    Raises:
        Broken: HAN-M01.
    """
    parts = urlsplit(url)
    client = Client(f"{parts.scheme}://{parts.netloc}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        status = client.request("HEAD", path, {"Connection": "close"}, timeout=timeout_s).status
    except OSError as error:
        raise Broken("HAN-M01", f"{url}: {error}") from error
    finally:
        client.close()
    if status not in statuses if statuses else status >= 500:
        raise Broken("HAN-M01", f"{url} answered {status}")
    return f"{url} answered {status}"
