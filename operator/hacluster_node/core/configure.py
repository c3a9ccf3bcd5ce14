"""Making the state fit a configuration: at the start, and when a new one arrives.

Names that stay keep what is known of them. A group that is configured no more is stopped in order,
fenced and released before it is forgotten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hacluster_node.core import group, leaving, monitor, peers
from hacluster_node.core.group_run import Ending, GroupRun, in_order
from hacluster_node.core.state import NodeState, Right

if TYPE_CHECKING:
    from hacluster_node.core.config import AgentConfig, Group


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
