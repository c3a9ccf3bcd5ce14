"""What an administrator asks for. Each order is taken up or refused, with the reason.

``Move`` and ``Stop`` of a group that is active on another node are handed to that node with the
next heartbeats; they are bound to the epoch at which they were given, and done once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Final, Mapping

from hacluster_node.core import commands, effects, group, leaving, peers, policy, recovery
from hacluster_node.core.config import Mode
from hacluster_node.core.group_run import Ending
from hacluster_node.core.heartbeat import Ask, Standing
from hacluster_node.core.record import Wanted
from hacluster_node.core.state import NodeState, Phase, Right

if TYPE_CHECKING:
    from hacluster_node.core.events import Commanded
    from hacluster_node.core.peers import Peer

ASK_FOR_S: Final = 10.0
"""How long a handed-on order is repeated in heartbeats."""
ASKS_KEPT: Final = 64
"""How many done asks are remembered, so that none is done twice."""


class RefusedError(Exception):
    """An order cannot be taken up; the text says why and what to do instead."""


def take(node: NodeState, event: Commanded) -> None:
    """Do an order and answer it."""
    try:
        ok, text = True, do(node, event.command)
    except RefusedError as refusal:
        ok, text = False, str(refusal)
    node.out.append(effects.Reply(event.command_id, ok, text))


def do(node: NodeState, command: commands.Command) -> str:
    """Begin what a command asks for; return what happens now.

    Raises:
        RefusedError: It is not taken up.
    """
    return ORDERS[type(command)](node, command)


def _right(node: NodeState, name: str) -> Right:
    right = node.rights.get(name)
    if right is None:
        known = ", ".join(node.rights) or "none"
        raise RefusedError(f"there is no group {name}; the groups are: {known}")
    return right


def _move(node: NodeState, command: commands.MoveGroup) -> str:
    right = _right(node, command.group)
    if right.phase is not Phase.HELD:
        return _hand_on(node, right, "Move", command.to)
    return move(node, right, command.to)


def move(node: NodeState, right: Right, to: str) -> str:
    """Move a group that is active here, if ``to`` (or any node) can take it."""
    if to == node.config.node:
        return f"{right.group} is active here already"
    if to and not policy.is_able(node, right, to):
        raise RefusedError(f"{to} cannot take {right.group} now: it is not heard, or not eligible")
    target = to or policy.successor(node, right)
    if not target:
        raise RefusedError(f"no other node can take {right.group} now")
    group.end(node, right, Ending(f"it was moved to {target} by hand", successor=target))
    return f"{right.group} is moving to {target}"


def _hand_on(node: NodeState, right: Right, verb: str, to: str) -> str:
    """Hand an order to the node on which the group is active."""
    active = next((p for p in node.peers.values() if _serves(node, p, right.group)), None)
    if active is None:
        raise RefusedError(f"{right.group} is active on no node that is heard")
    ask = Ask(node.nonce(), verb, right.group, to, right.highest)
    node.asks[ask.ask] = (ask, node.now.raw + ASK_FOR_S)
    peers.beat(node, to=active.name)
    return f"handed on to {active.name}, where {right.group} is active"


def _serves(node: NodeState, peer: Peer, name: str) -> bool:
    report = peer.report(name)
    serving = (Standing.STARTING, Standing.ACTIVE)
    return peers.is_alive(node, peer) and report is not None and report.standing in serving


def asked(node: NodeState, ask: Ask) -> None:
    """Do an order that another node handed on, once, if it still fits."""
    if ask.ask in node.asks_done:
        return
    node.asks_done[ask.ask] = None
    while len(node.asks_done) > ASKS_KEPT:
        del node.asks_done[next(iter(node.asks_done))]
    right = node.rights.get(ask.group)
    if right is None or right.phase is not Phase.HELD or right.epoch != ask.epoch:
        return
    try:
        if ask.verb == "Move":
            move(node, right, ask.node)
        elif ask.verb == "Stop":
            _stop_here(node, right)
    except RefusedError as refusal:
        node.out.append(effects.Decided(ask.group, "AskRefused", str(refusal), right.epoch))


def _start(node: NodeState, command: commands.StartGroup) -> str:
    right = _right(node, command.group)
    if right.phase in (Phase.HELD, Phase.WAITING):
        return f"{right.group} is active or starting here already"
    holder = next((p.name for p in node.peers.values() if _serves(node, p, right.group)), "")
    if holder:
        raise RefusedError(f"{right.group} is active on {holder}; move it instead")
    run = node.runs[right.group]
    run.gave_up_on.clear()
    group.advance(node, right)
    right.asked = True
    reason = policy.why_not_able(node, right.group)
    return f"{right.group} starts here" + (f" as soon as this ends: {reason}" if reason else "")


def _stop(node: NodeState, command: commands.StopGroup) -> str:
    right = _right(node, command.group)
    if right.phase in (Phase.HELD, Phase.WAITING):
        return _stop_here(node, right)
    right.asked = False
    return _hand_on(node, right, "Stop", "")


def _stop_here(node: NodeState, right: Right) -> str:
    ending = Ending("it was stopped by hand", wanted=Wanted.STOPPED)
    group.end(node, right, ending)
    return f"{right.group} is stopping"


def _restart(node: NodeState, command: commands.RestartGroup) -> str:
    right = _right(node, command.group)
    if right.phase is not Phase.HELD or not node.runs[right.group].goal:
        raise RefusedError(f"{right.group} is not active on this node")
    group.reactivate(node, right, right.group)
    return f"{right.group} is stopped and started again"


def _active_resource(node: NodeState, name: str, resource: str) -> Right:
    right = _right(node, name)
    run = node.runs[name]
    if resource not in run.conditions:
        raise RefusedError(f"{name} has no resource {resource}; it has: {', '.join(run.order)}")
    if right.phase is not Phase.HELD or not run.goal:
        raise RefusedError(f"{name} is not active on this node")
    return right


def _start_resource(node: NodeState, command: commands.StartResource) -> str:
    right = _active_resource(node, command.group, command.resource)
    run = node.runs[command.group]
    run.held_off.discard(command.resource)
    run.gave_up_on.discard(command.resource)
    group.advance(node, right)
    return f"{command.resource} is starting"


def _stop_resource(node: NodeState, command: commands.StopResource) -> str:
    right = _active_resource(node, command.group, command.resource)
    node.runs[command.group].held_off.add(command.resource)
    group.advance(node, right)
    return f"{command.resource} is stopping; it stays off until started by hand or moved"


def _monitors(node: NodeState, name: str) -> list[str]:
    if name and name not in node.monitors:
        known = ", ".join(node.monitors) or "none"
        raise RefusedError(f"there is no monitor {name}; the monitors are: {known}")
    return [name] if name else list(node.monitors)


def _suspend(node: NodeState, command: commands.SuspendMonitor) -> str:
    names = _monitors(node, command.monitor)
    for name in names:
        node.monitors[name].suspended = True
    node.unsaved = True
    return f"suspended: {', '.join(names)}"


def _resume(node: NodeState, command: commands.ResumeMonitor) -> str:
    names = _monitors(node, command.monitor)
    for name in names:
        node.monitors[name].suspended = False
    node.unsaved = True
    return f"resumed: {', '.join(names)}"


def _simulate(node: NodeState, command: commands.SimulateFailure) -> str:
    (name,) = _monitors(node, command.monitor) if command.monitor else ("",)
    if not name:
        raise RefusedError("name the monitor that is to fail")
    node.monitors[name].simulated = True
    return f"{name} fails from its next check on, until cleared; the recovery is real"


def _clear(node: NodeState, command: commands.ClearFailure) -> str:
    names = _monitors(node, command.monitor)
    for name in names:
        node.monitors[name].simulated = False
    return f"no simulated failure any more: {', '.join(names)}"


def _start_service(node: NodeState, command: commands.StartService) -> str:
    del command
    if node.leave_how:
        raise RefusedError(f"the service is still stopping: {node.leaving}")
    node.leaving = ""
    for run in node.monitors.values():
        recovery.reset(node, run)
    return "this node takes part in the cluster"


def _stop_service(node: NodeState, command: commands.StopService) -> str:
    del command
    leaving.begin(node, "Service", "the cluster service was stopped by hand")
    return "the cluster service is stopping on this node"


def _shut_down(node: NodeState, command: commands.ShutDown) -> str:
    how, word = ("Reboot", "reboot") if command.reboot else ("ShutDown", "shutdown")
    leaving.begin(node, how, f"a {word} was asked for by hand")
    return f"this node stops its groups; the {word} follows"


def _must_be_off(node: NodeState, name: str) -> None:
    if not name:
        raise RefusedError("state which node is off: a node that still serves would split the data")
    peer = node.peers.get(name)
    if peer is None or peers.is_alive(node, peer):
        raise RefusedError(f"{name} is heard: it is not off; move or stop instead")


def _force(node: NodeState, command: commands.ForceActivate) -> str:
    """Manual takeover: an administrator answers for the other node being off."""
    right = _right(node, command.group)
    waits = right.phase is Phase.HELD and bool(node.runs[right.group].waits_for)
    if right.phase is not Phase.IDLE and not waits:
        raise RefusedError(f"this node is {right.phase.value.lower()} for {right.group} already")
    _must_be_off(node, command.other_is_off)
    if waits:
        return f"{right.group} is held here; what waits is started with this node's data"
    holder = right.record.holder if right.record is not None else ""
    if node.config.partition.mode is Mode.WITNESS and holder != command.other_is_off:
        raise RefusedError(f"the witness names {holder or 'nobody'}, not {command.other_is_off}")
    reason = policy.why_not_able(node, right.group)
    if reason:
        raise RefusedError(f"this node cannot run {right.group}: {reason}")
    right.forced = command.other_is_off
    return f"{right.group} is taken; {command.other_is_off} is taken to be off"


ORDERS: Final[Mapping[type, Callable[..., str]]] = {
    commands.MoveGroup: _move,
    commands.StartGroup: _start,
    commands.StopGroup: _stop,
    commands.RestartGroup: _restart,
    commands.StartResource: _start_resource,
    commands.StopResource: _stop_resource,
    commands.SuspendMonitor: _suspend,
    commands.ResumeMonitor: _resume,
    commands.SimulateFailure: _simulate,
    commands.ClearFailure: _clear,
    commands.StartService: _start_service,
    commands.StopService: _stop_service,
    commands.ShutDown: _shut_down,
    commands.ForceActivate: _force,
}
