"""Whether Azure is as declared: one condition with many reasons.

Where several things are wrong, the one that a person has to mend comes first, then what mends
itself.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from hacluster.errors import ArmThrottled, ArmUnavailable, HAClusterError, Retry
from hacluster.model.ids import key
from hacluster.model.observed import Unknown
from hacluster.model.reasons import Reason
from hacluster.model.status import Truth
from hacluster.plan import external_nodes, run_command
from hacluster.plan.settle import describe
from hacluster.plan.steps import Put, Step
from hacluster.reconcile.gate import DISRUPTING, Gated
from hacluster.reconcile.judgement import Judgement, counted, refusals, some, unsettled
from hacluster.reconcile.passed import Passed


def azure_reconciled(whole: Passed) -> Judgement:
    """Say whether Azure is as declared; how the agents come to the nodes is told elsewhere."""
    passed = without_agents(whole)
    judges: tuple[Callable[[Passed], Judgement | None], ...] = (
        _by_trouble,
        _by_deletion,
        _by_refusals,
        _by_step_troubles,
        _by_unknowns,
        _by_held,
        _by_steps,
    )
    found = next((one for judge_ in judges if (one := judge_(passed)) is not None), None)
    if found is not None:
        return found
    kept = f"; not ours and kept: {some(map(describe, passed.foreign))}" if passed.foreign else ""
    return Judgement(Truth.TRUE, Reason.AS_DECLARED, f"Azure is as declared{kept}")


def without_agents(passed: Passed) -> Passed:
    """Return what a pass knows, without the Run Commands that bring something to the nodes."""
    view = passed.view
    ids = frozenset(key(one) for one in (*run_command.ids(view), *external_nodes.ids(view)))
    if not ids or passed.is_deleting:
        return passed
    gated, seen = passed.gated, passed.view.seen
    kept = {name: one for name, one in seen.resources.items() if name not in ids}
    return replace(
        passed,
        view=replace(passed.view, seen=replace(seen, resources=kept)),
        gated=Gated(
            allowed=tuple(step for step in gated.allowed if key(step.id) not in ids),
            held=tuple(held for held in gated.held if key(held.step.id) not in ids),
            refused=tuple(step for step in gated.refused if key(step.id) not in ids),
        ),
        troubles=tuple(one for one in passed.troubles if key(one.id) not in ids),
        moving=tuple(one for one in passed.moving if key(one) not in ids),
    )


def _by_trouble(passed: Passed) -> Judgement | None:
    error = passed.trouble
    if error is None:
        return None
    is_blind = isinstance(error, (ArmUnavailable, ArmThrottled))
    reason = Reason.DELETION_BLOCKED if passed.is_deleting and not is_blind else error.reason
    return Judgement(Truth.UNKNOWN if is_blind else Truth.FALSE, reason, str(error))


def _by_deletion(passed: Passed) -> Judgement | None:
    if not passed.is_deleting:
        return None
    if passed.troubles:
        message = _troubles(passed)
        return Judgement(Truth.FALSE, Reason.DELETION_BLOCKED, message)
    left = len(passed.gated.allowed) + len(passed.gated.held)
    if passed.view.spec.management.paused and left:
        return Judgement(
            Truth.FALSE, Reason.PAUSED, f"{counted(left, 'deletion', 'wait')}: it is paused"
        )
    some_left = f"{counted(left, 'thing')} of ours left in Azure"
    message = some_left if left else "Azure is taking it away"
    return Judgement(Truth.FALSE, Reason.DELETING, message)


def _by_refusals(passed: Passed) -> Judgement | None:
    if not passed.gated.refused:
        return None
    reason = passed.gated.refused[0].reason
    return Judgement(Truth.FALSE, reason, refusals(passed))


def _by_step_troubles(passed: Passed) -> Judgement | None:
    if not passed.troubles:
        return None
    first = _worst(trouble.error for trouble in passed.troubles)
    return Judgement(Truth.FALSE, first.reason, _troubles(passed))


def _by_unknowns(passed: Passed) -> Judgement | None:
    unknown = [seen for seen in passed.view.seen.resources.values() if isinstance(seen, Unknown)]
    if not unknown:
        return None
    message = f"{some(describe(seen.id) for seen in unknown)} could not be read: {unknown[0].why}"
    return Judgement(Truth.UNKNOWN, unknown[0].reason, message)


def _by_held(passed: Passed) -> Judgement | None:
    """Judge what only waits for a person: a pause, or a node that may not be interrupted."""
    management = passed.view.spec.management
    held = passed.gated.held
    if held and management.paused:
        return Judgement(
            Truth.FALSE, Reason.PAUSED, f"{counted(len(held), 'step', 'wait')}: it is paused"
        )
    if held and held[0].reason == Reason.OBSERVING:
        message = f"{counted(len(held), 'step')} not done in mode Observe: {_planned(held[0].step)}"
        return Judgement(Truth.FALSE, Reason.DRIFTED, message)
    waiting = [one for one in held if one.reason in DISRUPTING]
    if waiting and len(waiting) == len(held) and not passed.gated.allowed:
        message = some(f"{_planned(one.step)}: {one.why}" for one in waiting)
        return Judgement(Truth.FALSE, waiting[0].reason, message)
    return None


def _by_steps(passed: Passed) -> Judgement | None:
    steps = [*passed.gated.allowed, *(held.step for held in passed.gated.held)]
    drifted = [step for step in steps if isinstance(step, Put) and step.changes]
    if drifted and len(drifted) == len(steps):
        message = f"Being repaired: {some(map(_planned, drifted))}"
        return Judgement(Truth.FALSE, Reason.DRIFTED, message)
    if steps:
        message = f"{counted(len(steps), 'step')} to go: {some(map(_planned, steps))}"
        return Judgement(Truth.FALSE, Reason.PROGRESSING, message)
    if moving := [*passed.moving, *(seen.id for seen in unsettled(passed))]:
        message = f"Azure is working on {some(dict.fromkeys(map(describe, moving)))}"
        return Judgement(Truth.FALSE, Reason.PROGRESSING, message)
    return None


def _troubles(passed: Passed) -> str:
    first = _worst(trouble.error for trouble in passed.troubles)
    found = next(trouble for trouble in passed.troubles if trouble.error is first)
    others = len(passed.troubles) - 1
    more = f"; {counted(others, 'more step')} failed" if others else ""
    return f"{describe(found.id)}: {found.error}{more}"


def _worst(errors: Iterable[HAClusterError]) -> HAClusterError:
    """Return the error that a person has to mend, if there is one, else the first."""
    order = {Retry.ON_CHANGE: 0, Retry.LATER: 1, Retry.SOON: 2}
    return min(errors, key=lambda error: order[error.retry])


def _planned(step: Step) -> str:
    return f"{describe(step.id)} ({step.why})"
