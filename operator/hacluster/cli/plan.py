"""`hacluster plan`: what would be created, changed and deleted in Azure, and why.

Without ``--live`` it needs no cluster and no Azure: it shows what would be made from nothing. Exit
code 0: nothing to do. 1: an error, a refusal, or something that could not be read. 2: changes.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final, Literal

import click

from hacluster.cli.manifests import documents
from hacluster.errors import HAClusterError
from hacluster.model.azure import SecretKey
from hacluster.model.cluster import Cluster
from hacluster.model.ids import key
from hacluster.model.kinds import CLUSTER_KIND
from hacluster.model.observed import Absent, Snapshot, Unknown
from hacluster.model.parse import parse
from hacluster.plan import parts
from hacluster.plan.diff import ABSENT
from hacluster.plan.settle import describe
from hacluster.plan.steps import Act, Change, Delete, Pending, Put, Refuse, Step
from hacluster.plan.view import View
from hacluster.plan.waves import waves
from hacluster.reconcile.summarize import verb

NOTHING: Final = 0
ERROR: Final = 1
CHANGES: Final = 2

_SIGNS: Final = {"Create": "+", "Update": "~", "Delete": "-", "Refuse": "!"}
_COUNTED: Final = {
    "Create": "to create",
    "Update": "to change",
    "Delete": "to delete",
    "Refuse": "refused",
}
_COLOURS: Final = {"Create": "green", "Update": "yellow", "Delete": "red", "Refuse": "magenta"}


@click.command("plan")
@click.option(
    "-f", "--filename", "files", multiple=True, required=True, help="A manifest; - is stdin."
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="JSON has the whole bodies.",
)
@click.option("--live", is_flag=True, help="Compare with what is in Azure now.")
def command(files: tuple[str, ...], output: Literal["text", "json"], *, live: bool) -> None:
    """Show what would be created, changed and deleted in Azure, and why. Writes nothing.

    Without --live nothing is looked at, and all would be created. Ends with code 0 if there is
    nothing to do, 2 if there are changes, and 1 after an error, a refusal, or if something could
    not be read.
    """
    try:
        clusters = [parse(raw) for file in files for raw in documents(file) if _is_cluster(raw)]
        plans = [(view, parts.plan(view)) for view in map(_look(live=live), clusters)]
    except HAClusterError as error:
        raise click.ClickException(str(error)) from error
    if output == "json":
        click.echo(json.dumps([_data(view, steps) for view, steps in plans], indent=2))
    else:
        click.echo("\n\n".join(text(view, steps) for view, steps in plans))
    if any(unread(view) for view, _ in plans):
        raise click.exceptions.Exit(ERROR)
    raise click.exceptions.Exit(_code([step for _, steps in plans for step in steps]))


def nothing_there(cluster: Cluster) -> View:
    """Return the view of a cluster as if nothing had been made yet."""
    watched = parts.watched(View.of(cluster))
    return View.of(cluster, seen=Snapshot(resources={key(one): Absent(id=one) for one in watched}))


def unread(view: View) -> list[Unknown]:
    """Return what could not be read: nothing is planned for it, though something may be needed."""
    return [seen for seen in view.seen.resources.values() if isinstance(seen, Unknown)]


def _look(*, live: bool) -> Any:
    if not live:
        return nothing_there
    from hacluster.cli.live import look  # noqa: PLC0415 - Azure's SDKs take a second to import

    return lambda cluster: asyncio.run(look(cluster))


def _is_cluster(raw: Mapping[str, Any]) -> bool:
    return bool(raw["kind"] == CLUSTER_KIND)


def _code(steps: list[Step]) -> int:
    if any(isinstance(step, Refuse) for step in steps):
        return ERROR
    return CHANGES if steps else NOTHING


def text(view: View, steps: tuple[Step, ...]) -> str:
    """Return a plan as people read it."""
    azure = view.spec.azure
    lines = [f"{view.names.owner} in {azure.resource_group} ({azure.location})"]
    for number, wave in enumerate(waves(steps), start=1):
        lines.append(f"\nWave {number}:")
        lines += [line for step in wave for line in _lines(step)]
    lines += [f"\n? {describe(seen.id)} could not be read: {seen.why}" for seen in unread(view)]
    counts = ", ".join(f"{_count(steps, one)} {word}" for one, word in _COUNTED.items())
    return "\n".join([*lines, f"\n{counts}." if steps else "\nNothing to do."])


def _count(steps: tuple[Step, ...], one: str) -> int:
    return sum(verb(step) == one for step in steps)


def _lines(step: Step) -> list[str]:
    done = verb(step)
    head = click.style(f"  {_SIGNS.get(done, '>')} {describe(step.id)}", fg=_COLOURS.get(done))
    is_new = isinstance(step, Put) and step.creates
    return [head if is_new else f"{head}: {step.why}", *map(_change_line, _changes(step))]


def _changes(step: Step) -> tuple[Change, ...]:
    return step.changes if isinstance(step, (Put, Refuse)) else ()


def _change_line(change: Change) -> str:
    return f"      {change.path}: {_value(change.have)} -> {_value(change.want)}"


def _data(view: View, steps: tuple[Step, ...]) -> dict[str, Any]:
    return {
        "cluster": view.names.owner,
        "resourceGroup": view.names.resource_group,
        "unread": [{"id": seen.id, "why": seen.why} for seen in unread(view)],
        "steps": [
            _step(step, number)
            for number, wave in enumerate(waves(steps), start=1)
            for step in wave
        ],
    }


def _step(step: Step, wave: int) -> dict[str, Any]:
    found: dict[str, Any] = {"verb": verb(step), "id": step.id, "wave": wave, "why": step.why}
    match step:
        case Put():
            found |= {"needs": sorted(step.needs | step.needs_begun), "body": _plain(step.body)}
        case Delete() | Act():
            found |= {"needs": sorted(step.needs)}
        case Refuse():
            found |= {"reason": step.reason}
    if changes := _changes(step):
        found["changes"] = [
            {"path": one.path, "have": _plain(one.have), "want": _plain(one.want)}
            for one in changes
        ]
    return found


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; a secret stays a reference."""
    if isinstance(value, SecretKey):
        return {"secretKeyRef": {"name": value.name, "key": value.key}}
    if isinstance(value, Pending):
        return f"({value.field} of {describe(value.id)})"
    if value is ABSENT:
        return None
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _value(value: Any) -> str:
    return "nothing" if value is ABSENT or value is None else json.dumps(_plain(value))
