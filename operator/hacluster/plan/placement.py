"""How the nodes are kept from failing together, as far as several parts must know it."""

from typing import Final

from hacluster.model.cluster import ClusterSpec
from hacluster.model.machines import Node, PlacementType

ZONES: Final = 3


def zone_of(spec: ClusterSpec, node: Node) -> str | None:
    """Return the zone of a node, or None where the nodes are not placed in zones.

    A node that names no zone gets one by its place in the list.
    """
    if spec.placement.type is not PlacementType.ZONES:
        return None
    return node.zone or str(spec.nodes.index(node) % ZONES + 1)
