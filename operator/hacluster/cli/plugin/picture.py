"""The whole cluster as a picture for a terminal: who asks, who sends where, who serves, who guards.

Pure: from an object as the API server has it, its open operations and the time, to lines. Heavy
lines are the way that the clients' traffic takes. What is not known is said to be not known.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import zip_longest
from typing import Final

from hacluster.cli.plugin.below import below
from hacluster.cli.plugin.lines import (
    BAD,
    BOLD,
    DIM,
    GOOD,
    ODD,
    WIDTH,
    Line,
    between,
    duration,
    moment,
    span,
    wrapped,
)
from hacluster.cli.plugin.scene import (
    Scene,
    is_witnessed,
    mirror_names,
    mirror_state,
    serving,
)
from hacluster.model.status import (
    Condition,
    ConditionType,
    GroupState,
    NodeHealth,
    NodeRole,
    NodeStatus,
    Truth,
)

BOX: Final = 38
_TRUNK: Final = 6
_GAP: Final = span("   ")
_BAR: Final = BOX + 2
"""From the joint of the left box to that of the right one."""
_ROLES: Final = {
    NodeRole.ACTIVE: ("ACTIVE", GOOD),
    NodeRole.STANDBY: ("standby", ""),
    NodeRole.STOPPED: ("STOPPED", ODD),
    NodeRole.UNKNOWN: ("not known", ODD),
}
_HEALTH: Final = {
    NodeHealth.UP: ("probe up", GOOD),
    NodeHealth.DOWN: ("probe down", ""),
    NodeHealth.UNKNOWN: ("", ""),
}
_STALE_S: Final = 20.0


def picture(scene: Scene) -> Iterator[Line]:
    """Yield the lines, at most 80 columns wide."""
    yield from _title(scene)
    yield span("")
    yield from _way_in(scene)
    nodes = scene.nodes
    yield from _pair(scene, *nodes) if len(nodes) == 2 else _many(scene, nodes)
    yield span("")
    yield from below(scene)


def _title(scene: Scene) -> Iterator[Line]:
    ready = scene.status.condition(ConditionType.READY)
    word, style = _readiness(ready)
    place = f"{scene.body['metadata'].get('namespace', 'default')}"
    created = moment(scene.body["metadata"].get("creationTimestamp"))
    since = f", {duration(scene.now - created)} old" if created else ""
    left = span(f"{scene.name}  ", BOLD) + span(word, style)
    yield between(left, span(f"{place}{since}", DIM), WIDTH)
    if ready is not None and ready.status is not Truth.TRUE:
        yield from wrapped(ready.message, "  ")


def _readiness(ready: Condition | None) -> tuple[str, str]:
    if ready is None:
        return "not looked at yet: is the operator running?", ODD
    if ready.status is Truth.TRUE:
        return "READY", GOOD
    word = "NOT READY" if ready.status is Truth.FALSE else "NOT KNOWN"
    return f"{word}: {ready.reason}", BAD if ready.status is Truth.FALSE else ODD


# From the clients to the nodes.


def _way_in(scene: Scene) -> Iterator[Line]:
    access = scene.spec.get("access") or {}
    balancer, dns = access.get("loadBalancer"), access.get("dns")
    points = [one.fqdn or one.address or "" for one in scene.status.endpoints]
    where = ", ".join(filter(None, points)) or "an address that is not known yet"
    ports = [str(rule.get("frontendPort")) for rule in (balancer or {}).get("rules") or ()]
    port = f", port {', '.join(ports)}" if ports else ""
    yield span("   clients", BOLD) + span(f"  ask {where}{port}")
    trunk = span(" " * _TRUNK) + _trunk(scene)
    yield trunk
    if balancer is not None:
        kind = str(balancer.get("type", "")).lower()
        name = f" {balancer['name']}" if balancer.get("name") else ""
        yield span("   balancer", BOLD) + span(f"{name}, {kind}") + _azure(scene)
        yield trunk
    if dns is not None:
        name = f"{dns.get('recordSet', '')}.{dns.get('zone', '')}".strip(".")
        address = next((one.address for one in scene.status.endpoints if one.address), None)
        yield span("   DNS", BOLD) + span(f" {name} → {address or '?'}") + _azure(scene)
        yield trunk


def _azure(scene: Scene) -> Line:
    found = scene.status.condition(ConditionType.AZURE_RECONCILED)
    if found is None or found.status is Truth.TRUE:
        return span("")
    return span(f"  (Azure: {found.reason})", ODD)


def _trunk(scene: Scene) -> Line:
    return span("┃", GOOD) if serving(scene) else span("│")


def _pair(scene: Scene, left: NodeStatus, right: NodeStatus) -> Iterator[Line]:
    """Two nodes side by side, the trunk leading to the one that serves, the witness below."""
    active = serving(scene)
    if active == right.name:
        yield span(" " * _TRUNK) + span(f"┡{'━' * _BAR}┓", GOOD)
    else:
        start = span("┠", GOOD) if active else span("├")
        yield span(" " * _TRUNK) + start + span(f"{'─' * _BAR}┐")
    yield (
        _edge("┌", "┸" if active == left.name else "┴", "┐")
        + _GAP
        + _edge("┌", "┸" if active == right.name else "┴", "┐")
    )
    rows = [list(_inside(scene, node, BOX - 4)) for node in (left, right)]
    for one, other in zip_longest(*rows, fillvalue=span("")):
        yield _side(one) + _GAP + _side(other)
    if mirrors := mirror_names(scene):
        disk = _side(span(f"mirror {', '.join(mirrors)}"))
        yield disk + _mirror_link(scene) + disk
    yield _edge("└", "┬", "┘") + _GAP + _edge("└", "┬", "┘")
    yield _witness(scene)


def _edge(first: str, joint: str, last: str) -> Line:
    """Return a box's upper or lower edge; the joint is where a line comes in."""
    style = GOOD if joint == "┸" else ""
    return (
        span(first + "─" * (_TRUNK - 1))
        + span(joint, style)
        + span("─" * (BOX - _TRUNK - 2) + last)
    )


def _side(line: Line) -> Line:
    return span("│ ") + line.padded(BOX - 4) + span(" │")


def _mirror_link(scene: Scene) -> Line:
    state, style = mirror_state(scene)
    return span({GOOD: "═══", BAD: "═x═"}.get(style, " ? "), style) if state else _GAP


def _witness(scene: Scene) -> Line:
    """Return the line that ties the nodes together: what keeps two from serving."""
    safe = scene.status.condition(ConditionType.SPLIT_BRAIN_SAFE)
    truth = safe.status if safe is not None else Truth.UNKNOWN
    name = "witness" if is_witnessed(scene) else "targets"
    words = {Truth.TRUE: f"{name} guards", Truth.FALSE: f"{name}: NOT SAFE"}
    label = f" {words.get(truth, f'{name}: not known')} "
    style = {Truth.TRUE: GOOD, Truth.FALSE: BAD}.get(truth, ODD)
    left = (_BAR - len(label)) // 2
    right = _BAR - len(label) - left
    return span(f"{' ' * _TRUNK}└{'─' * left}") + span(label, style) + span(f"{'─' * right}┘")


def _many(scene: Scene, nodes: Sequence[NodeStatus]) -> Iterator[Line]:
    """More than two nodes below each other, each with a branch of its own."""
    active = serving(scene)
    for number, node in enumerate(nodes):
        is_last = number == len(nodes) - 1
        branch = span("┣━━ ", GOOD) if node.name == active else span("├── ")
        rest = span("    ") if is_last else span("│   ")
        for row, line in enumerate(_inside(scene, node, WIDTH - _TRUNK - 6)):
            yield span(" " * _TRUNK) + (branch if row == 0 else rest) + line


def _inside(scene: Scene, node: NodeStatus, width: int) -> Iterator[Line]:
    word, style = _ROLES[node.role]
    yield between(span(node.name, BOLD), span(word, style), width)
    power = node.power_state or "not known"
    runs = power == "running"
    probe, colour = _HEALTH[node.health]
    machine = span(f"machine {power}", "" if runs else BAD if node.power_state else ODD)
    yield between(machine, span(probe, colour), width)
    yield _agent(scene, node).cut(width)
    for group in scene.status.groups:
        if group.node == node.name:
            bad = "" if group.state is GroupState.ONLINE else ODD
            yield span("● ", GOOD) + span(f"{group.name} {group.state}", bad).cut(width - 2)
    for monitor in scene.status.monitors:
        if monitor.node == node.name:
            yield span(f"! {monitor.name} {monitor.state}", BAD).cut(width)


def _agent(scene: Scene, node: NodeStatus) -> Line:
    if scene.service.get("nodeAgent") == "External":
        return span("agent external", DIM)
    if node.heartbeat_age_seconds is None:
        return span("agent does not report", ODD)
    age = node.heartbeat_age_seconds
    version = f" {node.agent_version}" if node.agent_version else ""
    old = duration(timedelta(seconds=age))
    if age > _STALE_S:
        return span(f"agent{version} silent for {old}", ODD)
    return span(f"agent{version}, report {old} old", DIM)
