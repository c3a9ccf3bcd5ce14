"""Netlink messages of the flow table, and the packet that asks an end where its flow is."""

import socket
import struct

from azuresim.fabric import conntrack
from azuresim.fabric.conntrack import Flow, question

ESTABLISHED, TIME_WAIT = 3, 7


def attribute(kind: int, body: bytes) -> bytes:
    padding = -len(body) % 4
    return struct.pack("=HH", 4 + len(body), kind) + body + b"\0" * padding


def ends(source: tuple[str, int], target: tuple[str, int]) -> bytes:
    addresses = attribute(1, socket.inet_aton(source[0])) + attribute(
        2, socket.inet_aton(target[0])
    )
    ports = attribute(1, b"\x06") + attribute(2, struct.pack("!H", source[1]))
    return attribute(1, addresses) + attribute(
        2, ports + attribute(3, struct.pack("!H", target[1]))
    )


CLIENT, FRONT, BACK = ("10.0.0.5", 40000), ("10.0.0.200", 80), ("10.0.0.10", 8080)


def destroyed(state: int, mark: int = 0) -> bytes:
    """Return what the kernel says of a flow that is over."""
    body = attribute(1, ends(CLIENT, FRONT)) + attribute(2, ends(BACK, CLIENT))
    body += attribute(4, attribute(1, attribute(1, bytes([state]))))
    body += attribute(8, struct.pack("!I", mark)) if mark else b""
    return struct.pack("=IHHII", 20 + len(body), 0x102, 0, 0, 0) + b"\x02\0\0\0" + body


def heard(*messages: bytes) -> list[Flow]:
    ours, kernel = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, kernel:
        ours.settimeout(0)
        kernel.send(b"".join(messages))
        return list(conntrack.silent(ours))


def test_a_flow_that_was_established_to_its_end_was_silent() -> None:
    assert heard(destroyed(ESTABLISHED, 0xA00000A)) == [Flow(CLIENT, FRONT, BACK, 0xA00000A)]


def test_a_flow_that_was_closed_was_not() -> None:
    assert heard(destroyed(TIME_WAIT), destroyed(ESTABLISHED)) == [Flow(CLIENT, FRONT, BACK, 0)]


def test_a_question_is_a_whole_packet_with_the_right_sums() -> None:
    packet = question(FRONT, CLIENT, 7)
    assert socket.inet_ntoa(packet[12:16]) == FRONT[0]
    assert struct.unpack("!HH", packet[20:24]) == (80, 40000)
    pseudo = packet[12:20] + struct.pack("!BBH", 0, 6, 20)
    words = struct.unpack("!16H", pseudo + packet[20:40])
    total = sum(words)
    assert (total & 0xFFFF) + (total >> 16) in {0xFFFF, 0x1FFFE}
