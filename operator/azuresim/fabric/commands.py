"""What the command line does about the data plane."""

from pathlib import Path

import click

from azuresim.fabric.clean import clean as take_away
from azuresim.fabric.kernel import KernelError
from azuresim.state.database import DirectoryInUseError


@click.command()
@click.option(
    "--directory",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the simulator's state lived; it may be gone.",
)
def clean(directory: Path) -> None:
    """Take away what a killed simulator left in the kernel, and print the names of it."""
    try:
        for name in take_away(directory):
            click.echo(name)
    except (DirectoryInUseError, KernelError) as error:
        raise click.ClickException(str(error)) from None
