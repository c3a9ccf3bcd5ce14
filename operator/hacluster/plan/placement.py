"""How the nodes are kept from failing together, as far as several parts must know it."""

from hacluster.model.cluster import ClusterSpec
from hacluster.model.machines import Node, PlacementType


def zone_of(spec: ClusterSpec, node: Node) -> str | None:
    """Return the zone of a node, or None where the nodes are not placed in zones."""
    return node.zone if spec.placement.type is PlacementType.ZONES else None
