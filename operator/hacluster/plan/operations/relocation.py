"""A planned move that the operator asks for, so that a node may be interrupted.

It is an operation like any other, in the order of all others, done once, with a trail. What was
asked for is seen in the objects, by a label; nothing has to be remembered. A move that fails is
asked for again later, and not for ever: a service that comes back each time needs a person.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hacluster.model import kinds
from hacluster.model.groups import Failover, FailoverGroup
from hacluster.model.operation import OperationPhase

ATTEMPTS: Final = 3
"""Moves for one and the same thing within `WINDOW`."""
WINDOW: Final = timedelta(hours=1)
PAUSE: Final = timedelta(seconds=60)
"""The pause after a move that failed, or after which the group is where it was; it doubles."""
KEPT: Final = 10
"""How many planned moves of a cluster stay as a trail when they are over."""
_LONGEST_NAME: Final = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Relocation:
    """A group has to leave a node, for what ``wish`` identifies and ``why`` tells in words."""

    node: str
    group: str
    wish: str
    why: str

    @property
    def mark(self) -> str:
        """What its operations are known by: another node, group or wish has another one."""
        text = "\n".join((self.node, self.group, self.wish))
        return hashlib.sha256(text.encode()).hexdigest()[:10]


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An operation that was asked for before, for the same relocation."""

    name: str
    created: datetime
    phase: OperationPhase = OperationPhase.PENDING
    finished: datetime | None = None
    message: str = ""

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.phase in {OperationPhase.SUCCEEDED, OperationPhase.FAILED}

    @property
    def attempt(self) -> int:
        """Its number, which ends its name: those before it may have been tidied away."""
        number = self.name.rpartition("-")[2]
        return int(number) if number.isdecimal() else 0


@dataclass(frozen=True, slots=True)
class Ask:
    """Make an operation, as the attempt of this number."""

    attempt: int
    message: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Ask for nothing now; ``is_final``: a person is needed."""

    message: str
    is_final: bool = False


def decide(wanted: Relocation, earlier: Iterable[Earlier], now: datetime) -> Ask | Hold:
    """Return whether to ask for a move of a group that is still on its node."""
    known = sorted(earlier, key=lambda one: one.created)
    last = known[-1] if known else None
    if last is None:
        return Ask(1, f"{wanted.group} is moved away from {wanted.node} first")
    if not last.is_over:
        told = f": {last.message}" if last.message else ""
        return Hold(f"{wanted.group} is being moved away first, by {last.name}{told}")
    recent = [one for one in known if now - one.created < WINDOW]
    if len(recent) >= ATTEMPTS:
        why = f"{ATTEMPTS} planned moves of {wanted.group} did not lead away from {wanted.node}"
        return Hold(
            f"{why}, the last one {last.name}: {last.message}: move it by hand", is_final=True
        )
    due = (last.finished or last.created) + PAUSE * 2 ** max(len(recent) - 1, 0)
    if now < due:
        done = last.phase is OperationPhase.SUCCEEDED
        what = "was moved and the reports of that are awaited" if done else "could not be moved"
        rest = "" if done else f": {last.message}; it is tried again"
        return Hold(f"{wanted.group} {what} ({last.name}){rest}")
    attempt = max(one.attempt for one in known) + 1
    return Ask(attempt, f"{wanted.group} is moved away from {wanted.node} once more")


def is_planned_move(metadata: Mapping[str, Any], cluster: str) -> bool:
    """Say whether the operator itself has asked for an operation, for the cluster of this uid."""
    mark = str((metadata.get("labels") or {}).get(kinds.RELOCATION) or "")
    owners = [str(one.get("uid")) for one in metadata.get("ownerReferences") or ()]
    is_named = re.fullmatch(rf".+-away-{re.escape(mark)}-[0-9]+", str(metadata.get("name")))
    return bool(mark and cluster and is_named) and owners == [cluster]


def surplus(finished: Mapping[str, datetime], now: datetime) -> tuple[str, ...]:
    """Return which planned moves are taken away: all but the last few, and no recent one.

    Args:
        finished: When each ended, by name; only those that have.
        now: The wall clock.
    """
    newest = sorted(finished, key=lambda name: (finished[name], name), reverse=True)
    return tuple(name for name in newest[KEPT:] if now - finished[name] >= WINDOW)


def objection(group: FailoverGroup, nodes: int) -> str:
    """Return why a group is not moved without a person's asking, or nothing."""
    if group.failover is Failover.MANUAL:
        return f"{group.name} moves by hand only (failover: Manual)"
    if len(group.node_order or range(nodes)) < 2:
        return f"{group.name} may run on no other node (nodeOrder)"
    return ""


def manifest(
    wanted: Relocation, cluster: Mapping[str, Any], namespace: str, attempt: int
) -> dict[str, Any]:
    """Return the operation's object; the same attempt has the same name.

    Args:
        wanted: What is asked for.
        cluster: The metadata of the cluster's object, which owns the operation.
        namespace: Where both are.
        attempt: Counts from 1.
    """
    name = str(cluster["name"])
    end = f"-away-{wanted.mark}-{attempt}"
    return {
        "apiVersion": kinds.API_VERSION,
        "kind": kinds.OPERATION_KIND,
        "metadata": {
            "name": name[: _LONGEST_NAME - len(end)].rstrip("-.") + end,
            "namespace": namespace,
            "labels": {kinds.RELOCATION: wanted.mark},
            "annotations": {kinds.REASON: wanted.why},
            "ownerReferences": [kinds.owner(name, cluster["uid"])],
        },
        "spec": {"cluster": name, "type": "Move", "group": wanted.group},
    }
