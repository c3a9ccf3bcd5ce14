"""The last look before anything is written: which steps may be done now, and why the others wait.

The plan says what is missing; the gate says what is safe. It does not trust the plan: ownership and
what a step rests on are checked here again, from the same snapshot.

A step is held, in this order, if
1. the object is paused or only observed;
2. the resource, or one that the step needs, could not be read;
3. an operation is under way on it;
4. it is not ours to touch;
5. it rests on something that is not there yet, is moving, or has a step of its own;
6. it would interrupt a node that may be the active one, or a second node.

A person may permit to interrupt one node that the cluster cannot spare, or of which nobody knows
whether it can, by the annotation ``hacluster.dev/interrupt``. It never holds for a node that is
seen serving, nor as long as the balancer has not said who serves.

That a request which Azure has refused lately waits longer is for the loop, which has a clock.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, assert_never

from hacluster.model import kinds
from hacluster.model.assessment import Assessment, Severity
from hacluster.model.azure import ManagementMode
from hacluster.model.ids import ArmId, key, type_of
from hacluster.model.observed import Absent, Present, Unknown
from hacluster.model.reasons import Reason
from hacluster.plan.os_disk import is_made_by_us
from hacluster.plan.settle import describe
from hacluster.plan.steps import Act, Delete, Pending, Put, Refuse, Step
from hacluster.plan.view import View
from hacluster.plan.wanted import is_ours, may_adopt, ownership


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much the service may be disturbed; None is no limit."""

    disruptions: int | None = 1
    """How many nodes may be interrupted at a time. None when the whole cluster is deleted."""


DELETION = Limits(disruptions=None)
"""Nothing is left to be kept in service."""


DISRUPTING: Final = frozenset({Reason.DISRUPTION_HELD, Reason.MOVING_AWAY})
"""Reasons of steps that wait because they would interrupt a node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A step that is not done now; ``reason`` is one of `reasons.Reason`, ``why`` a sentence."""

    step: Step
    reason: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """A plan, sorted out. The allowed steps may be done side by side, in any order."""

    allowed: tuple[Step, ...] = ()
    held: tuple[Held, ...] = ()
    refused: tuple[Refuse, ...] = ()


def gate(steps: Iterable[Step], view: View, limits: Limits | None = None) -> Gated:
    """Return which steps may be done now, and why each of the others is held."""
    return _Gate(tuple(steps), view, limits or Limits()).sort_out()


class _Gate:
    """One sorting; it counts what it has let through."""

    def __init__(self, steps: tuple[Step, ...], view: View, limits: Limits) -> None:
        self._steps = steps
        self._view = view
        self._limits = limits
        self._busy = {key(step.id): step for step in steps if _blocks(step)}
        self._disrupted: list[str] = []

    def sort_out(self) -> Gated:
        allowed: list[Step] = []
        held: list[Held] = []
        for step in self._steps:
            if isinstance(step, Refuse):
                continue
            why = next(self._objections(step), None)
            if why is None:
                allowed.append(step)
                self._disrupted += [step.disrupts] if step.disrupts else []
            else:
                held.append(Held(step=step, reason=why[0], why=why[1]))
        refused = tuple(step for step in self._steps if isinstance(step, Refuse))
        return Gated(allowed=tuple(allowed), held=tuple(held), refused=refused)

    def _objections(self, step: Put | Delete | Act) -> Iterator[tuple[Reason, str]]:
        yield from self._of_management()
        yield from self._of_resource(step)
        yield from self._of_needs(step)
        yield from self._of_service(step)

    def _of_management(self) -> Iterator[tuple[Reason, str]]:
        management = self._view.spec.management
        if management.paused:
            yield Reason.PAUSED, "management.paused is true"
        if management.mode is ManagementMode.OBSERVE:
            yield Reason.OBSERVING, "management.mode is Observe"

    def _of_resource(self, step: Put | Delete | Act) -> Iterator[tuple[Reason, str]]:
        seen = self._view.get(step.id)
        match seen:
            case Unknown():
                yield Reason.NOT_OBSERVED, f"it could not be read: {seen.why}"
            case Absent():
                if not isinstance(step, Put):
                    yield Reason.INVARIANT_BROKEN, "there is nothing to act on"
            case Present():
                if not seen.is_settled:
                    yield Reason.PROGRESSING, f"Azure is working on it: {seen.provisioning_state}"
                if not self._may_touch(step, seen):
                    yield Reason.INVARIANT_BROKEN, "it is not ours"
            case _:
                assert_never(seen)

    def _may_touch(self, step: Put | Delete | Act, seen: Present) -> bool:
        view = self._view
        if isinstance(step, Put):
            return may_adopt(ownership(view, seen), view.spec.management.adoption)
        is_boot_disk = type_of(seen.id).casefold() == "microsoft.compute/disks"
        return is_ours(view, seen) or (is_boot_disk and is_made_by_us(view, seen))

    def _of_needs(self, step: Put | Delete | Act) -> Iterator[tuple[Reason, str]]:
        needs_begun = step.needs_begun if isinstance(step, Put) else frozenset()
        for need in sorted(step.needs):
            yield from self._of_need(step, need)
        for need in sorted(needs_begun):
            if not isinstance(self._view.get(need), Present):
                yield Reason.PROGRESSING, f"{describe(need)} has to be begun first"
        if isinstance(step, Put) and (pending := next(_pending(step.body), None)):
            yield Reason.PROGRESSING, f"{describe(pending.id)} has to tell {pending.field} first"

    def _of_need(self, step: Put | Delete | Act, need: ArmId) -> Iterator[tuple[Reason, str]]:
        seen, what = self._view.get(need), describe(need)
        if isinstance(seen, Unknown):
            yield Reason.NOT_OBSERVED, f"{what}, which it needs, could not be read: {seen.why}"
        elif (other := self._busy.get(key(need))) is not None:
            yield Reason.PROGRESSING, _waiting(step, other, what)
        elif isinstance(seen, Absent):
            if not isinstance(step, Delete):
                yield Reason.PROGRESSING, f"{what} has to be there first"
        elif not seen.is_settled:
            yield Reason.PROGRESSING, f"Azure is working on {what}: {seen.provisioning_state}"

    def _of_service(self, step: Put | Delete | Act) -> Iterator[tuple[Reason, str]]:
        limit, node = self._limits.disruptions, step.disrupts
        if node is None or limit is None:
            return
        assessment = self._view.assessment
        if not (assessment.may_disrupt(node) or _is_permitted(self._view, node)):
            yield Reason.DISRUPTION_HELD, _disruption(self._view, node)
        elif len({*self._disrupted, node}) > limit:
            others = ", ".join(self._disrupted)
            yield Reason.DISRUPTION_HELD, f"{others} is interrupted now: one node at a time"


def _blocks(step: Step) -> bool:
    return step.blocks if isinstance(step, Refuse) else True


def _waiting(step: Step, other: Step, what: str) -> str:
    if isinstance(other, Refuse):
        return f"it needs {what}, which is refused: {other.why}"
    if isinstance(other, Delete):
        return f"{what} has to be gone first"
    return f"{what} has to be settled first" if isinstance(step, Delete) else f"it needs {what}"


def _disruption(view: View, node: str) -> str:
    assessment, permit = view.assessment, f"permit it by the annotation {kinds.INTERRUPT}: {node}"
    if assessment.is_unsafe:
        return f"it interrupts {node}, and {_unsafe(assessment)}: mend that first"
    if node in (assessment.serving or ()):
        return f"it interrupts {node}, which is active: move the groups to another node first"
    if assessment.serving is None and not _is_open(view):
        return f"it interrupts {node}, and which node is active is not known: the balancer is asked"
    if assessment.serving is None:
        why = f"which node is active is not known: make sure that {node} is not, then {permit}"
    elif not assessment.serving:
        why = f"no node serves: mend that first, or {permit}"
    elif assessment.is_degraded:
        why = f"the cluster could not survive that now: mend what Degraded says, or {permit}"
    else:
        why = f"no agent tells whether another node could take over: wait for that, or {permit}"
    return f"it interrupts {node}, and {why}"


def _unsafe(assessment: Assessment) -> str:
    return next(one.why for one in assessment.findings if one.severity is Severity.UNSAFE)


def _is_permitted(view: View, node: str) -> bool:
    """Say whether a person permits to interrupt a node, and it is not seen serving."""
    assessment = view.assessment
    is_safe = not assessment.is_unsafe and node not in (assessment.serving or ())
    return (
        is_safe and _is_open(view) and dict(view.cluster.annotations).get(kinds.INTERRUPT) == node
    )


def _is_open(view: View) -> bool:
    """Say whether nothing that could tell who serves has still to be heard."""
    return view.assessment.serving is not None or view.spec.access.load_balancer is None


def _pending(value: Any) -> Iterator[Pending]:
    if isinstance(value, Pending):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _pending(inner)
    elif isinstance(value, list):
        for item in value:
            yield from _pending(item)
