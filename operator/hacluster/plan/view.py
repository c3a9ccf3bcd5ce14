"""One cluster as a pass sees it: the one argument of every part."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Self, TypeVar

from hacluster.model.agent import Installation, Preparation
from hacluster.model.assessment import Assessment
from hacluster.model.cluster import Cluster, ClusterSpec, NodeAgent
from hacluster.model.ids import ArmId, key
from hacluster.model.machines import MachineManagement, Node, OperatingSystem
from hacluster.model.names import ClusterNames
from hacluster.model.observed import Present, Seen, Snapshot

T = TypeVar("T")


def remembered(make: "Callable[[View], T]") -> "Callable[[View], T]":
    """Let a pure function of a view be asked several times in a pass, and made up once."""

    @wraps(make)
    def recall(view: View) -> T:
        if make not in view.memory:
            view.memory[make] = make(view)
        found: T = view.memory[make]
        return found

    return recall


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is asked for, what it is called, what is there, what we made, and who serves.

    ``inventory`` holds the keys of all ids in ``status.inventory``.
    """

    cluster: Cluster
    names: ClusterNames
    seen: Snapshot = field(default_factory=Snapshot)
    inventory: frozenset[str] = frozenset()
    assessment: Assessment = field(default_factory=Assessment)
    installation: Installation | None = None
    """What is to be on every node; None as long as not all of it is known."""
    preparation: Preparation | None = None
    """What a node's configuration needs beside the spec; None as long as not all of it is known."""
    memory: dict[Callable[..., Any], Any] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    """What `remembered` functions have made of this view."""

    @classmethod
    def of(
        cls,
        cluster: Cluster,
        *,
        seen: Snapshot | None = None,
        inventory: Iterable[str] = (),
        assessment: Assessment | None = None,
        installation: Installation | None = None,
    ) -> Self:
        """Return the view of a cluster; what is left out is not known."""
        return cls(
            cluster=cluster,
            names=ClusterNames.of(cluster),
            seen=seen or Snapshot(),
            inventory=frozenset(key(item) for item in inventory),
            assessment=assessment or Assessment(),
            installation=installation,
        )

    @property
    def spec(self) -> ClusterSpec:
        """What is asked for."""
        return self.cluster.spec

    @property
    def makes_machines(self) -> bool:
        """Whether the machines are ours to make, not only looked up."""
        return self.spec.machines.management is MachineManagement.MANAGED

    @property
    def runs_agents(self) -> bool:
        """Whether our agent runs the nodes; it does not run on Windows."""
        is_ours = self.spec.cluster.node_agent is NodeAgent.MANAGED
        return is_ours and self.spec.machines.operating_system is OperatingSystem.LINUX

    @property
    def prepares_nodes(self) -> bool:
        """Whether the operator itself configures the nodes, because no agent of ours runs them."""
        service = self.spec.cluster
        return service.node_agent is NodeAgent.EXTERNAL and service.node_configuration.is_stated

    def get(self, resource: ArmId) -> Seen:
        """Return what was seen of a resource."""
        return self.seen.get(resource)

    def present(self, resource: ArmId) -> Present | None:
        """Return a resource that is there, or None if it is absent or unknown."""
        seen = self.seen.get(resource)
        return seen if isinstance(seen, Present) else None

    def power_state(self, node: Node) -> str | None:
        """Return Azure's word for a machine, such as ``running``; None where it was not told."""
        seen = self.present(self.names.machine(node))
        instance = (seen.properties.get("instanceView") or {}) if seen else {}
        codes = (str(status.get("code") or "") for status in instance.get("statuses") or ())
        found = (code.split("/", 1)[1] for code in codes if code.startswith("PowerState/"))
        return next(found, None)

    def is_inventoried(self, resource: str) -> bool:
        """Say whether the inventory tells that we made it."""
        return key(resource) in self.inventory
