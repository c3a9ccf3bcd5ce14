"""DNS over UDP and TCP: packets in, packets out; whoever answers knows names and types only."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Final

from dnslib import OPCODE, QTYPE, RCODE, DNSError, DNSHeader, DNSRecord
from dnslib.dns import EDNS0

from azuresim.fabric.sockets import Place, listening
from azuresim.fabric.zones import FAILED, Found, code

PLAIN_UDP: Final = 512
LARGEST_UDP: Final = 1232
"""What an answer may have where the asker says how much it takes (DNS flag day 2020)."""
IDLE_S: Final = 30.0
IN: Final = 1

Answerer = Callable[[str, str], Found]
"""Answers a question: a name in small letters without its final dot, and a type such as `A`."""

log = logging.getLogger(__name__)


def respond(packet: bytes, answerer: Answerer, *, recursive: bool, largest: int) -> bytes:
    """Return the answer to a packet; nothing if it cannot be answered at all.

    Args:
        packet: What came.
        answerer: Knows the answers.
        recursive: Whether recursion is offered.
        largest: Most bytes the answer may have, unless the asker takes more; 0 for no limit.
    """
    try:
        asked = DNSRecord.parse(packet)
    except DNSError:
        return _malformed(packet)
    if asked.header.qr:
        return b""
    reply = asked.reply(ra=recursive, aa=False)
    if asked.header.opcode != OPCODE.QUERY:
        reply.header.rcode = RCODE.NOTIMP
    elif len(asked.questions) != 1 or asked.q.qclass != IN:
        reply.header.rcode = RCODE.FORMERR if len(asked.questions) != 1 else RCODE.REFUSED
    else:
        _fill(reply, answerer)
    return _packed(asked, reply, largest)


def _fill(reply: DNSRecord, answerer: Answerer) -> None:
    name = str(reply.q.qname).rstrip(".").casefold()
    kind = QTYPE.get(reply.q.qtype)
    try:
        found = answerer(name, str(kind))
    except Exception:  # the last line: a bug is the asker's SERVFAIL, never its wait
        log.exception("Failed to answer about a name")
        found = FAILED
    reply.header.rcode = code(found.code)
    reply.header.aa = int(found.is_authoritative)
    reply.add_answer(*found.answers)
    reply.add_auth(*found.authority)


def _packed(asked: DNSRecord, reply: DNSRecord, largest: int) -> bytes:
    extended = next((each for each in asked.ar if each.rtype == QTYPE.OPT), None)
    if extended is not None:
        reply.add_ar(EDNS0(udp_len=LARGEST_UDP))
        largest = min(max(largest, extended.rclass), LARGEST_UDP) if largest else 0
    packed = bytes(reply.pack())
    if largest and len(packed) > largest:
        packed = bytes(reply.truncate().pack())
    return packed


def _malformed(packet: bytes) -> bytes:
    """Return a FORMERR under the packet's number, if it is long enough to have one."""
    if len(packet) < 12 or packet[2] & 0x80:
        return b""
    number = int.from_bytes(packet[:2], "big")
    return bytes(DNSRecord(DNSHeader(id=number, qr=1, rcode=RCODE.FORMERR)).pack())


class DnsServer(asyncio.DatagramProtocol):
    """Answers at one place, over UDP and TCP.

    Args:
        answerer: Knows the answers.
        recursive: Whether recursion is offered.
    """

    def __init__(self, answerer: Answerer, *, recursive: bool) -> None:
        self._answerer = answerer
        self._recursive = recursive
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self, where: Place) -> int:
        """Begin to answer, and return the port.

        Raises:
            OSError: If the place cannot be had.
        """
        stream = listening(where, socket.SOCK_STREAM)
        port = int(stream.getsockname()[1])
        try:
            there = Place(namespace=where.namespace, address=where.address, port=port)
            datagrams = listening(there, socket.SOCK_DGRAM)
        except OSError:
            stream.close()
            raise
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=datagrams)
        self._server = await asyncio.start_server(self._accept, sock=stream)
        return port

    async def stop(self) -> None:
        """Stop answering."""
        if self._transport is not None:
            self._transport.close()
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await asyncio.sleep(0)  # closed transports let go of their sockets in the next round

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer a packet."""
        answer = respond(data, self._answerer, recursive=self._recursive, largest=PLAIN_UDP)
        if answer and self._transport is not None:
            self._transport.sendto(answer, addr)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            while True:
                async with asyncio.timeout(IDLE_S):
                    size = int.from_bytes(await reader.readexactly(2), "big")
                    packet = await reader.readexactly(size)
                answer = respond(packet, self._answerer, recursive=self._recursive, largest=0)
                if not answer:
                    break
                writer.write(len(answer).to_bytes(2, "big") + answer)
                await writer.drain()
        writer.close()
