"""The control socket: one JSON object per line asks, one per line answers.

`{"do": "fault.add", "fault": "throttle", "verb": "PUT"}` is answered with
`{"ok": ...}` or `{"error": "why"}`. The socket is in the state directory, so who
may enter that may control the simulator, and nobody else.
"""

import asyncio
import contextlib
import inspect
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

SOCKET: Final = "control.sock"
LONGEST_LINE: Final = 1 << 20

Command = Callable[[Mapping[str, Any]], Any]
"""What answers; its answer may be awaitable, for what takes a while."""


@contextlib.contextmanager
def _reachable(directory: Path) -> Iterator[str]:
    """Yield a short path to the socket: addresses end at 107 bytes, directories do not."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{SOCKET}"
    finally:
        os.close(handle)


async def listen(directory: Path, commands: Mapping[str, Command]) -> asyncio.Server:
    """Serve commands on the directory's socket, replacing one a killed process left."""
    (directory / SOCKET).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with _reachable(directory) as path:
        listener.bind(path)
    (directory / SOCKET).chmod(0o600)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ValueError):
            while line := await reader.readline():
                writer.write(orjson.dumps(await _answer(commands, line)) + b"\n")
                await writer.drain()
        writer.close()

    return await asyncio.start_unix_server(serve, sock=listener, limit=LONGEST_LINE)


async def _answer(commands: Mapping[str, Command], line: bytes) -> dict[str, Any]:
    try:
        wish = orjson.loads(line)
        if not isinstance(wish, dict) or wish.get("do") not in commands:
            return {"error": f"Say one of {', '.join(sorted(commands))} in 'do'."}
        arguments = {name: value for name, value in wish.items() if name != "do"}
        result = commands[wish["do"]](arguments)
        return {"ok": await result if inspect.isawaitable(result) else result}
    except (ValueError, TypeError, RuntimeError) as error:
        return {"error": str(error)}


def ask(directory: Path, wish: Mapping[str, Any], *, timeout_s: float = 10.0) -> Any:
    """Send one command to the simulator of a directory and return its answer.

    Raises:
        ConnectionError: If none is running there.
        ValueError: If it refuses.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(timeout_s)
        try:
            with _reachable(directory) as path:
                caller.connect(path)
        except OSError as error:
            raise ConnectionError(
                f"No azuresim answers in {directory}. Is it running with this --directory?"
            ) from error
        caller.sendall(orjson.dumps(dict(wish)) + b"\n")
        with caller.makefile("rb") as replies:
            answer = orjson.loads(replies.readline())
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer["ok"]
