"""`hacluster crd`: the custom resource definitions, generated from the model."""

from pathlib import Path
from typing import Literal

import click

from hacluster.cli import generated
from hacluster.model.crd import texts


@click.command("crd")
@click.option("--write", "action", flag_value="write", help="Write the files of --folder.")
@click.option("--check", "action", flag_value="check", help="Fail if a file of --folder differs.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("crds"),
    show_default=True,
    help="Where the files are kept.",
)
def command(action: Literal["write", "check"] | None, folder: Path) -> None:
    """Print the custom resource definitions, for kubectl apply -f -."""
    found = texts()
    if action == "write":
        generated.write(found, folder)
    elif action == "check":
        generated.check(found, folder, "hacluster crd --write")
    else:
        click.echo("---\n".join(found.values()), nl=False)
