"""The other nodes: who lives, which run of their agent counts, and what they said last.

Heartbeats show liveness and carry evidence; they never move a group. Two rules make their words
usable as evidence (``docs/protocol.md``, "Heartbeats"):

- *Boot and run.* A new agent run (incarnation) counts only once it echoed a nonce of ours that is
  newer than anything its predecessor echoed. So a recorded message of an earlier run is worthless.
- *Order.* The transport drops whatever does not raise the sequence of its run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from hacluster_node.core import effects, heartbeat, policy
from hacluster_node.core.clocks import Clocks, shortest
from hacluster_node.core.heartbeat import GroupReport, Heartbeat, Standing
from hacluster_node.core.record import Wanted
from hacluster_node.core.state import NodeState, Phase, Right

if TYPE_CHECKING:
    from hacluster_node.core.events import HeartbeatReceived


class Peer:
    """What this node knows of another one."""

    __slots__ = (
        "ahead",
        "ahead_before",
        "ahead_since",
        "boot_id",
        "duplicate",
        "echoed",
        "groups",
        "heard",
        "incarnation",
        "leaving",
        "left",
        "name",
        "nonce",
        "past_boots",
        "powered_off",
        "reports",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.boot_id = ""
        self.incarnation = ""
        """The run that counts, or "" before the first."""
        self.left = ""
        """The run before it; hearing it again shows two machines with one name."""
        self.past_boots: set[str] = set()
        """Kernels that this node heard at the peer's address and that are gone since."""
        self.duplicate = False
        self.heard: Optional[Clocks] = None
        """When its last counted heartbeat was received."""
        self.nonce = ""
        """Its last nonce, for us to echo."""
        self.echoed = 0
        """The newest of our nonces that it echoed."""
        self.groups: tuple[GroupReport, ...] = ()
        self.reports: dict[str, GroupReport] = {}
        self.leaving = False
        self.powered_off = False
        """ARM said so after our power-off, and nothing was heard since."""
        self.ahead: Optional[float] = None
        """Most its clock was ahead of ours in the present window (``freeze``)."""
        self.ahead_before: Optional[float] = None
        self.ahead_since = 0.0

    def report(self, group: str) -> Optional[GroupReport]:
        """Return its last word about ``group``."""
        return self.reports.get(group)


def is_alive(node: NodeState, peer: Peer) -> bool:
    """Tell whether the peer was heard within the heartbeat timeout and did not say goodbye."""
    return silence(node, peer) < node.config.heartbeat.timeout_s and not peer.leaving


def silence(node: NodeState, peer: Peer) -> float:
    """Return for how many seconds, at least, the peer was not heard."""
    return shortest(peer.heard or node.started, node.now) if peer.heard else float("inf")


def receive(node: NodeState, event: HeartbeatReceived) -> Optional[Peer]:
    """Take in a heartbeat; return its sender, or None if it does not count."""
    peer = node.peers.get(event.sender)
    if peer is None:
        return None
    body = event.body
    number = _our_nonce(node, body.echo)
    peer.nonce = body.nonce
    if event.incarnation != peer.incarnation:
        if not is_fresh_run(peer, number):
            return None
        _adopt(node, peer, event)
    if number > peer.echoed:
        peer.echoed = number
    peer.heard = node.now
    peer.powered_off = False
    peer.leaving = body.leaving
    return peer


def is_fresh_run(peer: Peer, number: int) -> bool:
    """Tell whether an unknown run proved itself by a nonce its predecessor cannot have echoed."""
    return number > peer.echoed


def _adopt(node: NodeState, peer: Peer, event: HeartbeatReceived) -> None:
    if peer.left and event.incarnation == peer.left and not peer.duplicate:
        peer.duplicate = True
        why = f"two machines call themselves {peer.name}; neither is believed about the other"
        node.out.append(effects.Decided(peer.name, "DuplicateNode", why))
    if peer.boot_id and peer.boot_id != event.boot_id:
        peer.past_boots.add(peer.boot_id)
    peer.left, peer.incarnation = peer.incarnation, event.incarnation
    peer.boot_id = event.boot_id
    peer.ahead = peer.ahead_before = None
    peer.groups, peer.reports = (), {}


def _our_nonce(node: NodeState, echo: str) -> int:
    run, _, number = echo.rpartition(":")
    return int(number) if run == node.incarnation and number.isdigit() else 0


def standing(node: NodeState, right: Right) -> Standing:
    """Return this node's word about a group. INACTIVE is binding: nothing can make it serve.

    After saying INACTIVE the node serves only after a new acquisition, which the present holder's
    write excludes. Hence a right with its fence complete (RELEASING) is inactive, a held right with
    its traffic held is not, and neither is a contending write of unknown outcome.
    """
    phase = right.phase
    if phase is Phase.IDLE:
        return Standing.INACTIVE if right.unsure is None else Standing.CONTENDING
    if phase is Phase.RELEASING:
        return Standing.INACTIVE
    if phase is Phase.FENCING:
        return Standing.FENCED
    if phase is Phase.HELD:
        return Standing.FENCED if right.thawed else node.runs[right.group].standing()
    return Standing.CONTENDING


def beat(node: NodeState, promises: tuple[heartbeat.Promise, ...] = (), to: str = "") -> None:
    """Send a heartbeat to every peer, or to ``to`` alone."""
    groups = tuple([_report(node, name, right) for name, right in node.rights.items()])
    requests = tuple(
        [
            heartbeat.PromiseRequest(
                name, right.epoch, right.promises_nonce, node.timings.promise_s
            )
            for name, right in node.rights.items()
            if right.promises_sent is not None
        ]
    )
    asks = tuple([ask for ask, _ in node.asks.values()]) if node.asks else ()
    uptime, leaving = node.now.raw, bool(node.leaving)
    for peer in node.peers.values():
        if not to or peer.name == to:
            body = Heartbeat(
                node.nonce(), peer.nonce, uptime, groups, requests, promises, asks, leaving
            )
            node.out.append(effects.SendHeartbeat(peer.name, body))


def _report(node: NodeState, name: str, right: Right) -> GroupReport:
    able = not policy.why_not_able(node, name)
    record = right.record
    wanted = record.wanted if record is not None else Wanted.STARTED
    return GroupReport(name, standing(node, right), right.highest, able, wanted)
