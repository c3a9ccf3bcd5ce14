"""What of a failover group runs here: started in dependency order, stopped in reverse.

Level-triggered: ``goal``, ``held_off`` and ``restart`` say what is wanted, ``next_step`` finds the
one next action that brings the group nearer to it, and a finished action leads to the next. One
action runs at a time. Stopping for good ends in a fence, and only a complete fence is followed by
the release (rule 7).
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple, Optional

from hacluster_node.core import effects, lease, policy, release
from hacluster_node.core.clocks import Clocks, shortest
from hacluster_node.core.config import FinalAction, Group, Policy, Resource
from hacluster_node.core.heartbeat import Standing
from hacluster_node.core.record import Record, Wanted
from hacluster_node.core.state import NEVER, NodeState, Phase, Right

if TYPE_CHECKING:
    from hacluster_node.core.events import ResourceDone

ACTION_GRACE_S = 5.0
"""How much longer than its time limit an action may take before it counts as failed."""
RETRY_STOP_S = 30.0
"""How long after a stop failed for good it is tried again on a node that holds nothing."""


class Condition(enum.Enum):
    """What is known of one resource on this node."""

    OFF = "Off"
    ON = "On"
    FAILED = "Failed"
    """Its start or stop failed, or it was fenced: it needs a stop before anything else."""


class Action(NamedTuple):
    """The start or stop under way."""

    number: int
    resource: str
    is_start: bool
    attempt: int
    due: float
    """Raw time after which it counts as failed."""


class Ending(NamedTuple):
    """Why a group stops here, and what its release says."""

    why: str
    wanted: Optional[Wanted] = None
    """What the cluster wants from now on; None leaves it as it is."""
    successor: str = ""
    failed: bool = False
    """It failed here: count it."""
    final_action: FinalAction = FinalAction.NONE
    """What this node does afterwards."""


class GroupRun:
    """One group on this node."""

    __slots__ = (
        "action",
        "conditions",
        "config",
        "ending",
        "failback_since",
        "gave_up_on",
        "goal",
        "held_off",
        "name",
        "nodes",
        "online",
        "order",
        "proven",
        "removed",
        "resources",
        "restart",
        "retry_at",
        "settled_from",
    )

    def __init__(self, config: Group, order: tuple[str, ...], nodes: tuple[str, ...]) -> None:
        self.config = config
        self.nodes = nodes
        """The nodes that may run it, preferred first."""
        self.name = config.name
        self.order = order
        """Resource names, what depends on others after them."""
        self.resources: dict[str, Resource] = {r.name: r for r in config.resources}
        self.conditions = dict.fromkeys(order, Condition.FAILED)
        """FAILED at first: what an earlier agent run left behind is unknown."""
        self.goal = False
        """Whether the group is wanted on this node."""
        self.held_off: set[str] = set()
        """Resources stopped by hand."""
        self.gave_up_on: set[str] = set()
        """Resources whose start failed for good while the group stays (final action None)."""
        self.restart: set[str] = set()
        """Resources to stop and start again (reactivation)."""
        self.retry_at = NEVER
        """Raw time at which stops that failed are tried again, once nothing is held here."""
        self.action: Optional[Action] = None
        self.ending: Optional[Ending] = None
        self.online = False
        self.removed = False
        """The configuration has it no more; it ends here."""
        self.settled_from: Optional[Clocks] = None
        """Since when it is online without failure."""
        self.failback_since: Optional[Clocks] = None
        self.proven = False
        """Activated: earlier holders are ruled out (clears the record's suspects)."""

    def reconfigured(self, new: GroupRun) -> GroupRun:
        """Return ``new`` with what is known from this run.

        A resource that is configured no more stays until it is stopped, and starts no more.
        """
        gone = tuple(name for name in self.order if name not in new.resources)
        new.order += gone
        for name in new.order:
            if name in gone:
                new.resources[name] = self.resources[name]
                new.held_off.add(name)
            new.conditions[name] = self.conditions.get(name, Condition.OFF)
        new.goal, new.ending, new.action = self.goal, self.ending, self.action
        new.held_off |= self.held_off
        new.gave_up_on, new.restart = set(self.gave_up_on), set(self.restart)
        new.online, new.settled_from, new.proven = self.online, self.settled_from, self.proven
        return new

    def is_clean(self) -> bool:
        """Tell whether nothing of the group is left here."""
        if self.action is not None:
            return False
        for condition in self.conditions.values():  # noqa: SIM110  # in every heartbeat: no generator
            if condition is not Condition.OFF:
                return False
        return True

    def standing(self) -> Standing:
        """Return the word for heartbeats while the right is held."""
        if not self.goal:
            return Standing.STOPPING
        return Standing.ACTIVE if self.online else Standing.STARTING

    def is_active(self, resource: str) -> bool:
        """Tell whether a resource is on."""
        return self.conditions.get(resource) is Condition.ON

    def renewed(self, node: NodeState, right: Right, record: Record) -> Record:
        """Return the record as the next renewal writes it."""
        settled = right.phase is Phase.HELD and self.is_settled(node)
        return Record(
            record.holder,
            record.incarnation,
            record.boot_id,
            record.epoch,
            node.timings.lease_s,
            record.counter + 1,
            released=False,
            wanted=record.wanted,
            failovers=0 if settled else record.failovers,
            failed_on=() if settled else record.failed_on,
            suspects=() if self.proven else record.suspects,
            promise_s=node.timings.promise_s,
        )

    def is_settled(self, node: NodeState) -> bool:
        """Tell whether it ran long enough without failure to forget earlier ones."""
        since = self.settled_from
        return since is not None and shortest(since, node.now) >= self.config.settled_after_s


def in_order(config: Group) -> tuple[str, ...]:
    """Return the resources' names so that each comes after those it depends on.

    Raises:
        ValueError: A dependency is unknown or cyclic.
    """
    known = {resource.name: resource for resource in config.resources}
    order: list[str] = []
    while len(order) < len(known):
        ready = [
            r.name
            for r in config.resources
            if r.name not in order and all(d in order for d in r.depends_on)
        ]
        if not ready:
            stuck = ", ".join(sorted(set(known) - set(order)))
            raise ValueError(
                f"group {config.name}: {stuck} wait for each other or for unknown names"
            )
        order.append(ready[0])
    return tuple(order)


def start(node: NodeState, right: Right) -> None:
    """The right is held and proven: serve."""
    run = node.runs[right.group]
    run.goal, run.ending, run.proven = True, None, True
    run.held_off.clear()
    run.gave_up_on.clear()
    run.restart.clear()
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
    if run.gave_up_on and right.phase is Phase.IDLE and node.now.raw >= run.retry_at:
        run.gave_up_on.clear()
    if run.goal and (right.thawed or lease.left(node, right) <= 0):
        return
    step = next_step(run)
    if step is not None:
        _begin(node, right, *step, attempt=1)
    elif run.goal:
        _now_online(node, right)
    elif right.phase is Phase.HELD:
        _begin_fence(node, right, run.ending.why if run.ending else "the group is stopped here")


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
    if name in run.held_off:
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
        _finish(node, right, action, ok=event.ok, detail=event.detail)


def _finish(node: NodeState, right: Right, action: Action, *, ok: bool, detail: str) -> None:
    run = node.runs[right.group]
    resource = run.resources[action.resource]
    retries = resource.start_retries if action.is_start else resource.stop_retries
    run.action = None
    if ok:
        run.conditions[action.resource] = Condition.ON if action.is_start else Condition.OFF
        if not action.is_start:
            run.restart.discard(action.resource)
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
    """Return the raw time at which an action or a stop that failed must be looked at."""
    run = node.runs[right.group]
    if run.action is not None:
        return run.action.due
    return run.retry_at if run.gave_up_on and right.phase is Phase.IDLE else NEVER
