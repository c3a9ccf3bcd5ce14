"""The state machine: one event in, effects out.

``Machine.step`` looks for a thaw first (rule 11), hands the event to the rule it concerns, then
lets everything advance that is due. It asks to be woken at ``wake_at`` on the raw clock; being
woken later than J counts as a thaw. A machine is plain data: ``copy.deepcopy`` copies it, and equal
inputs give equal outputs.
"""

from __future__ import annotations

from typing import Any, Callable, Final, Mapping, Optional

from hacluster_node.core import (
    configure,
    contend,
    effects,
    events,
    failsafe,
    follow,
    freeze,
    group,
    guide_mode,
    lease,
    leaving,
    monitor,
    orders,
    peers,
    policy,
    probe,
    recovery,
    release,
    status,
    watchdog,
)
from hacluster_node.core.clocks import shortest
from hacluster_node.core.config import AgentConfig, Mode, Policy
from hacluster_node.core.group_run import Ending
from hacluster_node.core.state import NEVER, TICK_S, NodeState, Phase, Purpose, Right


class Machine:
    """The decisions of one agent run.

    Args:
        config: Already checked.
        boot_id: The kernel's; another one proves a reboot.
        incarnation: A fresh random name of this agent run.
        saved: What ``effects.SaveState`` last stored on this machine, if anything.
    """

    def __init__(
        self,
        config: AgentConfig,
        boot_id: str,
        incarnation: str,
        saved: Optional[Mapping[str, Any]] = None,
    ) -> None:
        saved = saved or {}
        previous = frozenset(str(name) for name in saved.get("incarnations", ()))
        self.node = NodeState(config, boot_id, incarnation, previous)
        self.saved = saved
        self.wake_at = NEVER

    def step(self, event: events.Event) -> list[effects.Effect]:
        """Take in one event and return what to do, in order."""
        node, now = self.node, event.clocks
        out: list[effects.Effect] = []
        node.out = out
        if type(event) is events.Started:
            node.now = node.started = now
            self._begin()
        else:
            why = freeze.look(node, node.now, now, self.wake_at)
            node.now = now
            if why:
                freeze.thaw(node, why)
            HANDLERS[type(event)](node, event)
            concerns_all = bool(why) or type(event) not in QUIET
            if node.coming is not None and configure.use_coming(node):
                _look_again(node)
                concerns_all = True
            if concerns_all:
                _advance_all(node)
        self.wake_at = _due(node)
        if node.unsaved:
            node.unsaved = False
            out.append(effects.SaveState(self.plain()))
        return out

    def _begin(self) -> None:
        """First step: whatever an earlier run left behind is fenced before anything else."""
        node = self.node
        configure.apply(node, node.config)
        for name, kept in self.saved.get("monitors", {}).items():
            if name in node.monitors:
                node.monitors[name].restore(kept)
        for name, epoch in self.saved.get("epochs", {}).items():
            if name in node.rights:
                node.rights[name].highest = int(epoch)
        for right in node.rights.values():
            right.phase = Phase.FENCING
            right.fence = node.number()
            why = "the agent begins: nothing of an earlier run may serve"
            node.out.append(effects.Fence(right.fence, right.group, 0, why))
        node.heartbeat_due = node.watchdog_due = node.now.raw
        node.unsaved = True
        _advance_all(node)

    def sentence(self) -> str:
        """Return what is the case, in one plain sentence; made only when asked for."""
        return status.sentence(self.node)

    def why_not_active(self, group_name: str) -> str:
        """Return why a group does not serve on this node, or "" if it does."""
        return status.why_not_active(self.node, group_name)

    def status(self) -> dict[str, Any]:
        """Return the whole status as JSON-ready values."""
        return status.table(self.node)

    def plain(self) -> dict[str, Any]:
        """Return what is worth keeping over a restart, JSON-ready; no safety rests on it."""
        node = self.node
        return {
            "incarnations": [*sorted(node.previous)[-15:], node.incarnation],
            "monitors": {name: run.plain() for name, run in node.monitors.items()},
            "epochs": {name: right.highest for name, right in node.rights.items()},
        }


def _woke(node: NodeState, event: events.Woke) -> None:
    del event
    if node.now.raw >= node.heartbeat_due:
        node.heartbeat_due = node.now.raw + node.config.heartbeat.interval_s
        if node.asks:
            node.asks = {k: v for k, v in node.asks.items() if v[1] > node.now.raw}
        peers.beat(node)
        if node.watchdog_due < node.heartbeat_due:
            watchdog.idle(node)
    if node.now.raw >= node.watchdog_due:
        watchdog.idle(node)


def _witness_answered(node: NodeState, event: events.WitnessAnswered) -> None:
    """Hand a reply to whoever waits for it; replies nobody waits for any more are dropped."""
    if node.probe_reads and probe.answered(node, event):
        return
    for right in node.rights.values():
        pending = right.pending
        if pending is not None and pending.request == event.request:
            purpose = pending.purpose
            if purpose is Purpose.POLL:
                contend.answered(node, right, event, pending)
            elif purpose is Purpose.ACQUIRE:
                contend.acquire_answered(node, right, event, pending)
            elif right.phase is Phase.RELEASING:
                release.answered(node, right, event, pending)
            else:
                lease.answered(node, right, event, pending)
            _advance(node, right)
            return


def _heartbeat(node: NodeState, event: events.HeartbeatReceived) -> None:
    peer = peers.receive(node, event)
    if peer is None:
        return
    body = event.body
    if freeze.ran_ahead(node, peer, body.uptime_s):
        freeze.thaw(node, f"{peer.name}'s clock ran ahead of ours")
        peer.ahead = peer.ahead_before = None
    if body.requests:
        answers = tuple(failsafe.asked(node, request) for request in body.requests)
        peers.beat(node, promises=answers, to=peer.name)
    for promise in body.promises:
        failsafe.promised(node, peer, promise)
    for ask in body.asks:
        orders.asked(node, ask)
    changed = body.groups != peer.groups
    if changed:
        peer.groups = body.groups
        peer.reports = {report.group: report for report in body.groups}
    for right in node.rights.values():
        if changed or right.phase is Phase.WAITING:
            _heard(node, right, peer)


def _heard(node: NodeState, right: Right, peer: peers.Peer) -> None:
    """Use a peer's changed word about a group: look sooner, never decide by it."""
    report = peer.report(right.group)
    if report is None:
        return
    if node.config.partition.mode is Mode.GUIDE:
        guide_mode.heard(node, right, peer, report)
    elif report.epoch > right.highest:
        right.highest = report.epoch
        if right.phase is Phase.HELD and report.epoch > right.epoch:
            freeze.hold(node, right, f"{peer.name} knows epoch {report.epoch}")
            right.pending = None
    if (right.phase is Phase.IDLE and right.pending is None) or (
        right.thawed and right.pending is None
    ):
        right.next_at = node.now.raw
    _advance(node, right)


def _advance(node: NodeState, right: Right) -> None:
    """Do everything that is due for one group."""
    phase = right.phase
    if node.config.partition.mode is Mode.GUIDE and phase in (Phase.IDLE, Phase.HELD):
        guide_mode.advance(node, right)
    elif phase is Phase.IDLE or phase is Phase.CONTENDING:
        contend.advance(node, right)
    elif phase in lease.HOLDING:
        lease.advance(node, right)
    elif phase is Phase.RELEASING:
        release.advance(node, right)
    group.advance(node, right)
    if right.phase is Phase.HELD:
        _fail_back(node, right)
    right.due = _right_due(node, right)


def _fail_back(node: NodeState, right: Right) -> None:
    """Give an online group back to the preferred node, once that was well for a while."""
    run = node.runs[right.group]
    if run.config.failback is not Policy.AUTOMATIC or not run.online:
        return
    best = run.nodes[0]
    if best == node.config.node or not policy.is_better(node, right, best):
        run.failback_since = None
    elif run.failback_since is None:
        run.failback_since = node.now
    elif shortest(run.failback_since, node.now) >= run.config.failback_after_s:
        why = f"{best} is preferred and well again"
        group.end(node, right, Ending(why, successor=best))


def _advance_all(node: NodeState) -> None:
    for right in node.rights.values():
        if right.due <= node.now.raw:
            _advance(node, right)
    if node.monitors:
        node.monitors_due = monitor.advance(node)
    if node.leave_how or node.maintenance:
        leaving.advance(node)
    if node.followed and follow.advance(node):
        _look_again(node)
    configure.forget(node)


def _right_due(node: NodeState, right: Right) -> float:
    """Return the raw time at which the group must be looked at again."""
    now = node.now.raw
    phase, pending = right.phase, right.pending
    due = group.due(node, right)
    if phase is Phase.FENCING:
        return due
    if node.config.partition.mode is Mode.GUIDE:
        return min(due, right.next_at)
    next_at = right.next_at
    if pending is not None:
        next_at = pending.stamp.raw + lease.reply_limit_s(node) + TICK_S
    if next_at < due:
        due = next_at
    if phase in lease.HOLDING:
        due = min(due, now + max(0.0, lease.left(node, right)), right.promises_next_at)
        if phase is Phase.WAITING:
            due = min(due, now + max(TICK_S, freeze.guard_left(node, right)))
    elif phase is Phase.IDLE and pending is None and right.contend_at < due:
        due = right.contend_at
    return due


def _due(node: NodeState) -> float:
    due = min(node.heartbeat_due, node.watchdog_due, node.monitors_due)
    for right in node.rights.values():
        if right.due < due:
            due = right.due
    return due


def _fence_done(node: NodeState, event: events.FenceDone) -> None:
    right = node.rights.get(event.group)
    if right is not None and right.phase is Phase.FENCING and right.fence == event.fence:
        group.fenced(node, right)
        right.due = node.now.raw


def _guard_fenced(node: NodeState, event: events.GuardFenced) -> None:
    right = node.rights.get(event.group)
    if right is not None and right.phase is Phase.HELD:  # else our own fence is still under way
        group.fenced_by_guard(node, right, f"the guard fenced it: {event.reason}")
        right.due = node.now.raw


def _thaw_suspected(node: NodeState, event: events.ThawSuspected) -> None:
    freeze.thaw(node, event.reason)


def _resource_done(node: NodeState, event: events.ResourceDone) -> None:
    for right in node.rights.values():
        action = node.runs[right.group].action
        if action is not None and action.number == event.action:
            group.done(node, right, event)
            right.due = node.now.raw


def _commanded(node: NodeState, event: events.Commanded) -> None:
    orders.take(node, event)
    _look_again(node)


def _order_given(node: NodeState, event: events.OrderGiven) -> None:
    follow.give(node, event)
    _look_again(node)


def _look_again(node: NodeState) -> None:
    """Wishes may have changed: let every group be decided anew in this step."""
    for right in node.rights.values():
        right.due = node.now.raw
        right.contend_at = NEVER


def _powered_off(node: NodeState, event: events.PeerPoweredOff) -> None:
    peer = node.peers.get(event.node)
    if peer is not None:
        peer.powered_off = True
        _look_again(node)


def _maintenance_noticed(node: NodeState, event: events.MaintenanceNoticed) -> None:
    leaving.noticed(node, event)


def _maintenance_ended(node: NodeState, event: events.MaintenanceEnded) -> None:
    leaving.ended(node, event.event)


def _config_changed(node: NodeState, event: events.ConfigChanged) -> None:
    node.coming = event.config


QUIET: Final = frozenset({events.WitnessAnswered, events.HeartbeatReceived, events.ProbeAsked})
"""Events that concern one group and advance it themselves."""

HANDLERS: Final[Mapping[type, Callable[[NodeState, Any], None]]] = {
    events.Woke: _woke,
    events.WitnessAnswered: _witness_answered,
    events.HeartbeatReceived: _heartbeat,
    events.FenceDone: _fence_done,
    events.GuardFenced: _guard_fenced,
    events.ThawSuspected: _thaw_suspected,
    events.ResourceDone: _resource_done,
    events.CheckDone: monitor.done,
    events.ScriptDone: recovery.scripted,
    events.ProbeAsked: probe.asked,
    events.Commanded: _commanded,
    events.OrderGiven: _order_given,
    events.MaintenanceNoticed: _maintenance_noticed,
    events.MaintenanceEnded: _maintenance_ended,
    events.PeerPoweredOff: _powered_off,
    events.ConfigChanged: _config_changed,
}
