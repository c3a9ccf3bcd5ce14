"""What of a failover group runs here: started in dependency order, stopped in reverse.

Level-triggered: ``goal``, ``held_off`` and ``restart`` say what is wanted, ``next_step`` finds the
one next action that brings the group nearer to it, and a finished action leads to the next. One
action runs at a time. Stopping for good ends in a fence, and only a complete fence is followed by
the release (rule 7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from hacluster_node.core import effects, lease, policy, release
from hacluster_node.core.config import FinalAction, Policy, Resource
from hacluster_node.core.group_run import Action, Condition, Ending, GroupRun
from hacluster_node.core.record import Wanted
from hacluster_node.core.state import NEVER, NodeState, Phase, Right

if TYPE_CHECKING:
    from hacluster_node.core.events import ResourceDone

ACTION_GRACE_S = 5.0
"""How much longer than its time limit an action may take before it counts as failed."""
RETRY_STOP_S = 30.0
"""How long after a stop failed for good it is tried again on a node that holds nothing."""
RETRY_START_S = 10.0
"""How long after a start that was too early it is tried again."""


def start(node: NodeState, right: Right) -> None:
    """The right is held and proven: serve."""
    run = node.runs[right.group]
    run.goal, run.ending, run.proven = True, None, True
    run.held_off.clear()
    run.gave_up_on.clear()
    run.restart.clear()
    _wait_no_more(run)
    run.settled_from = run.failback_since = None
    node.out.append(effects.OpenTraffic(run.name, right.epoch))
    why = "no earlier holder can serve"
    node.out.append(effects.Decided(run.name, "Activating", why, right.epoch))
    advance(node, right)


def end(node: NodeState, right: Right, ending: Ending) -> None:
    """Stop the group here in order, then fence and release. The first reason stands."""
    run = node.runs[right.group]
    if run.ending is not None:
        return
    run.ending = ending
    if right.phase is Phase.HELD:
        run.goal = run.online = False
        run.gave_up_on.clear()
        _wait_no_more(run)
        node.out.append(effects.Decided(run.name, "Stopping", ending.why, right.epoch))
        advance(node, right)
    elif right.phase is Phase.WAITING:
        release.begin(node, right)
    else:
        run.ending = None


def fence(node: NodeState, right: Right, why: str) -> None:
    """Rule 3: stop serving at once; the orderly stops follow the complete fence."""
    run = node.runs[right.group]
    if run.ending is None or run.goal:
        run.ending = Ending(why)
    _begin_fence(node, right, why)
    node.out.append(effects.Decided(run.name, "Fencing", why, right.epoch))


def _begin_fence(node: NodeState, right: Right, why: str) -> None:
    run = node.runs[right.group]
    _stop_everything(run)
    right.phase = Phase.FENCING
    right.pending = None
    right.fence = node.number()
    right.promises_stamp = right.promises_sent = None
    right.promises_next_at = NEVER
    node.out.append(effects.Fence(right.fence, run.name, right.epoch, why))


def fenced_by_guard(node: NodeState, right: Right, why: str) -> None:
    """The guard was faster: its fence is as good as ours."""
    run = node.runs[right.group]
    if run.ending is None or run.goal:
        run.ending = Ending(why)
    _stop_everything(run)
    right.pending = None
    right.promises_stamp = right.promises_sent = None
    right.promises_next_at = NEVER
    node.out.append(effects.Decided(run.name, "Fencing", why, right.epoch))
    fenced(node, right)


def _stop_everything(run: GroupRun) -> None:
    if run.action is not None:
        run.conditions[run.action.resource] = Condition.FAILED
        run.action = None
    run.goal = run.online = False
    _wait_no_more(run)


def _wait_no_more(run: GroupRun) -> None:
    run.waiting.clear()
    run.waits_for = ""


def fenced(node: NodeState, right: Right) -> None:
    """The fence is complete: what still ran needs a stop, and the right can be given back."""
    run = node.runs[right.group]
    right.thawed = ""
    for name, condition in run.conditions.items():
        if condition is Condition.ON:
            run.conditions[name] = Condition.FAILED
    node.out.append(effects.ClearDeadline(run.name))
    if right.epoch:
        node.out.append(effects.Decided(run.name, "Fenced", "nothing of it serves", right.epoch))
        release.begin(node, right)
    else:
        right.phase = Phase.IDLE
        right.next_at = node.now.raw
    advance(node, right)


def advance(node: NodeState, right: Right) -> None:
    """Begin the next action, if none is under way and one is needed."""
    run = node.runs[right.group]
    if right.phase is Phase.FENCING:
        return
    if run.action is not None:
        if node.now.raw < run.action.due:
            return
        _finish(node, right, run.action, ok=False, detail="no outcome was reported in time")
        return
    if node.now.raw >= run.retry_at:
        _try_again(right, run)
    if run.goal and (right.thawed or lease.left(node, right) <= 0):
        return
    step = next_step(run)
    if step is not None:
        _begin(node, right, *step, attempt=1)
    elif run.goal:
        if not run.waiting:
            _now_online(node, right)
    elif right.phase is Phase.HELD:
        _begin_fence(node, right, run.ending.why if run.ending else "the group is stopped here")


def _try_again(right: Right, run: GroupRun) -> None:
    """Let stops that failed be tried again where nothing is held, and starts that wait."""
    run.waiting.clear()
    if right.phase is Phase.IDLE:
        run.gave_up_on.clear()


def next_step(run: GroupRun) -> Optional[tuple[str, bool]]:
    """Return the one resource to stop (False) or start (True) next, or None.

    Stops come first, in reverse order; a resource stops only when nothing that depends on it is on.
    """
    for name in reversed(run.order):
        condition = run.conditions[name]
        if condition is Condition.OFF or name in run.gave_up_on:
            continue
        if condition is Condition.FAILED or must_stop(run, name):
            return name, False
    if run.goal:
        for name in run.order:
            if run.conditions[name] is Condition.OFF and may_start(run, name):
                return name, True
    return None


def must_stop(run: GroupRun, name: str) -> bool:
    """Tell whether a resource that is on has to be stopped."""
    if not run.goal or name in run.restart or name in run.held_off:
        return True
    return any(must_stop(run, other) for other in run.resources[name].depends_on)


def may_start(run: GroupRun, name: str) -> bool:
    """Tell whether a resource that is off is wanted and has what it depends on."""
    if name in run.held_off or name in run.waiting:
        return False
    return all(run.conditions[d] is Condition.ON for d in run.resources[name].depends_on)


def _begin(node: NodeState, right: Right, name: str, is_start: bool, attempt: int) -> None:  # noqa: FBT001  # a step, as next_step returned it
    run = node.runs[right.group]
    resource = run.resources[name]
    timeout_s = resource.start_timeout_s if is_start else resource.stop_timeout_s
    number = node.number()
    due = node.now.raw + timeout_s + ACTION_GRACE_S
    run.action = Action(number, name, is_start, attempt, due)
    run.online = False
    kind = effects.StartResource if is_start else effects.StopResource
    node.out.append(kind(number, run.name, name, right.epoch, timeout_s))


def done(node: NodeState, right: Right, event: ResourceDone) -> None:
    """A start or stop was reported."""
    action = node.runs[right.group].action
    if action is not None:
        if event.is_early and action.is_start and node.runs[right.group].goal:
            _wait(node, right, action, event.detail)
        else:
            _finish(node, right, action, ok=event.ok, detail=event.detail)


def _wait(node: NodeState, right: Right, action: Action, detail: str) -> None:
    """Try a start again later that was too early: it is no failure, and nothing is given up.

    From the second time on a node is preferred that is alive and has not failed: it may be the one
    that has what is lacking here.
    """
    run = node.runs[right.group]
    resource = run.resources[action.resource]
    run.action = None
    run.conditions[resource.name] = Condition.FAILED
    why = f"{resource.name} cannot start yet ({detail})"
    if not run.waits_for or not fail_over(node, right, why, resource.max_failovers):
        if run.waits_for != why:
            node.out.append(effects.Decided(run.name, "Waiting", why, right.epoch))
        run.waits_for = why
        run.waiting.add(resource.name)
        run.retry_at = node.now.raw + RETRY_START_S
    advance(node, right)


def _finish(node: NodeState, right: Right, action: Action, *, ok: bool, detail: str) -> None:
    run = node.runs[right.group]
    resource = run.resources[action.resource]
    retries = resource.start_retries if action.is_start else resource.stop_retries
    run.action = None
    if ok:
        run.conditions[action.resource] = Condition.ON if action.is_start else Condition.OFF
        if not action.is_start:
            run.restart.discard(action.resource)
        elif not run.waiting:
            run.waits_for = ""
    elif action.attempt <= retries and (run.goal or not action.is_start):
        run.conditions[action.resource] = Condition.FAILED
        _begin(node, right, action.resource, action.is_start, action.attempt + 1)
        return
    elif action.is_start:
        run.conditions[action.resource] = Condition.FAILED
        if run.goal:
            start_failed(node, right, resource, detail)
    else:
        stop_failed(node, right, resource, detail)
    advance(node, right)


def start_failed(node: NodeState, right: Right, resource: Resource, detail: str) -> None:
    """A start failed for good: fail over if the limit allows it, else what the resource says."""
    why = f"{resource.name} did not start ({detail or 'no reason given'})"
    if fail_over(node, right, why, resource.max_failovers):
        return
    action = resource.final_action
    if action is FinalAction.NONE:
        run = node.runs[right.group]
        run.gave_up_on.add(resource.name)
        node.out.append(effects.Decided(run.name, "Incomplete", why, right.epoch))
    else:
        give_up(node, right, why, action)


def fail_over(node: NodeState, right: Right, why: str, limit: int) -> bool:
    """Hand a failing group to another node; False if the limit is reached or there is none."""
    run = node.runs[right.group]
    failures = right.record.failovers if right.record is not None else 0
    to = policy.successor(node, right)
    if failures >= min(limit, run.config.max_failovers) or not to:
        return False
    if run.config.failover is not Policy.AUTOMATIC:
        return False
    end(node, right, Ending(f"{why}; failure {failures + 1}", successor=to, failed=True))
    return True


def give_up(node: NodeState, right: Right, why: str, action: FinalAction) -> None:
    """Every failover is used up: stop it for good, and do the final action."""
    after = FinalAction.NONE if action is FinalAction.STOP_GROUP else action
    text = f"{why}; no failover is left"
    ending = Ending(text, wanted=Wanted.GIVEN_UP, failed=True, final_action=after)
    end(node, right, ending)


def stop_failed(node: NodeState, right: Right, resource: Resource, detail: str) -> None:
    """A stop failed for good: the fence will enforce it; the node may be unclean."""
    run = node.runs[right.group]
    run.conditions[resource.name] = Condition.FAILED
    run.gave_up_on.add(resource.name)
    run.retry_at = node.now.raw + RETRY_STOP_S
    run.restart.discard(resource.name)
    why = f"{resource.name} did not stop ({detail or 'no reason given'})"
    node.out.append(effects.Decided(run.name, "StopFailed", why, right.epoch))
    if right.phase is not Phase.HELD:
        return
    if run.goal and not fail_over(node, right, why, run.config.max_failovers):
        give_up(node, right, why, FinalAction.STOP_GROUP)
    if run.ending is not None:
        run.ending = run.ending._replace(final_action=resource.stop_final_action)


def _now_online(node: NodeState, right: Right) -> None:
    run = node.runs[right.group]
    if run.online:
        return
    run.online = True
    run.settled_from = node.now
    why = "every resource is active" if not run.gave_up_on else "all but the failed are active"
    node.out.append(effects.Decided(run.name, "Online", why, right.epoch))


def reactivate(node: NodeState, right: Right, target: str) -> None:
    """Stop and start a resource (or the whole group) again, with all that depends on it.

    Where the group is not active only the stop is done, to close what should not be open.
    """
    run = node.runs[right.group]
    names = run.order if target == run.name else (target,)
    for name in names:
        run.gave_up_on.discard(name)
        if run.conditions[name] is not Condition.ON:
            run.conditions[name] = Condition.FAILED
        else:
            run.restart.add(name)
    run.settled_from = None
    advance(node, right)


def due(node: NodeState, right: Right) -> float:
    """Return the raw time at which an action, or what is to be tried again, must be looked at."""
    run = node.runs[right.group]
    if run.action is not None:
        return run.action.due
    stops = bool(run.gave_up_on) and right.phase is Phase.IDLE
    return run.retry_at if stops or run.waiting else NEVER
