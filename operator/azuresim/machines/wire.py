"""Speaks to a guest agent: one line of JSON asks, one answers."""

import asyncio
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

LONGEST_LINE: Final = 1 << 20


async def ask(
    address: Path, wish: Mapping[str, Any], *, within_s: float | None = None
) -> dict[str, Any]:
    """Ask a guest agent something and return its answer; without a limit, whenever it comes.

    Raises:
        OSError: It is not there, or went away before it answered.
        TimeoutError: It did not answer in time.
        ValueError: What came is no answer.
    """
    async with asyncio.timeout(within_s):
        reader, writer = await connect(address)
        try:
            writer.write(json.dumps(dict(wish)).encode() + b"\n")
            await writer.drain()
            line = await reader.readline()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
    if not line.endswith(b"\n"):
        raise ConnectionError("the guest agent hung up")
    answer: dict[str, Any] = json.loads(line)
    return answer


async def connect(address: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect by a short path: addresses end at 107 bytes, directories do not."""
    handle = os.open(address.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        short = f"/proc/self/fd/{handle}/{address.name}"
        return await asyncio.open_unix_connection(short, limit=LONGEST_LINE)
    finally:
        os.close(handle)
