"""One ICMP echo with an unprivileged socket, as the kernel's ping_group_range allows."""

from __future__ import annotations

import os
import select
import socket
import struct
import time

from hacluster_node.errors import Broken

_ECHO = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}  # request, reply
_PROTOCOL = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}


def ping(address: str, timeout_s: float) -> float:
    """Return the round trip in seconds.

    Raises:
        Broken: HAN-M01 without an answer, HAN-M02 without the right to ask.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    deadline = time.monotonic() + timeout_s
    payload = os.urandom(16)
    with _open(family) as sock:
        is_raw = sock.type == socket.SOCK_RAW
        begun = time.monotonic()
        try:
            sock.sendto(_request(family, payload), (address, 0))
        except OSError as error:
            raise Broken("HAN-M01", f"{address} cannot be reached: {error.strerror}") from error
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([sock], [], [], left)[0]:
                raise Broken("HAN-M01", f"{address} did not answer within {timeout_s:g} s")
            if _answers(sock, family, payload, is_raw=is_raw):
                return time.monotonic() - begun


def _open(family: socket.AddressFamily) -> socket.socket:
    failure = ""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            return socket.socket(family, kind, _PROTOCOL[family])
        except OSError as error:
            failure = error.strerror or str(error)
    raise Broken(
        "HAN-M02",
        f"no right to ping ({failure}): let net.ipv4.ping_group_range hold the group hacluster",
    )


def _request(family: socket.AddressFamily, payload: bytes) -> bytes:
    kind = _ECHO[family][0]
    body = struct.pack("!HH", os.getpid() & 0xFFFF, 1) + payload
    checksum = _checksum(struct.pack("!BBH", kind, 0, 0) + body)
    return struct.pack("!BBH", kind, 0, checksum) + body


def _answers(
    sock: socket.socket, family: socket.AddressFamily, payload: bytes, *, is_raw: bool
) -> bool:
    try:
        packet = sock.recv(2048)
    except OSError as error:
        raise Broken("HAN-M01", f"no echo: {error.strerror}") from error
    if is_raw and family == socket.AF_INET:
        packet = packet[(packet[0] & 0x0F) * 4 :]
    reply = _ECHO[family][1]
    return len(packet) >= 8 and packet[0] == reply and packet[8:] == payload


def _checksum(message: bytes) -> int:
    if len(message) % 2:
        message += b"\0"
    total = sum(struct.unpack(f"!{len(message) // 2}H", message))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(~total & 0xFFFF)
