"""`hacluster reference`: the pages of docs/ that are generated from the model."""

from pathlib import Path
from typing import Literal

import click

from hacluster.cli import generated
from hacluster.model.reference import pages


@click.command("reference")
@click.option("--write", "action", flag_value="write", help="Write the pages of --folder.")
@click.option("--check", "action", flag_value="check", help="Fail if a page of --folder differs.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("docs"),
    show_default=True,
    help="Where the pages are kept.",
)
def command(action: Literal["write", "check"] | None, folder: Path) -> None:
    """Print the reference of all fields, and the page of all reasons, as Markdown."""
    texts = pages()
    if action == "write":
        generated.write(texts, folder)
    elif action == "check":
        generated.check(texts, folder, "hacluster reference --write")
    else:
        click.echo("\n".join(texts.values()), nl=False)
