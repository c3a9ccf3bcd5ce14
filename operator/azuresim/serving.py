"""Runs one simulator until it is told to stop."""

import asyncio
import json
import signal

import click

from azuresim.plane import Real, UnfitError, check
from azuresim.simulator import Options, Simulator
from azuresim.wire.service import Settings

__all__ = ["Options", "Real", "Settings", "UnfitError", "serve"]


async def serve(options: Options) -> None:
    """Serve until SIGTERM or SIGINT; one JSON line on standard output says when and where.

    Raises:
        DirectoryInUseError: If another process serves from the directory.
        OSError: If the address cannot be listened on.
        UnfitError: If real machines are asked for and this machine cannot have them.
    """
    if options.real is not None:
        check(options.real)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    simulator = Simulator(options)
    try:
        ready = await simulator.start()
        click.echo(json.dumps(ready))
        await stop.wait()
    finally:
        await simulator.stop()
