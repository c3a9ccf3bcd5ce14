"""What the command line says to the data plane of a running simulator."""

import json
from pathlib import Path
from typing import Any

import click

from azuresim.fabric.events import KINDS
from azuresim.faults.asking import ask, in_directory


@click.group()
def event() -> None:
    """Announce maintenance to machines, as Azure's scheduled events."""


@event.command("add")
@in_directory
@click.argument("kind", type=click.Choice(list(KINDS), case_sensitive=False))
@click.option("--machine", "machines", multiple=True, required=True, help="Name, * allowed.")
@click.option(
    "--notice",
    "notice_s",
    type=click.FloatRange(min=0),
    default=None,
    help="Seconds until it begins; Azure's own for the type if left out.",
)
@click.option(
    "--duration",
    "duration_s",
    type=click.FloatRange(min=-1),
    default=None,
    help="Seconds it lasts; -1: not known.",
)
def event_add(directory: Path, kind: str, machines: tuple[str, ...], **times: Any) -> None:
    """Announce an event and print it."""
    wish = {"do": "event.add", "kind": kind, "machines": list(machines), **times}
    click.echo(json.dumps(ask(directory, wish)))


@event.command("list")
@in_directory
def event_list(directory: Path) -> None:
    """Print the events that are announced or under way, one JSON object per line."""
    for line in ask(directory, {"do": "event.list"}):
        click.echo(json.dumps(line))


@event.command("clear")
@in_directory
@click.argument("event_id", default="")
def event_clear(directory: Path, event_id: str) -> None:
    """Withdraw one event, or all, and print how many."""
    click.echo(ask(directory, {"do": "event.clear", "id": event_id}))
