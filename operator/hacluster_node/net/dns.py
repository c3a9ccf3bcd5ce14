"""A question to one name server: the A records of a name, and the servers of a zone.

The DNS monitor asks the zone's own name servers, since a resolver on the way may still
remember yesterday's address. Only what that needs: one question, UDP, no recursion asked.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from typing import List, Tuple

from hacluster_node.errors import Broken

A, NS = 1, 2
_IN = 1
_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")
_RESPONSE, _TRUNCATED, _CODE = 0x8000, 0x0200, 0x000F
_NO_SUCH_NAME = 3
_MAX_JUMPS = 32


def addresses(name: str, server: str, timeout_s: float, port: int = 53) -> List[str]:
    """Return the A records of `name` at `server`, sorted; empty if it has none.

    Raises:
        Broken: HAN-M01, no answer in time or an answer that is an error.
    """
    packet, query = _question(name, A)
    answer = _exchange(packet, query, (server, port), timeout_s)
    return sorted(socket.inet_ntoa(data) for kind, data in answer if kind == A and len(data) == 4)


def _question(name: str, kind: int) -> Tuple[bytes, bytes]:
    number = os.urandom(2)
    labels = name.rstrip(".").encode("idna").split(b".")
    encoded = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    query = encoded + struct.pack("!HH", kind, _IN)
    return number + _HEADER.pack(0, 0, 1, 0, 0, 0)[2:] + query, query


def _exchange(
    packet: bytes, query: bytes, server: Tuple[str, int], timeout_s: float
) -> List[Tuple[int, bytes]]:
    deadline = time.monotonic() + timeout_s
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(server)
            sock.send(packet)
            while True:
                sock.settimeout(max(0.001, deadline - time.monotonic()))
                answer = sock.recv(4096)
                if (
                    answer[:2] == packet[:2]
                    and answer[12 : 12 + len(query)].lower() == query.lower()
                ):
                    return parse(answer)
        except OSError as error:
            why = error.strerror or "no answer in time"
            raise Broken("HAN-M01", f"name server {server[0]}: {why}") from error
        except (ValueError, struct.error, IndexError) as error:
            raise Broken("HAN-M01", f"name server {server[0]}: {error}") from error


def parse(answer: bytes) -> List[Tuple[int, bytes]]:
    """Return (type, data) of each answer record.

    Raises:
        ValueError: not an answer, an error, or cut short. Also IndexError and struct.error.
    """
    _, flags, questions, answers, _, _ = _HEADER.unpack_from(answer)
    if not flags & _RESPONSE or flags & _TRUNCATED:
        raise ValueError("the answer is not whole")
    if flags & _CODE == _NO_SUCH_NAME:
        return []
    if flags & _CODE:
        raise ValueError(f"the answer is error {flags & _CODE}")
    at = _HEADER.size
    for _ in range(questions):
        at = _skip_name(answer, at) + 4
    records = []
    for _ in range(answers):
        at = _skip_name(answer, at)
        kind, _, _, length = _RECORD.unpack_from(answer, at)
        at += _RECORD.size
        if at + length > len(answer):
            raise ValueError("the answer is cut short")
        records.append((kind, answer[at : at + length]))
        at += length
    return records


def _skip_name(answer: bytes, at: int) -> int:
    for _ in range(_MAX_JUMPS * 4):
        length = answer[at]
        if length & 0xC0:
            return at + 2
        at += 1 + length
        if not length:
            return at
    raise ValueError("a name does not end")
