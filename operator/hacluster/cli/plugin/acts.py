"""An act: a HAClusterOperation object is made, and followed to its end."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

from hacluster.cli.plugin.lines import BAD, DIM, GOOD, Line, duration, moment, show, span, wrapped
from hacluster.cli.plugin.server import OPERATIONS, Server
from hacluster.model import kinds
from hacluster.model.operation import OperationPhase, OperationType

LOOK_S: Final = 0.7
"""How often the operation is looked at."""
UNNOTICED_S: Final = 15.0
"""After so long without a word, it is said that perhaps no operator runs."""
INTERRUPTED: Final = 130
"""The exit code after Ctrl-C; the act goes on."""
BEYOND_S: Final = 60.0
"""How long after its deadline an operation is waited for: the operator tells its end by then."""
_ENDS: Final = frozenset({OperationPhase.SUCCEEDED, OperationPhase.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What is asked."""

    type: OperationType
    group: str | None = None
    monitor: str | None = None
    node: str | None = None
    deadline_s: int = 300
    others_are_off: bool = False

    def manifest(self, cluster: Mapping[str, Any], asker: str = "") -> dict[str, Any]:
        """Return the object to make, with who asks; it goes when the cluster's object goes."""
        metadata = cluster["metadata"]
        spec: dict[str, Any] = {
            "cluster": metadata["name"],
            "type": str(self.type),
            "deadlineSeconds": self.deadline_s,
        }
        given = {"group": self.group, "monitor": self.monitor, "node": self.node}
        spec |= {name: value for name, value in given.items() if value}
        if self.others_are_off:
            spec["othersAreOff"] = True
        owner = {
            "apiVersion": kinds.API_VERSION,
            "kind": kinds.CLUSTER_KIND,
            "name": metadata["name"],
            "uid": metadata["uid"],
        }
        stem = f"{metadata['name'][:200]}-{str(self.type).lower()}-"
        return {
            "apiVersion": kinds.API_VERSION,
            "kind": kinds.OPERATION_KIND,
            "metadata": {
                "generateName": stem,
                "namespace": metadata.get("namespace"),
                "ownerReferences": [owner],
                "annotations": {kinds.REQUESTED_BY: asker} if asker else {},
            },
            "spec": spec,
        }


def group_of(cluster: Mapping[str, Any], given: str | None) -> str:
    """Return the group that is meant: the given one, or the only one there is.

    Raises:
        click.UsageError: there are several.
    """
    if given:
        return given
    groups = ((cluster.get("spec") or {}).get("cluster") or {}).get("failoverGroups") or ()
    names = [str(group["name"]) for group in groups]
    if len(names) == 1:
        return names[0]
    raise click.UsageError(f"name the group by --group; there are: {', '.join(names) or 'none'}")


def perform(server: Server, cluster: Mapping[str, Any], act: Act, *, wait: bool) -> None:
    """Make the object, and follow it unless it is not to be waited for.

    Raises:
        click.exceptions.Exit: with 1, if it failed or its end was not told; with 130 after Ctrl-C.
    """
    made = server.create(act.manifest(cluster, server.whoami()))
    name = str(made["metadata"]["name"])
    what = " ".join(filter(None, [act.monitor or act.group or "the service", _place(act)]))
    show([span(f"{act.type} {what} of {made['spec']['cluster']}: operation {name}")])
    if not wait:
        return
    try:
        if not follow(server, made):
            raise click.exceptions.Exit(1)
    except KeyboardInterrupt:
        show([span(f"  It goes on without you: kubectl get {OPERATIONS} {name}")])
        raise click.exceptions.Exit(INTERRUPTED) from None


def _place(act: Act) -> str:
    if not act.node:
        return ""
    return f"{'to' if act.type is OperationType.MOVE else 'on'} {act.node}"


def follow(server: Server, made: Mapping[str, Any]) -> bool:
    """Tell each step of an operation until it is over; say whether it succeeded."""
    name, deadline_s = str(made["metadata"]["name"]), int(made["spec"]["deadlineSeconds"])
    began, told, is_warned = time.monotonic(), "", False
    while time.monotonic() - began < deadline_s + BEYOND_S:
        status = server.get(OPERATIONS, name).get("status") or {}
        phase, message = str(status.get("phase") or ""), str(status.get("message") or "")
        if (news := f"{phase} {message}") != told and phase:
            told = news
            show(progress(phase, message, timedelta(seconds=time.monotonic() - began)))
        if phase in _ENDS:
            return _ended(status, phase)
        if not phase and not is_warned and time.monotonic() - began > UNNOTICED_S:
            is_warned = True
            show([span("  Nobody has taken it up yet: does the operator run?", BAD)])
            show([span("  kubectl -n hacluster-system get pods,lease")])
        time.sleep(LOOK_S)
    show([span(f"  No end was told: kubectl get {OPERATIONS} {name}", BAD)])
    return False


def progress(phase: str, message: str, since: timedelta) -> list[Line]:
    """Return what is told when an operation comes to another phase or has another message."""
    colour = {OperationPhase.SUCCEEDED: GOOD, OperationPhase.FAILED: BAD}.get(
        OperationPhase(phase), DIM
    )
    head = span(f"  {duration(since):>9}  ", DIM) + span(f"{phase:11}", colour)
    first, *rest = [str(line) for line in wrapped(message, width=56)] or [""]
    return [head + span(first), *(span(" " * 24 + line) for line in rest)]


def _ended(status: Mapping[str, Any], phase: str) -> bool:
    start, end = moment(status.get("startedAt")), moment(status.get("finishedAt"))
    if start and end and end >= start:
        show([span(f"  It took {duration(end - start)}.", DIM)])
    return phase == OperationPhase.SUCCEEDED


def open_operations(server: Server, cluster: str) -> list[Mapping[str, Any]]:
    """Return the operations on a cluster that are not over, the oldest first."""
    found = [
        one
        for one in server.items(OPERATIONS)
        if (one.get("spec") or {}).get("cluster") == cluster
        and (one.get("status") or {}).get("phase") not in _ENDS
    ]
    return sorted(found, key=lambda one: str(one["metadata"].get("creationTimestamp")))


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)
