"""What the command line shares: which simulator is meant, what it is asked, what is shown."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import click

from azuresim.faults import control

ANSWERS_WITHIN_S: Final = 120.0
"""What is done to machines is answered when it is done; all else, at once."""

in_directory = click.option(
    "--directory",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the simulator's state lives.",
)


def ask(directory: Path, wish: dict[str, Any]) -> Any:
    """Ask the simulator that runs in a directory, and return its answer.

    Raises:
        ClickException: None runs there, or it refuses; says why.
    """
    try:
        return control.ask(directory, wish, timeout_s=ANSWERS_WITHIN_S)
    except (ConnectionError, ValueError) as error:
        raise click.ClickException(str(error)) from None


def show(lines: Iterable[dict[str, Any]]) -> None:
    """Print one JSON object per line."""
    for line in lines:
        click.echo(json.dumps(line))
