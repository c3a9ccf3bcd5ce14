"""What every kind of resource promises, and the table of kinds.

Options are the wire form of docs/node-configuration.md, checked when a configuration is
accepted; a kind may rely on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Mapping, Protocol

if TYPE_CHECKING:
    from hacluster_node.core.config import AgentConfig, Resource
    from hacluster_node.system.port import System


@dataclass(frozen=True)
class Call:
    """One start or stop of a resource.

    Attributes:
        group: the failover group.
        name: the resource's name.
        epoch: under which it happens; goes along with every outside effect.
        timeout_s: the whole call's limit.
        options: the resource's own settings.
        newest: whether the cluster's store says this node's half of a mirror is the newest.
    """

    group: str
    name: str
    epoch: int
    timeout_s: float
    options: Mapping[str, Any] = field(default_factory=dict)
    newest: bool = True


def options_of(agent: AgentConfig, resource: Resource) -> Mapping[str, Any]:
    """Return a resource's options with what its kind has to know of the cluster."""
    if resource.kind == "MirrorDisk":
        nodes = [{"name": node.name, "address": node.address} for node in agent.nodes]
        return {**resource.options, "nodes": nodes}
    if resource.kind == "SharedDisk":
        names = [node.name for node in agent.nodes]
        return {**resource.options, "nodeNumber": names.index(agent.node) + 1}
    return resource.options


class Kind(Protocol):
    """One kind of resource."""

    def start(self, system: System, call: Call) -> None:
        """Make it active; raises `Broken` or `Refused` if it did not become so."""

    def stop(self, system: System, call: Call) -> None:
        """Make it inactive, in order."""

    def fence(self, system: System, call: Call) -> None:
        """End its outside effect at once; only what can be done within the fence time."""
