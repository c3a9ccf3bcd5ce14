"""The recovery ladder of a monitor: script, reactivate n times, fail over m times, final action.

Each time the monitor is abnormal anew (``retries`` + 1 further failures) the next rung is taken.
The counts persist over restarts and start anew when the monitor is normal again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from hacluster_node.core import effects, group, leaving, policy
from hacluster_node.core.config import FinalAction
from hacluster_node.core.effects import Stage
from hacluster_node.core.group_run import Ending
from hacluster_node.core.record import Wanted
from hacluster_node.core.state import NodeState, Phase, Right

if TYPE_CHECKING:
    from hacluster_node.core.events import ScriptDone
    from hacluster_node.core.monitor import MonitorRun


def advance(node: NodeState, run: MonitorRun) -> None:
    """Take the next rung for a monitor that is abnormal (anew)."""
    if run.stage is not None or run.is_target:
        return
    stage = next_stage(node, run)
    if stage is None:
        return
    run.failures = 0
    limit_s = run.config.recovery.scripts.get(stage.value)
    if limit_s is None:
        _do(node, run, stage)
        return
    right = target_right(node, run)
    run.stage, run.script = stage, node.number()
    name, epoch = (right.group, right.epoch) if right is not None else ("", 0)
    node.out.append(effects.RunScript(run.script, run.config.name, stage, name, epoch, limit_s))


def next_stage(node: NodeState, run: MonitorRun) -> Optional[Stage]:
    """Return the rung to take now, or None when the ladder is used up."""
    config, right = run.config.recovery, target_right(node, run)
    if right is not None and run.reactivations < config.max_reactivations:
        return Stage.REACTIVATE
    held = right is not None and right.phase is Phase.HELD
    if right is not None and held and run.failovers < config.max_failovers and _way(node, right):
        return Stage.FAIL_OVER
    return None if run.final_done else Stage.FINAL_ACTION


def _way(node: NodeState, right: Right) -> bool:
    return bool(policy.successor(node, right))


def target_right(node: NodeState, run: MonitorRun) -> Optional[Right]:
    """Return the group the recovery works on, or None if it is the node."""
    target = run.config.recovery.target
    for name, right in node.rights.items():
        if target == name or target in node.runs[name].conditions:
            return right
    return None


def scripted(node: NodeState, event: ScriptDone) -> None:
    """The script before a stage ended: the stage follows, unless all is normal again."""
    for run in node.monitors.values():
        if run.stage is not None and run.script == event.run:
            stage, run.stage = run.stage, None
            if run.health.value == "Abnormal":
                _do(node, run, stage)


def _do(node: NodeState, run: MonitorRun, stage: Stage) -> None:
    node.unsaved = True
    right, config = target_right(node, run), run.config.recovery
    why = f"{run.config.name} is abnormal ({run.detail or 'no detail given'})"
    if stage is Stage.REACTIVATE and right is not None:
        run.reactivations += 1
        text = f"{why}; reactivation {run.reactivations} of {config.max_reactivations}"
        node.out.append(effects.Decided(config.target, "Reactivating", text, right.epoch))
        group.reactivate(node, right, config.target)
    elif stage is Stage.FAIL_OVER and right is not None:
        run.failovers += 1
        limit = node.group(right.group).max_failovers
        if not group.fail_over(node, right, why, limit):
            _final(node, run, right, f"{why}; no failover is left")
    else:
        _final(node, run, right, why)


def _final(node: NodeState, run: MonitorRun, right: Optional[Right], why: str) -> None:
    run.final_done = True
    action = run.config.recovery.final_action
    name = run.config.name
    if action is FinalAction.NONE:
        node.out.append(effects.Decided(name, "NoFinalAction", f"{why}; nothing more is done"))
    elif action is FinalAction.STOP_GROUP:
        for one in [right] if right is not None else list(node.rights.values()):
            ending = Ending(why, wanted=Wanted.GIVEN_UP, failed=True)
            group.end(node, one, ending)
    else:
        leaving.final_action(node, name, action, why, cut_off=bool(run.config.members))


def reset(node: NodeState, run: MonitorRun) -> None:
    """The monitor is normal: its ladder starts at the bottom again."""
    if run.reactivations or run.failovers or run.final_done:
        run.reactivations = run.failovers = 0
        run.final_done = False
        node.unsaved = True
