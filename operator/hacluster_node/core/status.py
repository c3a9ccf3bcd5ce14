"""What the machine shows of itself: one sentence, reasons for "why not", and a table as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hacluster_node.core import contend, freeze, guide_mode, lease, monitor, peers
from hacluster_node.core.config import Mode
from hacluster_node.core.state import NodeState, Phase, Right

if TYPE_CHECKING:
    from hacluster_node.core.monitor import MonitorRun
    from hacluster_node.core.peers import Peer


def sentence(node: NodeState) -> str:
    """Return what is the case on this node, in one plain sentence."""
    words = "; ".join(_group_words(node, right) for right in node.rights.values())
    abnormal = [name for name, run in node.monitors.items() if run.health.value == "Abnormal"]
    tail = f"; abnormal: {', '.join(abnormal)}" if abnormal else ""
    return f"{node.config.node}: {words or 'no groups are configured'}{tail}."


def _group_words(node: NodeState, right: Right) -> str:
    run, name = node.runs[right.group], right.group
    if right.phase is Phase.HELD and right.thawed:
        return f"{name} holds its traffic because {right.thawed}"
    if right.phase is Phase.HELD and run.goal:
        word = "active" if run.online else "starting"
        away = " on promises, the witness is away" if right.promises_stamp is not None else ""
        return f"{name} is {word} at epoch {right.epoch}{away}"
    if right.phase in (Phase.HELD, Phase.FENCING, Phase.RELEASING):
        return f"{name} is stopping because {run.ending.why if run.ending else 'it begins'}"
    return f"{name} is not active here because {why_not_active(node, name)}"


def why_not_active(node: NodeState, name: str) -> str:
    """Return why a group is not serving on this node, or "" if it is.

    Raises:
        KeyError: There is no such group.
    """
    right, run = node.rights[name], node.runs[name]
    if right.phase is Phase.HELD:
        return (
            right.thawed
            or run.waits_for
            or ("" if run.online else "its resources are starting or stopping")
        )
    if right.phase is Phase.WAITING:
        return freeze.why_wait(node, right) or "it is about to start"
    if right.phase is Phase.CONTENDING:
        return "its write to the witness is not confirmed yet"
    if right.phase is not Phase.IDLE:
        return "it is being fenced and released"
    if node.config.partition.mode is Mode.GUIDE:
        return guide_mode.why_not(node, right) or "it is about to start"
    if not right.known:
        return "the witness was not reached yet"
    record = right.record
    if record is not None and not record.released and record.holder != node.config.node:
        return f"{record.holder} holds epoch {record.epoch}; {contend.why_not(node, right)}"
    return contend.why_not(node, right) or "it is about to contend"


def split_brain_unsafe(node: NodeState) -> str:
    """Return why two active nodes cannot be excluded, or "" if they are (SplitBrainSafe)."""
    if node.config.partition.mode is Mode.GUIDE:
        return guide_mode.UNSAFE
    if not node.timings.strict:
        return "the freeze guard is off: a frozen node may wake beside a new active one"
    return ""


def table(node: NodeState) -> dict[str, Any]:
    """Return the whole status as JSON-ready values."""
    return {
        "node": node.config.node,
        "sentence": sentence(node),
        "leaving": node.leaving,
        "maintenance": dict(node.maintenance),
        "splitBrainSafe": not split_brain_unsafe(node),
        "splitBrainReason": split_brain_unsafe(node),
        "groups": [_group(node, right) for right in node.rights.values()],
        "peers": [_peer(node, peer) for peer in node.peers.values()],
        "monitors": [_monitor(node, run) for run in node.monitors.values()],
    }


def _group(node: NodeState, right: Right) -> dict[str, Any]:
    run, record = node.runs[right.group], right.record
    held = right.phase is Phase.HELD
    return {
        "name": right.group,
        "standing": peers.standing(node, right).value,
        "epoch": right.epoch or right.highest,
        "holder": record.holder if record is not None and not record.released else "",
        "wanted": record.wanted.value if record is not None else "",
        "whyNotActive": why_not_active(node, right.group),
        "fenceInSeconds": round(lease.left(node, right), 3) if held else None,
        "witnessFailures": right.failures,
        "onPromises": held and right.promises_stamp is not None,
        "resources": {name: condition.value for name, condition in run.conditions.items()},
    }


def _peer(node: NodeState, peer: Peer) -> dict[str, Any]:
    heard = peer.heard is not None
    return {
        "name": peer.name,
        "alive": peers.is_alive(node, peer),
        "leaving": peer.leaving,
        "duplicate": peer.duplicate,
        "bootId": peer.boot_id,
        "incarnation": peer.incarnation,
        "secondsSinceHeard": round(peers.silence(node, peer), 3) if heard else None,
    }


def _monitor(node: NodeState, run: MonitorRun) -> dict[str, Any]:
    return {
        "name": run.config.name,
        "health": run.health.value,
        "monitored": monitor.is_here(node, run),
        "suspended": run.suspended,
        "simulated": run.simulated,
        "detail": run.detail if run.health is monitor.Health.ABNORMAL else "",
        "reactivations": run.reactivations,
        "failovers": run.failovers,
    }
