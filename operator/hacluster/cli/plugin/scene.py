"""What a picture is made of: one object, its open operations, and the time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hacluster.cli.plugin.lines import BAD, GOOD, ODD
from hacluster.model.reasons import Reason
from hacluster.model.status import ClusterStatus, ConditionType, NodeRole, NodeStatus, Truth


@dataclass(frozen=True)
class Scene:
    """What the picture is made of."""

    body: Mapping[str, Any]
    now: datetime
    operations: Sequence[Mapping[str, Any]] = ()
    status: ClusterStatus = field(init=False)

    def __post_init__(self) -> None:
        known = ClusterStatus.model_validate(self.body.get("status") or {})
        object.__setattr__(self, "status", known)

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.body["metadata"]["name"])

    @property
    def spec(self) -> Mapping[str, Any]:
        """The spec as it is written."""
        found: Mapping[str, Any] = self.body.get("spec") or {}
        return found

    @property
    def service(self) -> Mapping[str, Any]:
        """The part of the spec that is about groups and monitors."""
        found: Mapping[str, Any] = self.spec.get("cluster") or {}
        return found

    @property
    def nodes(self) -> tuple[NodeStatus, ...]:
        """Every declared node, with what is known of it."""
        known = {node.name: node for node in self.status.nodes}
        names = [str(node["name"]) for node in self.spec.get("nodes") or ()]
        return tuple(known.get(name) or NodeStatus(name=name) for name in names)

    def is_true(self, kind: ConditionType) -> bool:
        """Whether a condition is known to be true."""
        found = self.status.condition(kind)
        return found is not None and found.status is Truth.TRUE


def serving(scene: Scene) -> str:
    """Return the one node that the traffic goes to, or nothing."""
    active = [node.name for node in scene.nodes if node.role is NodeRole.ACTIVE]
    return scene.status.active_node or (active[0] if len(active) == 1 else "")


def mirror_names(scene: Scene) -> list[str]:
    """Return the mirror disks that the spec declares."""
    return [
        str(resource.get("name"))
        for group in scene.service.get("failoverGroups") or ()
        for resource in group.get("resources") or ()
        if resource.get("type") == "MirrorDisk"
    ]


def mirror_state(scene: Scene) -> tuple[str, str]:
    """Return whether the mirrors are in step, and its colour."""
    degraded = scene.status.condition(ConditionType.DEGRADED)
    if degraded is None or degraded.status is Truth.UNKNOWN:
        return "not known", ODD
    if degraded.reason == Reason.MIRROR_OUT_OF_STEP:
        return f"OUT OF STEP: {degraded.message}", BAD
    if degraded.status is Truth.TRUE:
        return "not told while something else is wrong", ODD
    return "in step", GOOD


def is_witnessed(scene: Scene) -> bool:
    """Say whether a witness, and not only targets, keeps two nodes from serving."""
    mode = (scene.service.get("partition") or {}).get("mode")
    return mode in {None, "Witness"}
