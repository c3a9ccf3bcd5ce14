"""All resources of all groups, in Python and in CEL: what the rules across groups walk over."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hacluster.model.cluster import ClusterSpec
    from hacluster.model.groups import Resource

GROUPS: Final = "self.cluster.failoverGroups"
MONITORS: Final = "self.cluster.monitors"
MANAGED: Final = "self.cluster.nodeAgent == 'Managed'"


def is_managed(spec: "ClusterSpec") -> bool:
    """Say whether our own agent decides which node is active."""
    return spec.cluster.node_agent == "Managed"


def resources(spec: "ClusterSpec") -> "Iterator[Resource]":
    """Yield the resources of all groups."""
    return (each for group in spec.cluster.failover_groups for each in group.resources)


def of_type(spec: "ClusterSpec", kind: str) -> "list[Resource]":
    """Return the resources of a type."""
    return [resource for resource in resources(spec) if resource.type == kind]


def any_resource(test: str) -> str:
    """Return CEL that is true if a test of ``each`` holds for some resource."""
    return f"{GROUPS}.exists(group, group.resources.exists(each, {test}))"


def every_resource(test: str) -> str:
    """Return CEL that is true if a test of ``each`` holds for all resources."""
    return f"{GROUPS}.all(group, group.resources.all(each, {test}))"


def number_of(kind: str) -> str:
    """Return CEL that counts the resources of a type."""
    inner = f"group.resources.filter(each, each.type == '{kind}').size()"
    return f"{GROUPS}.map(group, {inner}).sum()"
