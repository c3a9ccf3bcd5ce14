"""A client in a namespace: `python services_side.py WHAT ARGUMENTS...` prints JSON.

resolve NAME            what the system's resolver says, by /etc/resolv.conf
metadata PATH           the metadata service's status and answer
head URL CA_FILE        the status of a GET by HTTPS
ask NAME SERVER         what the agent gets from a name server
"""

import json
import socket
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 60


def resolve(name: str) -> list[str]:
    try:
        found = socket.getaddrinfo(name, 80, socket.AF_INET, socket.SOCK_STREAM)
    except socket.gaierror:
        return []
    return sorted({str(entry[4][0]) for entry in found})


def metadata(path: str) -> list[object]:
    request = urllib.request.Request(
        f"http://169.254.169.254/metadata/{path}", headers={"Metadata": "true"}
    )
    return _asked(request, None)


def head(url: str, ca_file: str) -> list[object]:
    context = ssl.create_default_context(cafile=ca_file)
    return _asked(urllib.request.Request(url), context)


def ask(name: str, server: str) -> list[str]:
    sys.path.insert(0, str(Path(__file__).parents[2] / "operator"))
    from hacluster_node.net import dns  # noqa: PLC0415 - found only now

    return dns.addresses(name, server, PATIENCE_S)


def _asked(request: urllib.request.Request, context: ssl.SSLContext | None) -> list[object]:
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if context is not None:
        handlers.append(urllib.request.HTTPSHandler(context=context))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(request, timeout=PATIENCE_S) as answer:
            return [answer.status, answer.read().decode()]
    except urllib.error.HTTPError as error:
        with error:
            return [error.code, error.read().decode()]


if __name__ == "__main__":
    every: dict[str, Callable[..., object]] = {
        "resolve": resolve,
        "metadata": metadata,
        "head": head,
        "ask": ask,
    }
    json.dump(every[sys.argv[1]](*sys.argv[2:]), sys.stdout)
