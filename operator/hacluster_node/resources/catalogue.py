"""The table of kinds that the helper can start and stop.

ProbePort belongs to the guard, because the process that answers must be the one that knows
the deadline; AzureDNS to the agent, which alone speaks to the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping

from hacluster_node.resources.mirror_disk import MirrorDisk
from hacluster_node.resources.script import Script
from hacluster_node.resources.shared_disk import SharedDisk
from hacluster_node.resources.simple import FileSystem, LoopbackAddress, Systemd

if TYPE_CHECKING:
    from hacluster_node.resources.kinds import Kind

KINDS: Mapping[str, Kind] = {
    "MirrorDisk": MirrorDisk(),
    "SharedDisk": SharedDisk(),
    "LoopbackAddress": LoopbackAddress(),
    "Script": Script(),
    "Systemd": Systemd(),
    "FileSystem": FileSystem(),
}
GUARD_KINDS = frozenset({"ProbePort"})
AGENT_KINDS = frozenset({"AzureDNS"})
ALL_KINDS = frozenset(KINDS) | GUARD_KINDS | AGENT_KINDS

FENCE_ORDER = ("LoopbackAddress", "Script", "Systemd", "SharedDisk", "MirrorDisk", "FileSystem")
"""Addresses first, then who writes, then what is written to."""
