"""`hacluster plan`: what would be created, changed and deleted in Azure, what then, and why.

Without ``--live`` it needs no cluster and no Azure: it shows what would be made from nothing. Exit
code 0: nothing to do. 1: an error, a refusal, or something that could not be read. 2: changes.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final, Literal

import click

from hacluster.cli.agent_package import shipped
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
from hacluster.plan.foreseen import Foreseen, foreseen
from hacluster.plan.nodes.preparation import SecretContent
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

    What follows on the nodes by Run Command is listed as far as it is known. Without --live nothing
    is looked at, and all would be created. Ends with code 0 if there is nothing to do, 2 if there
    are changes, and 1 after an error, a refusal, or if something could not be read.
    """
    try:
        clusters = [parse(raw) for file in files for raw in documents(file) if _is_cluster(raw)]
        plans = [(view, parts.plan(view)) for view in map(_look(live=live), clusters)]
        package = shipped().digest if any(view.runs_agents for view, _ in plans) else ""
    except HAClusterError as error:
        raise click.ClickException(str(error)) from error
    if output == "json":
        click.echo(json.dumps([_data(*one, package) for one in plans], indent=2))
    else:
        click.echo("\n\n".join(text(*one, package) for one in plans))
    if any(unread(view) for view, _ in plans):
        raise click.exceptions.Exit(ERROR)
    follows = any(one.is_sure for each in plans for one in after(*each, package))
    raise click.exceptions.Exit(
        _code([step for _, steps in plans for step in steps], follows=follows)
    )


def nothing_there(cluster: Cluster) -> View:
    """Return the view of a cluster as if nothing had been made yet."""
    watched = parts.watched(View.of(cluster))
    return View.of(cluster, seen=Snapshot(resources={key(one): Absent(id=one) for one in watched}))


def after(view: View, steps: tuple[Step, ...], package: str) -> tuple[Foreseen, ...]:
    """Return what follows on the nodes and is not among the steps itself."""
    planned = {key(step.id) for step in steps}
    return tuple(one for one in foreseen(view, package) if key(one.id) not in planned)


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


def _code(steps: list[Step], *, follows: bool) -> int:
    if any(isinstance(step, Refuse) for step in steps):
        return ERROR
    return CHANGES if steps or follows else NOTHING


def text(view: View, steps: tuple[Step, ...], package: str = "") -> str:
    """Return a plan as people read it."""
    azure = view.spec.azure
    lines = [f"{view.names.owner} in {azure.resource_group} ({azure.location})"]
    for number, wave in enumerate(waves(steps), start=1):
        lines.append(f"\nWave {number}:")
        lines += [line for step in wave for line in _lines(step)]
    lines += [f"\n? {describe(seen.id)} could not be read: {seen.why}" for seen in unread(view)]
    follows = after(view, steps, package)
    lines += ["\nThen on the nodes, by Run Command:"] if follows else []
    lines += [f"  {'>' if one.is_sure else '?'} {_on(one)}: {one.why}" for one in follows]
    counts = ", ".join(f"{_count(steps, one)} {word}" for one, word in _COUNTED.items())
    sure = sum(one.is_sure for one in follows)
    counts += f", {sure} to run on nodes" if sure else ""
    return "\n".join([*lines, f"\n{counts}." if steps or sure else "\nNothing to do."])


def _on(one: Foreseen) -> str:
    return f"{one.node}, {describe(one.id)}"


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


def _data(view: View, steps: tuple[Step, ...], package: str) -> dict[str, Any]:
    return {
        "cluster": view.names.owner,
        "resourceGroup": view.names.resource_group,
        "unread": [{"id": seen.id, "why": seen.why} for seen in unread(view)],
        "steps": [
            _step(step, number)
            for number, wave in enumerate(waves(steps), start=1)
            for step in wave
        ],
        "nodes": [
            {"node": one.node, "id": one.id, "why": one.why, "isSure": one.is_sure}
            for one in after(view, steps, package)
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
    if isinstance(value, SecretContent):
        return _plain(value.secret)
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
