"""`hacluster validate`: what the API server and the operator would say to a manifest."""

from collections.abc import Mapping
from typing import Any

import click

from hacluster.cli.manifests import documents
from hacluster.errors import Flaw, SpecInvalid
from hacluster.model.kinds import CLUSTER_KIND, OPERATION_KIND
from hacluster.model.parse import parse, parse_operation


@click.command("validate")
@click.option(
    "-f", "--filename", "files", multiple=True, required=True, help="A manifest; - is stdin."
)
def command(files: tuple[str, ...]) -> None:
    """Say whether manifests are allowed, and if not, what to write instead.

    Needs no cluster and no Azure. Ends with code 1 if anything is wrong. What only shows when an
    object changes, such as another region, is refused by the API server.
    """
    found = sum(_judged(file) for file in files)
    if found:
        raise click.exceptions.Exit(1)


def _judged(file: str) -> int:
    """Print what is wrong with a file, and return in how many places."""
    wrong = 0
    try:
        for document in documents(file):
            flaws = _flaws(document)
            wrong += len(flaws)
            _tell(file, document, flaws)
    except SpecInvalid as error:
        click.echo(f"{file}: {error}", err=True)
        return wrong + 1
    return wrong


def _flaws(document: Mapping[str, Any]) -> tuple[Flaw, ...]:
    readers = {CLUSTER_KIND: parse, OPERATION_KIND: parse_operation}
    read = readers.get(str(document["kind"]))
    if read is None:
        return (Flaw("kind", f"write {CLUSTER_KIND} or {OPERATION_KIND}"),)
    try:
        read(document)
    except SpecInvalid as error:
        return error.flaws
    return ()


def _tell(file: str, document: Mapping[str, Any], flaws: tuple[Flaw, ...]) -> None:
    metadata = document.get("metadata")
    name = metadata.get("name", "?") if isinstance(metadata, Mapping) else "?"
    if not flaws:
        click.echo(f"{file}: {document['kind']} {name} is allowed")
    for flaw in flaws:
        click.echo(f"{file}: {document['kind']} {name}: {flaw}", err=True)
