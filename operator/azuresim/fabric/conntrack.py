"""What the kernel's flow table tells over netlink: TCP flows that ended because nobody spoke.

Layout: `linux/netfilter/nfnetlink_conntrack.h`. Attributes are in network byte order.
"""

import contextlib
import socket
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from azuresim.fabric.namespaces import inside

_NETLINK_NETFILTER: Final = 12
_DESTROY_GROUP: Final = 1 << 2
_GET, _DELETE = 0x101, 0x102
_DONE: Final = 3
_REQUEST_DUMP: Final = 0x301
_HEADER: Final = struct.Struct("=IHHII")
_FAMILY: Final = struct.pack("=BBH", socket.AF_INET, 0, 0)
_ATTRIBUTE: Final = struct.Struct("=HH")
_NESTED: Final = 0x3FFF
_ORIGINAL, _REPLY, _PROTOCOL, _MARK = 1, 2, 4, 8
_ESTABLISHED: Final = 3
_LARGEST: Final = 1 << 18


class Flow(NamedTuple):
    """A TCP flow through a balancer.

    Attributes:
        client: Address and port it came from.
        front: Address and port it was sent to.
        back: Address and port that got it.
        mark: Mark of the backend, with floating IP; else 0.
    """

    client: tuple[str, int]
    front: tuple[str, int]
    back: tuple[str, int]
    mark: int


def listener(namespace: str) -> socket.socket:
    """Return a socket that hears of flows that are over; read it with `silent`."""
    with inside(namespace):
        made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
    made.settimeout(0)
    made.bind((0, _DESTROY_GROUP))
    return made


def silent(listening: socket.socket) -> Iterator[Flow]:
    """Yield the flows that were established to their end, of those heard of by now."""
    while True:
        try:
            heard = listening.recv(_LARGEST)
        except BlockingIOError:
            return
        except OSError:  # too much at once: the kernel dropped what did not fit
            continue
        for kind, body in _messages(heard):
            flow = _flow(body) if kind == _DELETE else None
            if flow is not None:
                yield flow


def sweep(namespace: str) -> None:
    """Look at all flows of a namespace once: the kernel ends those whose time is over."""
    with inside(namespace):
        made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
    with made:
        made.settimeout(5.0)
        size = _HEADER.size + len(_FAMILY)
        made.send(_HEADER.pack(size, _GET, _REQUEST_DUMP, 1, 0) + _FAMILY)
        while all(kind != _DONE for kind, _ in _messages(made.recv(_LARGEST))):
            pass


def _messages(heard: bytes) -> Iterator[tuple[int, bytes]]:
    while len(heard) >= _HEADER.size:
        size, kind, *_ = _HEADER.unpack_from(heard)
        yield kind, heard[_HEADER.size + len(_FAMILY) : size]
        heard = heard[(size + 3) & ~3 :]


def _attributes(body: bytes) -> dict[int, bytes]:
    found = {}
    while len(body) >= _ATTRIBUTE.size:
        size, kind = _ATTRIBUTE.unpack_from(body)
        if size < _ATTRIBUTE.size:
            break
        found[kind & _NESTED] = body[_ATTRIBUTE.size : size]
        body = body[(size + 3) & ~3 :]
    return found


def _flow(body: bytes) -> Flow | None:
    """Return a TCP flow that was established when it ended, or None."""
    stated = _attributes(body)
    if not {_ORIGINAL, _REPLY, _PROTOCOL} <= stated.keys():
        return None
    state = _attributes(_attributes(stated[_PROTOCOL]).get(1, b"")).get(1, b"\0")[0]
    if state != _ESTABLISHED:
        return None
    client, front = _tuple(stated[_ORIGINAL])
    back, _ = _tuple(stated[_REPLY])
    return Flow(client, front, back, int.from_bytes(stated.get(_MARK, b""), "big"))


def _tuple(body: bytes) -> tuple[tuple[str, int], tuple[str, int]]:
    stated = _attributes(body)
    address, port = _attributes(stated[1]), _attributes(stated[2])
    return (
        (socket.inet_ntoa(address[1]), int.from_bytes(port[2], "big")),
        (socket.inet_ntoa(address[2]), int.from_bytes(port[3], "big")),
    )


def question(source: tuple[str, int], target: tuple[str, int], packet_id: int) -> bytes:
    """Return a TCP packet that fits no flow: who has one between these two answers where it is."""
    ports = struct.pack("!HHIIBBHHH", source[1], target[1], 0, 0, 5 << 4, 0x10, 1024, 0, 0)
    ends = socket.inet_aton(source[0]) + socket.inet_aton(target[0])
    pseudo = ends + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(ports))
    segment = ports[:16] + struct.pack("!H", _sum(pseudo + ports)) + ports[18:]
    header = struct.pack(
        "!BBHHHBBH", 0x45, 0, 20 + len(segment), packet_id, 0, 64, socket.IPPROTO_TCP, 0
    )
    return header + ends + segment


def _sum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def send(namespace: str, packet: bytes, mark: int) -> None:
    """Send a whole packet from a namespace, on the route of a mark; a lost one is no error."""
    with inside(namespace):
        made = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    with made:
        made.settimeout(0)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
        with contextlib.suppress(OSError):
            made.sendto(packet, (socket.inet_ntoa(packet[16:20]), 0))
