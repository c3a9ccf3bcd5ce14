"""`kubectl hacluster`: for the person who looks after clusters, also at three in the morning.

kubectl finds the program `kubectl-hacluster` in PATH and runs it with the words that follow.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import click

from hacluster.cli.plugin import tables
from hacluster.cli.plugin.acts import Act, group_of, open_operations, perform, utc_now
from hacluster.cli.plugin.lines import Line, show, span
from hacluster.cli.plugin.picture import picture
from hacluster.cli.plugin.scene import Scene
from hacluster.cli.plugin.server import CLUSTERS, Server, connected
from hacluster.cli.plugin.why import why, wrong
from hacluster.model.operation import OperationType
from hacluster.model.status import ClusterStatus

WATCH_S = 2.0
WRONG = 2
"""The exit code of `why` where something is not as it should be."""


@click.group("kubectl hacluster", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hacluster")
def main() -> None:
    """Look after highly available clusters of virtual machines on Azure.

    CLUSTER is the name of an HAClusterSpec object; it can be left out where the namespace has one.
    """


def _cluster(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.argument("name", metavar="[CLUSTER]", required=False)(command)


@main.command()
@_cluster
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
@click.option("-w", "--watch", is_flag=True, help="Show it anew every two seconds.")
@connected
def status(server: Server, name: str | None, output: str, *, watch: bool) -> None:
    """Show the whole cluster as a picture."""
    while True:
        lines = _shown(server, name, output)
        if watch:
            click.clear()
        show(lines)
        if not watch:
            return
        time.sleep(WATCH_S)


def _shown(server: Server, name: str | None, output: str) -> list[Line]:
    """Return a cluster's picture; without a name, one line for each where there are several."""
    if name is None and output == "text":
        found = server.items(CLUSTERS)
        if len(found) != 1:
            return list(tables.clusters(found))
    body = server.cluster(name)
    operations = open_operations(server, str(body["metadata"]["name"]))
    if output == "json":
        return [span(json.dumps({"cluster": body, "operations": operations}, indent=2))]
    return list(picture(Scene(body, utc_now(), operations)))


@main.command("why")
@_cluster
@connected
def _why(server: Server, name: str | None) -> None:
    """Say what is not as it should be, what it means, and what to do.

    Ends with code 0 if all is well and with 2 if something is not.
    """
    body = server.cluster(name)
    known = _status(body)
    show(why(str(body["metadata"]["name"]), known, utc_now()))
    raise click.exceptions.Exit(WRONG if wrong(known) or not known.conditions else 0)


@main.command()
@_cluster
@connected
def plan(server: Server, name: str | None) -> None:
    """Show what the operator does in Azure now, and what waits and why."""
    body = server.cluster(name)
    show(tables.plan(str(body["metadata"]["name"]), _status(body)))


@main.command()
@_cluster
@connected
def events(server: Server, name: str | None) -> None:
    """Show what has happened lately, the newest last."""
    uid = server.cluster(name)["metadata"]["uid"]
    found = server.items("events", f"--field-selector=involvedObject.uid={uid}")
    show(tables.events(found, utc_now()))


def _status(body: Mapping[str, Any]) -> ClusterStatus:
    return ClusterStatus.model_validate(body.get("status") or {})


# Acts.


def _act(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command what every act has."""
    deadline = click.option(
        "--deadline",
        "deadline_s",
        type=click.IntRange(1, 3600),
        default=300,
        show_default=True,
        help="Seconds after which it has failed if it is not done.",
    )
    wait = click.option("--wait/--no-wait", default=True, help="Whether to wait for the end.")
    return deadline(wait(connected(command)))


def _group(command: Callable[..., Any]) -> Callable[..., Any]:
    text = "The group; it can be left out where there is one."
    return click.option("-g", "--group", help=text)(command)


@main.command()
@_cluster
@_group
@click.option("--to", "node", help="The node; by default the next one.")
@_act
def move(
    server: Server,
    name: str | None,
    group: str | None,
    node: str | None,
    deadline_s: int,
    *,
    wait: bool,
) -> None:
    """Move a group to another node."""
    body = server.cluster(name)
    act = Act(
        type=OperationType.MOVE, group=group_of(body, group), node=node, deadline_s=deadline_s
    )
    perform(server, body, act, wait=wait)


def _on_group_or_node(kind: OperationType, text: str) -> None:
    """Register an act on a group, or on the service of a node."""

    @main.command(str(kind).lower(), help=text)
    @_cluster
    @_group
    @click.option("--node", help="The node whose service is meant; with --group, the group there.")
    @_act
    def _command(
        server: Server,
        name: str | None,
        group: str | None,
        node: str | None,
        deadline_s: int,
        *,
        wait: bool,
    ) -> None:
        body = server.cluster(name)
        meant = group if node else group_of(body, group)
        act = Act(type=kind, group=meant, node=node, deadline_s=deadline_s)
        perform(server, body, act, wait=wait)


_on_group_or_node(OperationType.START, "Start a group, or the cluster's service on a node.")
_on_group_or_node(OperationType.STOP, "Stop a group, or the cluster's service on a node.")
_on_group_or_node(OperationType.RESTART, "Stop and start a group, or the service on a node.")


def _on_monitor(word: str, kind: OperationType, text: str) -> None:
    """Register an act on a monitor."""

    @main.command(word, help=text)
    @click.argument("names", metavar="[CLUSTER] MONITOR", nargs=-1, required=True)
    @click.option("--node", help="The node that is meant; by default all that it concerns.")
    @_act
    def _command(
        server: Server, names: tuple[str, ...], node: str | None, deadline_s: int, *, wait: bool
    ) -> None:
        if len(names) > 2:
            raise click.UsageError("give a cluster and a monitor, or the monitor alone")
        body = server.cluster(names[0] if len(names) == 2 else None)
        act = Act(type=kind, monitor=names[-1], node=node, deadline_s=deadline_s)
        perform(server, body, act, wait=wait)


_on_monitor("suspend", OperationType.SUSPEND, "Suspend a monitor: it checks nothing.")
_on_monitor("resume", OperationType.RESUME, "Resume a suspended monitor.")
_on_monitor(
    "simulate-failure",
    OperationType.SIMULATE_FAILURE,
    "Let a monitor fail, to see the recovery, which is real. End it with clear.",
)
_on_monitor("clear", OperationType.CLEAR_SIMULATED_FAILURE, "End a simulated failure.")


@main.command("force-activate")
@_cluster
@_group
@click.option("--node", required=True, help="The node that takes the group.")
@click.option(
    "--others-are-off",
    is_flag=True,
    required=True,
    help="Your statement that every other node is powered off. If one is not, data is written "
    "twice.",
)
@_act
def force_activate(
    server: Server,
    name: str | None,
    group: str | None,
    node: str,
    deadline_s: int,
    *,
    others_are_off: bool,
    wait: bool,
) -> None:
    """Take a group on a node without the witness: the last resort."""
    if not others_are_off:
        raise click.UsageError("make sure that all other nodes are off, and say --others-are-off")
    body = server.cluster(name)
    act = Act(
        type=OperationType.FORCE_ACTIVATE,
        group=group_of(body, group),
        node=node,
        deadline_s=deadline_s,
        others_are_off=True,
    )
    perform(server, body, act, wait=wait)
