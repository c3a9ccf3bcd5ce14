"""Ends of a node's part in the cluster: service stop, shutdown, reboot, maintenance (rule 12).

Whatever the reason, groups are stopped in order, fenced and released first. A *recovery* never
takes the last healthy node; an administrator may.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hacluster_node.core import effects, group, peers, policy
from hacluster_node.core.config import FinalAction
from hacluster_node.core.group_run import Ending
from hacluster_node.core.state import NodeState, Phase

if TYPE_CHECKING:
    from hacluster_node.core.events import MaintenanceNoticed
    from hacluster_node.core.peers import Peer

HOW: Final = {
    FinalAction.STOP_SERVICE: "Service",
    FinalAction.SHUT_DOWN: "ShutDown",
    FinalAction.REBOOT: "Reboot",
}
"""What each node-ending final action does at the end."""

DISRUPTIVE: Final = frozenset({"Reboot", "Redeploy", "Preempt", "Terminate"})
"""Scheduled events that end what runs on the machine."""


def final_action(
    node: NodeState, subject: str, action: FinalAction, why: str, *, cut_off: bool = False
) -> None:
    """Do a recovery's last step, unless it would stop the last healthy node.

    ``cut_off`` says that the monitor found this node cut off. Then silent peers may well serve, so
    they do not make this node the last one; only peers known to have left do.
    """
    if action not in HOW:
        return
    if not any(is_healthy(node, peer, cut_off=cut_off) for peer in node.peers.values()):
        text = f"{action.value} is suppressed: no other healthy node is left ({why})"
        node.out.append(effects.Decided(subject, "Suppressed", text))
        return
    begin(node, HOW[action], why)


def is_healthy(node: NodeState, peer: Peer, *, cut_off: bool) -> bool:
    """Tell whether a peer could carry the service when this node stops."""
    if peer.leaving or peer.powered_off:
        return False
    return cut_off or peers.is_alive(node, peer)


def begin(node: NodeState, how: str, why: str) -> None:
    """Stop every group here, then end the service or the machine."""
    node.leaving = why
    node.leave_how = how
    node.out.append(effects.Decided(node.config.node, "Leaving", why))
    _empty(node, why)
    peers.beat(node)


def _empty(node: NodeState, why: str) -> None:
    for right in node.rights.values():
        group.end(node, right, Ending(why))


def advance(node: NodeState) -> None:
    """Finish leaving, or let maintenance begin, once nothing runs here; called while one waits."""
    if node.leave_how:
        _empty(node, node.leaving)
    if not all(is_empty(node, name) for name in node.rights):
        return
    for event in node.maintenance:
        if event not in node.acknowledged:
            node.acknowledged.add(event)
            node.out.append(effects.AcknowledgeMaintenance(event))
    if node.leave_how:
        node.out.append(effects.StopNode(node.leave_how, node.leaving))
        node.leave_how = ""
        peers.beat(node)


def is_empty(node: NodeState, name: str) -> bool:
    """Tell whether nothing of a group is held here and nothing more can be stopped."""
    run = node.runs[name]
    return node.rights[name].phase is Phase.IDLE and run.action is None and not group.next_step(run)


def noticed(node: NodeState, event: MaintenanceNoticed) -> None:
    """Rule 12: move away before what cannot be ridden through; then this node acknowledges."""
    if event.event in node.maintenance or is_ridden_through(node, event):
        return
    movable = any(peers.is_alive(node, peer) for peer in node.peers.values())
    if not movable and not all(is_empty(node, name) for name in node.rights):
        why = f"{event.kind} is announced, and there is no node to move to"
        node.out.append(effects.Decided(node.config.node, "MaintenanceAwaited", why))
        return
    node.maintenance[event.event] = event.kind
    why = f"{event.kind} is announced for this node"
    node.out.append(effects.Decided(node.config.node, "Maintenance", why))
    for right in node.rights.values():
        to = policy.successor(node, right)
        group.end(node, right, Ending(why, successor=to))


def is_ridden_through(node: NodeState, event: MaintenanceNoticed) -> bool:
    """Tell whether the lease outlasts the event: a freeze of known length <= V - S - R - T."""
    timings = node.timings
    most_s = timings.lease_s - timings.fence_s - timings.renew_s - timings.request_s
    return event.kind not in DISRUPTIVE and 0 <= event.duration_s <= most_s


def ended(node: NodeState, event: str) -> None:
    """The scheduled event is over or withdrawn."""
    if node.maintenance.pop(event, None) is not None:
        node.acknowledged.discard(event)
        why = "the scheduled event is over"
        node.out.append(effects.Decided(node.config.node, "MaintenanceOver", why))
