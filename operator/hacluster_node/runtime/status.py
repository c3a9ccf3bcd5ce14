"""One node's status as JSON-ready values: what `hacluster-node status` and the operator read.

The format is docs/node-status.md. It is made in the machine's own thread from what the
machine knows, so that it is never half of two moments.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional

from hacluster_node.core import peers, policy
from hacluster_node.core.config import Mode
from hacluster_node.core.monitor import is_here
from hacluster_node.core.state import NodeState, Phase, Right

if TYPE_CHECKING:
    from hacluster_node.core.machine import Machine
    from hacluster_node.core.peers import Peer

VERSION = "0.1.0"
Plain = Dict[str, Any]


def build(machine: Machine, extra: Mapping[str, Any]) -> Plain:
    """Return the status; `extra` is what only the runtime knows (troubles, what is missing)."""
    node = machine.node
    safe = node.config.partition.mode is Mode.WITNESS
    return {
        "cluster": node.config.cluster,
        "node": node.config.node,
        "agentVersion": VERSION,
        "at": time.time(),
        "bootId": node.boot_id,
        "incarnation": node.incarnation,
        "configuration": node.config.version,
        "profile": node.config.partition.profile,
        "splitBrainSafe": safe,
        "splitBrainWhy": "" if safe else _UNSAFE,
        "leaving": node.leaving,
        "groups": [_group(node, right) for right in node.rights.values()],
        "peers": [_peer(node, peer) for peer in node.peers.values()],
        "monitors": _monitors(node),
        "maintenance": dict(node.maintenance),
        **extra,
    }


_UNSAFE = "the guide's mode judges by targets, which cannot exclude two active nodes"


def _group(node: NodeState, right: Right) -> Plain:
    run = node.runs[right.group]
    record = right.record
    held = right.phase is Phase.HELD
    return {
        "name": right.group,
        "state": _state(right, online=run.online),
        "active": held and run.online,
        "epoch": right.epoch if held else right.highest,
        "holder": "" if record is None or record.released else record.holder,
        "wanted": "" if record is None else record.wanted.value,
        "thawed": right.thawed,
        "whyNotHere": "" if held else policy.why_not_here(node, right),
        "resources": [
            {"name": name, "kind": run.resources[name].kind, "state": run.conditions[name].value}
            for name in run.order
        ],
    }


def _state(right: Right, *, online: bool) -> str:
    if right.phase is Phase.HELD:
        return "Online" if online else "Starting"
    return "Standby" if right.phase is Phase.IDLE else str(right.phase.value)


def _peer(node: NodeState, peer: Peer) -> Plain:
    silence: Optional[float] = None
    if peer.heard is not None:
        silence = round(peers.silence(node, peer), 2)
    return {
        "name": peer.name,
        "alive": peers.is_alive(node, peer),
        "heartbeatAgeSeconds": silence,
        "bootId": peer.boot_id,
        "leaving": peer.leaving,
        "duplicate": peer.duplicate,
        "groups": {report.group: report.standing.value for report in peer.groups},
    }


def _monitors(node: NodeState) -> List[Plain]:
    return [
        {
            "name": run.config.name,
            "kind": run.config.kind,
            "target": run.is_target,
            "here": is_here(node, run),
            "health": run.health.value,
            "detail": run.detail,
            "suspended": run.suspended,
            "simulated": run.simulated,
            "reactivations": run.reactivations,
            "failovers": run.failovers,
        }
        for run in node.monitors.values()
    ]
