"""Room for a step that would interrupt the active node: its groups are moved away first.

It comes after the gate and believes nothing beyond it: a step that the gate has held because its
node is active stays held, until a later pass sees another node serve. What is added is an operation
that moves the groups, as a person would write it, and a word about that in the step's reason.

Standbys go first: nothing is moved while another node's step is still to be done, or while somebody
is on the way. Nor is anything moved if the cluster could not survive it.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from hacluster.model import kinds
from hacluster.model.assessment import Assessment, Signals
from hacluster.model.cluster import NodeAgent
from hacluster.model.groups import FailoverGroup
from hacluster.model.operation import OperationPhase
from hacluster.model.reasons import Reason
from hacluster.model.status import GroupState
from hacluster.plan.operations.relocation import (
    Ask,
    Earlier,
    Hold,
    Relocation,
    decide,
    manifest,
    objection,
)
from hacluster.plan.settle import describe
from hacluster.plan.steps import Put, Refuse, Step
from hacluster.plan.view import View
from hacluster.reconcile.assess import fresh_reports
from hacluster.reconcile.gate import Gated, Held
from hacluster.reconcile.ports import Acts, Raw

logger = logging.getLogger(__name__)

HEARD_WITHIN: Final = timedelta(seconds=20)
"""Every node must have reported so lately when a move is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What has become of the held steps, and whether something is under way because of them."""

    gated: Gated
    is_awaited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Relocating:
    """Makes room for one pass."""

    acts: Acts
    raw: Raw
    now: datetime

    async def make(self, view: View, signals: Signals, gated: Gated) -> Room:
        """Ask for the moves that are due; return the gated steps with what comes of them.

        Raises:
            KubernetesError: the API server does not answer.
        """
        held = _waiting(view, gated)
        if not held:
            return Room(gated=gated)
        if why := _too_early(view, signals, gated):
            return Room(gated=_with(gated, held, Reason.MOVING_AWAY, why), is_awaited=True)
        groups, why = _groups(view, signals, held)
        if why:
            return Room(gated=_with(gated, held, Reason.DISRUPTION_HELD, why))
        known = await self.acts.operations(self.raw.namespace)
        told = [await self._one(_relocation(held, group), known) for group in groups]
        is_final = any(isinstance(one, Hold) and one.is_final for one in told)
        reason = Reason.DISRUPTION_HELD if is_final else Reason.MOVING_AWAY
        message = "; ".join(one.message for one in told)
        return Room(gated=_with(gated, held, reason, message), is_awaited=not is_final)

    async def _one(self, wanted: Relocation, known: Iterable[Raw]) -> Ask | Hold:
        decision = decide(wanted, _earlier(wanted, known, self.raw), self.now)
        if isinstance(decision, Ask):
            body = manifest(wanted, self.raw.metadata, self.raw.namespace, decision.attempt)
            await self.acts.create(body)
            fields = {"cluster": f"{self.raw.namespace}/{self.raw.name}", "node": wanted.node}
            what = {"operation": body["metadata"]["name"], "why": wanted.why}
            logger.info("Asked for a planned move", extra=fields | what)
        return decision


def _waiting(view: View, gated: Gated) -> tuple[Held, ...]:
    """Return the steps that only wait for one node to be no longer active."""
    assessment = view.assessment
    if view.spec.cluster.node_agent is NodeAgent.EXTERNAL or assessment.is_unsafe:
        return ()
    if assessment.serving is None or assessment.is_degraded or assessment.is_silent:
        return ()
    found = [
        one
        for one in gated.held
        if one.reason == Reason.DISRUPTION_HELD and _node(one.step) in assessment.serving
    ]
    return tuple(one for one in found if _node(one.step) == _node(found[0].step))


def _too_early(view: View, signals: Signals, gated: Gated) -> str:
    """Return why a move is not asked for yet, or nothing."""
    assessment = view.assessment
    steps = (*gated.allowed, *(one.step for one in gated.held))
    first = [one for one in steps if _node(one) and _node(one) not in (assessment.serving or ())]
    if first:
        return f"standbys go first: {describe(first[0].id)}"
    moving = [seen.id for seen in view.seen.present() if not seen.is_settled]
    if moving:
        return f"Azure works on {describe(moving[0])}: nothing is moved meanwhile"
    if assessment.is_contradictory or assessment.active is None:
        return f"who serves is not clear yet ({_names(assessment)}): nothing is moved meanwhile"
    reports = fresh_reports(view, signals)
    for node in view.spec.nodes:
        if node.name not in reports or reports[node.name].age >= HEARD_WITHIN:
            return f"{node.name} has to report anew before anything is moved"
    return ""


def _names(assessment: Assessment) -> str:
    return " or ".join(assessment.serving or ())


def _groups(
    view: View, signals: Signals, held: tuple[Held, ...]
) -> tuple[tuple[FailoverGroup, ...], str]:
    """Return the groups to be moved, or why a person has to do it."""
    node = _node(held[0].step)
    report = fresh_reports(view, signals)[node]
    here = {one.name for one in report.groups if one.state is GroupState.ONLINE}
    groups = tuple(one for one in view.spec.cluster.failover_groups if one.name in here)
    nodes = len(view.spec.nodes)
    against = [why for group in groups if (why := objection(group, nodes))]
    if against:
        return (), f"it interrupts {node}, which is active: {against[0]}; move it when it may be"
    return groups, ("" if groups else f"{node} is active and no group of ours is online there")


def _relocation(held: tuple[Held, ...], group: FailoverGroup) -> Relocation:
    wishes = sorted(_wish(one.step) for one in held)
    return Relocation(
        node=_node(held[0].step),
        group=group.name,
        wish=hashlib.sha256("\n".join(wishes).encode()).hexdigest(),
        why="; ".join(f"{describe(one.step.id)}: {one.step.why}" for one in held),
    )


def _wish(step: Step) -> str:
    """Return what a step asks for, the same for as long as it is not done."""
    changes = step.changes if isinstance(step, Put) else ()
    return repr((step.id, [(change.path, repr(change.want)) for change in changes], step.why))


def _node(step: Step) -> str:
    return "" if isinstance(step, Refuse) else step.disrupts or ""


def _with(gated: Gated, held: tuple[Held, ...], reason: Reason, why: str) -> Gated:
    """Return the gated steps, some of which are held for another reason."""
    ids = {one.step.id for one in held}
    after = (replace(h, reason=reason, why=why) if h.step.id in ids else h for h in gated.held)
    return replace(gated, held=tuple(after))


def _earlier(wanted: Relocation, known: Iterable[Raw], cluster: Raw) -> tuple[Earlier, ...]:
    return tuple(
        _said(one)
        for one in known
        if (one.metadata.get("labels") or {}).get(kinds.RELOCATION) == wanted.mark
        and any(o.get("uid") == cluster.uid for o in one.metadata.get("ownerReferences") or ())
    )


def _said(one: Raw) -> Earlier:
    status: Mapping[str, Any] = one.status
    phase = str(status.get("phase"))
    is_known = phase in set(OperationPhase)
    finished = status.get("finishedAt")
    return Earlier(
        name=one.name,
        created=_time(str(one.metadata.get("creationTimestamp"))),
        phase=OperationPhase(phase) if is_known else OperationPhase.PENDING,
        finished=_time(str(finished)) if finished else None,
        message=str(status.get("message") or ""),
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
