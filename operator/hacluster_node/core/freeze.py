"""Frozen machines: noticing one's own thaw (rule 11), and outlasting another's (rule 6).

A machine that stood still wakes with old clocks and believes in a lease that has long gone. Two
answers: whoever may have been frozen holds its traffic until the witness confirmed it again; and
whoever acquires a right waits G before it activates, unless there is evidence that no earlier
holder can serve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hacluster_node.core import effects, group, lease, peers, watchdog
from hacluster_node.core.clocks import DISAGREEMENT_S, Clocks, disagree, shortest
from hacluster_node.core.heartbeat import Standing
from hacluster_node.core.state import NodeState, Phase, Right

if TYPE_CHECKING:
    from hacluster_node.core.peers import Peer
    from hacluster_node.core.record import Suspect

WINDOW_S: Final = 10.0
"""How long the lead of a peer's clock is compared with; short, so that drift stays small."""


def look(node: NodeState, last: Clocks, now: Clocks, wake_at: float) -> str:
    """Return why this node may have stood still since the last event, or ""."""
    if disagree(last, now):
        return "its clocks disagree"
    if now.raw - wake_at > node.timings.slack_s:
        return f"its timer was {now.raw - wake_at:.1f} s late"
    return ""


def ran_ahead(node: NodeState, peer: Peer, uptime_s: float) -> bool:
    """Tell whether the peer's clock ran ahead of ours: then ours stood still.

    A late message makes a peer look slow, never fast, so only leads above the largest recent one
    count, and jitter raises no alarm.
    """
    ahead, now = uptime_s - node.now.raw, node.now.raw
    if peer.ahead is None:
        peer.ahead, peer.ahead_since = ahead, now
        return False
    known = peer.ahead if peer.ahead_before is None else max(peer.ahead, peer.ahead_before)
    if now - peer.ahead_since > WINDOW_S:
        peer.ahead_before, peer.ahead, peer.ahead_since = peer.ahead, ahead, now
    elif ahead > peer.ahead:
        peer.ahead = ahead
    drift_s = 4 * node.timings.rate_error * WINDOW_S
    return ahead - known > DISAGREEMENT_S + drift_s


def thaw(node: NodeState, why: str) -> None:
    """Rule 11: hold traffic first, forget what is under way, ask the witness, then resume.

    Replies to requests made before the thaw are not used: by stopped clocks they look punctual.
    """
    for right in node.rights.values():
        _restart_waits(node, right)
        if right.phase in lease.HOLDING:
            right.pending = None
            right.promises_sent = None
            right.next_at = node.now.raw
        elif right.phase is Phase.CONTENDING and right.pending is not None:
            right.unsure, right.pending = right.pending.stamp, None
            right.phase = Phase.IDLE
            right.next_at = node.now.raw
        if right.phase is Phase.HELD:
            hold(node, right, why)
        right.due = node.now.raw
    if shortest(node.started, node.now) < 0:
        node.started = node.now


def _restart_waits(node: NodeState, right: Right) -> None:
    """A wall clock set back would stretch every wait by as much: count anew instead."""
    if shortest(right.seen, node.now) < 0:
        right.seen = node.now
    if right.promised is not None and shortest(right.promised, node.now) < 0:
        right.promised = node.now
    if shortest(right.acquired, node.now) < 0:
        right.acquired = node.now
    if right.unsure is not None and shortest(right.unsure, node.now) < 0:
        right.unsure = node.now


def hold(node: NodeState, right: Right, why: str) -> None:
    """Hold traffic until a renewal begun after now is confirmed, or what is heard after now."""
    right.seen, right.nonce_floor = node.now, node.nonces
    if not right.thawed:
        node.out.append(effects.HoldTraffic(right.group, why))
        node.out.append(effects.Decided(right.group, "TrafficHeld", why, right.epoch))
    right.thawed = why


def resume(node: NodeState, right: Right) -> None:
    """The witness, every peer, or the guide's mode confirmed the right: serve again."""
    right.thawed = ""
    node.out.append(effects.OpenTraffic(right.group, right.epoch))
    why = "the right was confirmed after the thaw"
    node.out.append(effects.Decided(right.group, "TrafficOpened", why, right.epoch))


def acquired(node: NodeState, right: Right) -> None:
    """Rule 6, first half: the acquiring write is confirmed; wait or activate."""
    right.phase = Phase.WAITING
    right.acquired = node.now
    why = why_wait(node, right)
    if why and node.config.partition.power_off and right.record is not None:
        for suspect in right.record.suspects:
            text = f"{right.group} waits until {suspect.node} cannot serve"
            node.out.append(effects.PowerOffPeer(suspect.node, text))
    if why:
        peers.beat(node)
    advance(node, right)


def advance(node: NodeState, right: Right) -> None:
    """Rule 6, second half: activate as soon as no earlier holder can serve."""
    if right.phase is not Phase.WAITING or why_wait(node, right):
        return
    if lease.left(node, right) > 0 and watchdog.allows_activation(node, right):
        right.phase = Phase.HELD
        right.thawed = ""
        right.forced = ""
        lease.set_deadline(node, right)
        group.start(node, right)


def why_wait(node: NodeState, right: Right) -> str:
    """Return why the group must not be activated yet, or "" (rule 6)."""
    record = right.record
    if record is None or guard_left(node, right) <= 0:
        return ""
    for suspect in record.suspects:
        if not evidence(node, right, suspect):
            seconds = guard_left(node, right)
            return f"{suspect.node} may still serve after a freeze: {seconds:.0f} s of G are left"
    return ""


def guard_left(node: NodeState, right: Right) -> float:
    """Return how much of G is left, on the slowest clock, since the write was confirmed."""
    return node.timings.activation_delay_s - shortest(right.acquired, node.now)


def evidence(node: NodeState, right: Right, suspect: Suspect) -> str:
    """Return what proves that an earlier holder cannot serve, or ""."""
    if suspect.node == node.config.node and suspect.incarnation in node.previous:
        return "it was an earlier run of this agent, and this node was fenced since"
    if right.forced and right.forced == suspect.node:
        return "an administrator states that it is off"
    peer = node.peers.get(suspect.node)
    if peer is None or peer.duplicate:
        return ""
    if peer.powered_off:
        return "ARM shows it powered off"
    if peer.echoed <= right.nonce_floor:
        return ""
    if peer.boot_id != suspect.boot_id:
        # Another kernel proves nothing unless the suspect's was heard there before:
        # it may be a second machine under the same name.
        return "it has booted since" if suspect.boot_id in peer.past_boots else ""
    report = peer.report(right.group)
    if report is not None and report.standing is Standing.INACTIVE:
        return "it says that it is inactive, in answer to our nonce"
    return ""
