"""The line to an emulated machine's guest agent, and to its emulator's monitor.

The guest's kernel shares no sockets with ours. So questions for its agent go over one channel,
numbered, and whoever asks finds a socket like that of any other machine.
"""

import asyncio
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from azuresim.machines.wire import LONGEST_LINE, ask, connect

AGAIN_S: Final = 0.3
MONITOR_WITHIN_S: Final = 20.0


class MonitorError(RuntimeError):
    """The emulator did not do what it was told; says what it said."""


class Switchboard:
    """Serves one machine's agent socket from its channel, for as long as it is open.

    Args:
        channel: The emulator's end of the channel.
        served: The socket to serve.
    """

    def __init__(self, channel: Path, served: Path) -> None:
        self._channel = channel
        self._served = served
        self._session = secrets.token_hex(3)
        self._count = 0
        self._waiting: dict[str, asyncio.Future[bytes]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Serve from now on."""
        self._served.unlink(missing_ok=True)
        handle = os.open(self._served.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            short = f"/proc/self/fd/{handle}/{self._served.name}"
            self._server = await asyncio.start_unix_server(self._serve, short, limit=LONGEST_LINE)
        finally:
            os.close(handle)
        self._served.chmod(0o600)
        self._task = asyncio.create_task(self._listen())

    async def close(self) -> None:
        """Serve no longer."""
        if self._server is not None:
            self._server.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._hang_up()
        self._served.unlink(missing_ok=True)

    async def _listen(self) -> None:
        while True:
            with suppress(OSError, ValueError):
                reader, writer = await connect(self._channel)
                self._writer = writer
                try:
                    while line := await reader.readline():
                        self._heard(line)
                finally:
                    writer.close()
            self._hang_up()
            await asyncio.sleep(AGAIN_S)

    def _heard(self, line: bytes) -> None:
        number, _, answer = line.rstrip(b"\n").partition(b" ")
        waits = self._waiting.pop(number.decode(errors="replace"), None)
        if waits is not None and not waits.done():
            waits.set_result(answer)

    def _hang_up(self) -> None:
        self._writer = None
        for waits in self._waiting.values():
            if not waits.done():
                waits.set_result(b"")
        self._waiting.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = ""
        try:
            while line := await reader.readline():
                if self._writer is None:
                    break
                self._count += 1
                number = f"{self._session}.{self._count}"
                waits = self._waiting[number] = asyncio.get_running_loop().create_future()
                self._writer.write(f"{number} ".encode() + line)
                answer = await waits
                if not answer:
                    break
                writer.write(answer + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            pass  # whoever asked went away
        finally:
            self._waiting.pop(number, None)
            writer.close()


async def power(served: Path, how: str, within_s: float) -> None:
    """Ask a guest to end, `poweroff` or `reboot`, the way its administrator would.

    Raises:
        OSError, TimeoutError, ValueError: It does not answer.
    """
    await ask(served, {"do": "power", "how": how}, within_s=within_s)


async def tell(monitor: Path, *orders: Mapping[str, Any]) -> None:
    """Give an emulator orders, one after the other.

    Raises:
        MonitorError: It refused one, or does not answer.
    """
    try:
        async with asyncio.timeout(MONITOR_WITHIN_S):
            reader, writer = await connect(monitor)
            try:
                await reader.readline()  # its greeting
                for order in ({"execute": "qmp_capabilities"}, *orders):
                    await _order(reader, writer, order)
            finally:
                writer.close()
    except (OSError, TimeoutError) as error:
        raise MonitorError(f"its emulator does not answer: {error}") from error


async def _order(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, order: Mapping[str, Any]
) -> None:
    """Give one order; a file whose disk has just been taken away is let go of a moment later."""
    while True:
        writer.write(json.dumps(order).encode() + b"\n")
        await writer.drain()
        try:
            await _obeyed(reader)
        except MonitorError as error:
            if order["execute"] != "blockdev-del" or "in use" not in str(error):
                raise
            await asyncio.sleep(AGAIN_S)
        else:
            return


async def _obeyed(reader: asyncio.StreamReader) -> None:
    while line := await reader.readline():
        answer = json.loads(line)
        if "error" in answer:
            raise MonitorError(str(answer["error"].get("desc")))
        if "return" in answer:
            return
    raise MonitorError("its emulator hung up")
