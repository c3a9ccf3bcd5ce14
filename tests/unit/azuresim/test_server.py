"""A body that does not arrive is not waited for."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from azuresim.wire import tls
from azuresim.wire.answer import Answer
from azuresim.wire.request import Request
from azuresim.wire.server import Server

if TYPE_CHECKING:
    from azuresim.wire.pipeline import Pipeline

HEAD = b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"


class Echo:
    """Answers with the length of the body."""

    def serve(self, request: Request) -> Answer:
        """Answer one request."""
        return Answer(body={"length": len(request.body or b""), "base": request.base})


@asynccontextmanager
async def _line(
    directory: Path, patience_s: float
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    server = Server(cast("Pipeline", Echo()), tls.server_context(directory), patience_s)
    base = await server.start("127.0.0.1", 0)
    context = ssl.create_default_context(cafile=str(directory / tls.CA_FILE))
    port = int(base.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        await server.stop()


@pytest.mark.parametrize("sent", [b"", b"12345"])
async def test_a_body_that_stops_is_answered_with_408(tmp_path: Path, sent: bytes) -> None:
    async with _line(tmp_path, 0.2) as (reader, writer):
        writer.write(HEAD + sent)
        answer = await asyncio.wait_for(reader.readuntil(b"}}"), 10)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"RequestTimeout"' in answer


@pytest.mark.parametrize(
    ("host", "is_used"),
    [("sim.example:8443", True), ("[::1]:1", True), ("a/b", False), ("é", False), ("", False)],
)
async def test_links_lead_to_the_host_the_client_named(
    tmp_path: Path, host: str, *, is_used: bool
) -> None:
    async with _line(tmp_path, 10) as (reader, writer):
        head = HEAD.replace(b"Host: a", f"Host: {host}\r\nConnection: close".encode())
        writer.write(head + b"1234567890")
        answer = await asyncio.wait_for(reader.read(), 10)
    assert b'"length":10' in answer
    assert (f'"base":"https://{host}"'.encode() in answer) is is_used
