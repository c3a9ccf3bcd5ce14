"""Rules that tie groups, resources and monitors to nodes, disks and each other."""

from typing import TYPE_CHECKING, Final

from hacluster.model.base import Invariant
from hacluster.model.rules.resources import (
    GROUPS,
    MONITORS,
    any_resource,
    every_resource,
    of_type,
    resources,
)
from hacluster.model.rules.service import WATCHING
from hacluster.model.timings import GRACE_S, TARGET_CHECK_S

if TYPE_CHECKING:
    from hacluster.model.cluster import ClusterSpec
    from hacluster.model.monitors import Monitor

_NO_MIRROR: Final = "each.type != 'MirrorDisk'"

_WATCHED: Final = {
    "ProbePort": "ProbePort",
    "LoadBalance": "ProbePort",
    "AzureDNS": "AzureDNS",
    "Mirror": "MirrorDisk",
}
"""What a monitor of a type watches."""


def _knows_order(spec: "ClusterSpec") -> bool:
    nodes = {node.name for node in spec.nodes}
    return all(nodes.issuperset(group.node_order) for group in spec.cluster.failover_groups)


def _knows_monitors_nodes(spec: "ClusterSpec") -> bool:
    nodes = {node.name for node in spec.nodes}
    return all(nodes.issuperset(monitor.nodes) for monitor in spec.cluster.monitors)


def _mirrors_fit(spec: "ClusterSpec") -> bool:
    return all(
        any(
            disk.lun == block.disk.lun and disk.size_gib * 1024 > block.metadata_size_mib
            for disk in node.data_disks
        )
        for resource in resources(spec)
        if (block := resource.mirror_disk)
        for node in spec.nodes
    )


def _mirrors_two(spec: "ClusterSpec") -> bool:
    return len(spec.nodes) == 2 or not of_type(spec, "MirrorDisk")


def _shared_luns_are_free(spec: "ClusterSpec") -> bool:
    taken = {disk.lun for node in spec.nodes for disk in node.data_disks}
    return not any(
        block.disk.lun in taken for each in resources(spec) if (block := each.shared_disk)
    )


NODES: Final = (
    Invariant(
        message="nodeOrder names nodes: write names that stand under nodes",
        holds=_knows_order,
        cel=(
            f"{GROUPS}.all(group, group.nodeOrder.all(name,"
            " self.nodes.exists(node, node.name == name)))"
        ),
        field="cluster.failoverGroups",
    ),
    Invariant(
        message="a monitor's nodes are names of nodes: write names that stand under nodes",
        holds=_knows_monitors_nodes,
        cel=(
            f"{MONITORS}.all(monitor, monitor.nodes.all(name,"
            " self.nodes.exists(node, node.name == name)))"
        ),
        field="cluster.monitors",
    ),
    Invariant(
        message="every node needs the disk that is mirrored: write a dataDisks entry with that "
        "lun, bigger than the mirror's metadata, for each node",
        holds=_mirrors_fit,
        cel=every_resource(
            "!has(each.mirrorDisk) || self.nodes.all(node, node.dataDisks.exists(disk,"
            " disk.lun == each.mirrorDisk.disk.lun"
            " && disk.sizeGiB * 1024 > each.mirrorDisk.metadataSizeMiB))"
        ),
        field="cluster.failoverGroups",
    ),
    Invariant(
        message="a mirror has two sides: write two nodes, or a SharedDisk instead",
        holds=_mirrors_two,
        cel=f"size(self.nodes) == 2 || {every_resource(_NO_MIRROR)}",
        field="cluster.failoverGroups",
    ),
    Invariant(
        message="a shared disk is attached to every node, so its lun must be free on each: write "
        "another number from 0 to 63",
        holds=_shared_luns_are_free,
        cel=every_resource(
            "!has(each.sharedDisk) || self.nodes.all(node, node.dataDisks.all(disk,"
            " disk.lun != each.sharedDisk.disk.lun))"
        ),
        field="cluster.failoverGroups",
    ),
)


def _names_differ(spec: "ClusterSpec") -> bool:
    names = [resource.name for resource in resources(spec)]
    names += [group.name for group in spec.cluster.failover_groups]
    return len(set(names)) == len(names)


def _mirrors_differ(spec: "ClusterSpec") -> bool:
    blocks = [block for each in resources(spec) if (block := each.mirror_disk)]
    luns, ports = {block.disk.lun for block in blocks}, {block.port for block in blocks}
    return len(luns) == len(ports) == len(blocks)


def _mounts_differ(spec: "ClusterSpec") -> bool:
    blocks = [
        block
        for each in resources(spec)
        for block in (each.mirror_disk, each.shared_disk, each.file_system)
        if block
    ]
    return len({block.mount_path for block in blocks}) == len(blocks)


def _shared_luns_differ(spec: "ClusterSpec") -> bool:
    luns = [block.disk.lun for each in resources(spec) if (block := each.shared_disk)]
    return len(set(luns)) == len(luns)


def _knows_watched(spec: "ClusterSpec") -> bool:
    kinds: dict[str | None, str] = {each.name: each.type for each in resources(spec)}

    def is_known(monitor: "Monitor") -> bool:
        kind = kinds.get(monitor.resource)
        return kind is not None and kind == _WATCHED.get(monitor.type, kind)

    return all(is_known(each) for each in spec.cluster.monitors if each.resource is not None)


def _knows_targets(spec: "ClusterSpec") -> bool:
    known = {resource.name for resource in resources(spec)}
    known |= {group.name for group in spec.cluster.failover_groups}
    targets = {monitor.recovery.target for monitor in spec.cluster.monitors} - {None}
    return targets <= known


def _knows_members(spec: "ClusterSpec") -> bool:
    kinds = {monitor.name: monitor.type for monitor in spec.cluster.effective_monitors}
    return all(
        kinds.get(member, "MultiTarget") != "MultiTarget"
        for monitor in spec.cluster.monitors
        if monitor.multi_target
        for member in monitor.multi_target.monitors
    )


SERVICE: Final = (
    Invariant(
        message="a resource has the name of another one, or of a group: write a name of its own "
        "for each, in all groups",
        holds=_names_differ,
        field="cluster.failoverGroups",
    ),
    Invariant(
        message="two mirrors share a lun or a port: write a disk and a port of its own for each",
        holds=_mirrors_differ,
        field="cluster.failoverGroups",
    ),
    Invariant(
        message="two shared disks share a lun: write another number from 0 to 63",
        holds=_shared_luns_differ,
        field="cluster.failoverGroups",
    ),
    Invariant(
        message="two resources mount at one place: write another mountPath",
        holds=_mounts_differ,
        field="cluster.failoverGroups",
    ),
    Invariant(
        message="a monitor's resource is one of a failover group, of the type that the monitor "
        "watches: write such a name",
        holds=_knows_watched,
        cel=(
            f"{MONITORS}.all(monitor, !has(monitor.resource) || "
            + any_resource(
                f"each.name == monitor.resource && (!(monitor.type in {list(WATCHING)})"
                " || each.type == (monitor.type == 'Mirror' ? 'MirrorDisk'"
                " : monitor.type == 'LoadBalance' ? 'ProbePort' : monitor.type))"
            )
            + ")"
        ),
        field="cluster.monitors",
    ),
    Invariant(
        message="recovery.target is a resource or a group: write the name of one",
        holds=_knows_targets,
        cel=(
            f"{MONITORS}.all(monitor, !has(monitor.recovery.target) || {GROUPS}.exists(group,"
            " group.name == monitor.recovery.target || group.resources.exists(each,"
            " each.name == monitor.recovery.target)))"
        ),
        field="cluster.monitors",
    ),
    Invariant(
        message="a MultiTarget monitor's members are other monitors and no MultiTarget: write "
        "names of such ones",
        holds=_knows_members,
        cel=(
            f"{MONITORS}.all(monitor, !has(monitor.multiTarget)"
            " || monitor.multiTarget.monitors.all(name,"
            f" {MONITORS}.exists(other, other.name == name && other.type != 'MultiTarget')"
            " || name.matches('^(azureppw|azurelbw|azurednsw|mdw)[0-9]+$')))"
        ),
        field="cluster.monitors",
    ),
)


def _is_patient(spec: "ClusterSpec") -> bool:
    timeout = spec.cluster.heartbeat.timeout_seconds
    is_guide = spec.cluster.partition.mode == "Guide"
    return not is_guide or timeout is None or timeout >= spec.cluster.guide_timeout_seconds


_PAIR: Final = (
    "monitor.intervalSeconds * double(monitor.retries + 1)"
    " + member.intervalSeconds * double(member.retries + 1)"
)

PATIENCE: Final = Invariant(
    message="a standby must not start before the other side has stopped: write a timeoutSeconds "
    "of at least A + B + C, or leave it out. A is the largest interval x (retries + 1) of the "
    "multi-target monitor's members, B the multi-target monitor's own, C is 30 s",
    holds=_is_patient,
    cel=(
        "self.cluster.partition.mode != 'Guide' || !has(self.cluster.heartbeat.timeoutSeconds)"
        f" || (self.cluster.heartbeat.timeoutSeconds >= {GRACE_S}"
        f" + (size(self.cluster.partition.targets) > 0 ? {TARGET_CHECK_S} : 0.0)"
        f" && {MONITORS}.all(monitor, !has(monitor.multiTarget) || {MONITORS}.all(member,"
        " !(member.name in monitor.multiTarget.monitors)"
        f" || self.cluster.heartbeat.timeoutSeconds >= {_PAIR} + {GRACE_S})))"
    ),
    field="cluster.heartbeat.timeoutSeconds",
)
