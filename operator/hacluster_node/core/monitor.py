"""Monitors and targets: when to check, what counts as abnormal.

A monitor is abnormal after ``retries`` + 1 failures in a row. A multi-target monitor is abnormal
when every member that is monitored on this node is abnormal, and at least one is. A suspended
monitor is not monitored. Targets are monitors of this node's own reach: they can take its
eligibility away, and never give it anything.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Final, Mapping, Optional

from hacluster_node.core import effects, recovery
from hacluster_node.core.config import Monitor, When
from hacluster_node.core.state import NEVER, NodeState, Phase

if TYPE_CHECKING:
    from hacluster_node.core.effects import Stage
    from hacluster_node.core.events import CheckDone

CHECK_GRACE_S: Final = 2.0
"""How much longer than its time limit a check may take before it counts as failed."""


class Health(str, enum.Enum):
    """What a monitor says."""

    UNKNOWN = "Unknown"
    """Not checked yet, or not monitored here now."""
    NORMAL = "Normal"
    ABNORMAL = "Abnormal"


class MonitorRun:
    """One monitor on this node. ``reactivations`` and ``failovers`` survive restarts."""

    __slots__ = (
        "check",
        "check_due",
        "config",
        "detail",
        "due",
        "failovers",
        "failures",
        "final_done",
        "health",
        "is_target",
        "reactivations",
        "script",
        "simulated",
        "stage",
        "suspended",
    )

    def __init__(self, config: Monitor, *, is_target: bool = False) -> None:
        self.config = config
        self.is_target = is_target
        self.health = Health.UNKNOWN
        self.detail = ""
        """What the last failed check said."""
        self.failures = 0
        """In a row, since the last recovery stage."""
        self.due = NEVER
        self.check = 0
        """The check under way, or 0."""
        self.check_due = NEVER
        self.suspended = False
        self.simulated = False
        self.reactivations = 0
        self.failovers = 0
        self.final_done = False
        self.stage: Optional[Stage] = None
        """The recovery stage whose script runs."""
        self.script = 0

    def plain(self) -> dict[str, Any]:
        """Return what is kept over a restart."""
        return {
            "suspended": self.suspended,
            "reactivations": self.reactivations,
            "failovers": self.failovers,
            "final_done": self.final_done,
        }

    def restore(self, plain: Mapping[str, Any]) -> None:
        """Take back what ``plain`` returned."""
        self.suspended = bool(plain.get("suspended", False))
        self.reactivations = int(plain.get("reactivations", 0))
        self.failovers = int(plain.get("failovers", 0))
        self.final_done = bool(plain.get("final_done", False))


def is_here(node: NodeState, run: MonitorRun) -> bool:
    """Tell whether the monitor is monitored on this node now."""
    config = run.config
    if run.suspended or (config.nodes and node.config.node not in config.nodes):
        return False
    if config.when is When.ALWAYS:
        return True
    active = is_active(node, config.watches)
    return active is (config.when is When.ACTIVE)


def is_active(node: NodeState, name: str) -> Optional[bool]:
    """Tell whether a resource or group is active here; None while that changes."""
    for group in node.runs.values():
        if name == group.name:
            held = node.rights[name].phase is not Phase.IDLE
            return group.online if group.online or not held else None
        if name in group.conditions:
            if group.action is not None and group.action.resource == name:
                return None
            return group.is_active(name)
    return False


def advance(node: NodeState) -> float:
    """Do every check that is due; return the raw time of the next look."""
    soonest = NEVER
    for run in node.monitors.values():
        if not is_here(node, run):
            _pause(run)
            continue
        if run.due == NEVER:
            run.due = node.now.raw + run.config.start_delay_s
        if run.check and node.now.raw >= run.check_due:
            result(node, run, ok=False, detail="the check did not end in time")
        if not run.check and node.now.raw >= run.due:
            _check(node, run)
        soonest = min(soonest, run.check_due if run.check else run.due)
    return soonest


def _pause(run: MonitorRun) -> None:
    if run.due != NEVER or run.check:
        run.check, run.check_due, run.due = 0, NEVER, NEVER
        run.failures = 0
        run.health = Health.UNKNOWN


def _check(node: NodeState, run: MonitorRun) -> None:
    config = run.config
    run.due = node.now.raw + config.interval_s
    if config.members:
        result(node, run, ok=not are_all_abnormal(node, config), detail="every member is abnormal")
        return
    run.check = node.number()
    run.check_due = node.now.raw + config.timeout_s + CHECK_GRACE_S
    node.out.append(effects.RunCheck(run.check, config.name, config.timeout_s))


def are_all_abnormal(node: NodeState, config: Monitor) -> bool:
    """Apply the multi-target rule."""
    members = (node.monitors[name] for name in config.members if name in node.monitors)
    healths = [member.health for member in members if is_here(node, member)]
    return bool(healths) and all(health is Health.ABNORMAL for health in healths)


def done(node: NodeState, event: CheckDone) -> None:
    """A check was reported; checks of a paused monitor are not missed."""
    for run in node.monitors.values():
        if run.check == event.check:
            result(node, run, ok=event.ok, detail=event.detail)
            return


def result(node: NodeState, run: MonitorRun, *, ok: bool, detail: str) -> None:
    """Count one result, and begin or end the recovery."""
    run.check, run.check_due = 0, NEVER
    if run.simulated:
        ok, detail = False, "simulated failure"
    if ok:
        _normal(node, run)
        return
    run.failures += 1
    run.detail = detail
    if run.failures <= run.config.retries:
        return
    if run.health is not Health.ABNORMAL:
        run.health = Health.ABNORMAL
        why = f"{run.failures} checks in a row failed: {detail or 'no detail given'}"
        node.out.append(effects.Decided(run.config.name, "Abnormal", why))
    recovery.advance(node, run)


def _normal(node: NodeState, run: MonitorRun) -> None:
    run.failures = 0
    if run.health is Health.ABNORMAL:
        node.out.append(effects.Decided(run.config.name, "Normal", "its check succeeded again"))
    run.health = Health.NORMAL
    recovery.reset(node, run)


def targets_lost(node: NodeState) -> str:
    """Return why this node's targets speak against it, or "" (also if it has none)."""
    targets = [run for run in node.monitors.values() if run.is_target]
    if not targets or not all(run.health is Health.ABNORMAL for run in targets):
        return ""
    names = ", ".join(run.config.name for run in targets)
    return f"none of its targets answers ({names})"
