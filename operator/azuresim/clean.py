"""Takes away what a killed simulator left in the kernel, also as a command."""

import contextlib
from pathlib import Path

import click

from azuresim.fabric import built, kernel
from azuresim.fabric.names import Names
from azuresim.machines import leftovers
from azuresim.state import database
from azuresim.state.database import DirectoryInUseError


def clean(directory: Path) -> list[str]:
    """Take away what the simulator of a directory left, and return the names of it.

    Machines end, networks and disk devices go; what is on the disks stays. All of it is found by
    its names, which are made from the directory, or because its file is in the directory; that
    need not exist any more.

    Raises:
        DirectoryInUseError: The simulator runs.
        KernelError: Not root, or the kernel refused.
        LoopError: The kernel refused to detach a disk.
        StuckError: A machine cannot be ended.
    """
    with contextlib.ExitStack() as held:
        if directory.is_dir():
            held.enter_context(database.lock(directory))
        machines = leftovers.remove(directory)
        networks = built.remove_all(Names.of(directory)) if kernel.namespaces() else []
        return [*machines, *networks]


@click.command("clean")
@click.option(
    "--directory",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the simulator's state lived; it may be gone.",
)
def command(directory: Path) -> None:
    """Take away what a killed simulator left in the kernel, and print the names of it."""
    try:
        for name in clean(directory):
            click.echo(name)
    except (DirectoryInUseError, RuntimeError) as error:
        raise click.ClickException(str(error)) from None
