"""Making the state fit a configuration: at the start, and when a new one arrives.

Names that stay keep what is known of them. A group that is configured no more is stopped in order,
fenced and released before it is forgotten.

Other numbers change how long a fence may take, and a fence must end within the lease that the
record states. So a new configuration waits (`coming`) until every right that is held has enough
left for a fence under it. Meanwhile renewals state the longer D and P, so the next one that is
confirmed is enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hacluster_node.core import effects, group, lease, leaving, monitor, peers, watchdog
from hacluster_node.core.config import Mode
from hacluster_node.core.group_run import Ending, GroupRun, in_order
from hacluster_node.core.state import TICK_S, NodeState, Phase, Right

if TYPE_CHECKING:
    from hacluster_node.core.config import AgentConfig, Group


def use_coming(node: NodeState) -> bool:
    """Put the configuration that is coming in force if it is safe now; tell whether it was."""
    config = node.coming
    if config is None or any(must_wait(node, right, config) for right in node.rights.values()):
        return False
    node.coming = None
    node.out.append(effects.UseConfig(config))
    watchdog_s = node.timings.watchdog_s
    apply(node, config)
    watchdog.changed(node, watchdog_s)
    for right in node.rights.values():
        right.promises_sent = None
        if right.phase is Phase.HELD and config.partition.mode is Mode.WITNESS:
            lease.set_deadline(node, right)
    return True


def must_wait(node: NodeState, right: Right, config: AgentConfig) -> bool:
    """Rule 3 under other numbers: a fence under them must still end within the present lease."""
    if right.phase is Phase.FENCING:
        return True
    modes = {node.config.partition.mode, config.partition.mode}
    if right.phase is not Phase.HELD or Mode.GUIDE in modes:
        return False
    return lease.left_under(config.partition.timings, node, right) <= TICK_S


def apply(node: NodeState, config: AgentConfig) -> None:
    """Take over a checked configuration."""
    node.config, node.timings = config, config.partition.timings
    _groups(node, config.groups)
    node.peers = {name: node.peers.get(name) or peers.Peer(name) for name in config.peers}
    _monitors(node, config)


def _groups(node: NodeState, groups: tuple[Group, ...]) -> None:
    names = {each.name for each in groups}
    for each in groups:
        new = GroupRun(each, in_order(each), node.config.order(each))
        old = node.runs.get(each.name)
        node.runs[each.name] = new if old is None else old.reconfigured(new)
        node.rights.setdefault(each.name, Right(each.name, node.now))
    for name, right in node.rights.items():
        if name not in names:
            node.runs[name].removed = True
            group.end(node, right, Ending("the group is configured no more"))


def forget(node: NodeState) -> None:
    """Forget removed groups of which nothing is left here."""
    for name in [name for name, run in node.runs.items() if run.removed]:
        if leaving.is_empty(node, name):
            del node.runs[name], node.rights[name]


def _monitors(node: NodeState, config: AgentConfig) -> None:
    old, node.monitors = node.monitors, {}
    targets = config.partition.targets
    for each in (*config.monitors, *targets):
        run = monitor.MonitorRun(each, is_target=each in targets)
        if each.name in old:
            run.restore(old[each.name].plain())
        node.monitors[each.name] = run
