"""Rules about one group, resource or monitor by itself, and about the nodes' files."""

from typing import TYPE_CHECKING, Final

from hacluster.model.base import Invariant
from hacluster.model.rules.blocks import blocks

if TYPE_CHECKING:
    from hacluster.model.cluster import NodeFile
    from hacluster.model.groups import FailoverGroup
    from hacluster.model.monitors import Custom, Monitor, Recovery

NODE_AGENT: Final = Invariant(
    message="the agents would go on deciding who is active, beside what takes over: keep Managed, "
    "or remove them first and make the object anew, as docs/operations.md tells under "
    '"From Managed to External"',
    cel="self.nodeAgent == oldSelf.nodeAgent || oldSelf.nodeAgent == 'External'",
    field="nodeAgent",
)

RESOURCE: Final = blocks(
    required={
        "MirrorDisk": "mirrorDisk",
        "SharedDisk": "sharedDisk",
        "Script": "script",
        "Systemd": "systemd",
        "FileSystem": "fileSystem",
    },
    optional={
        "ProbePort": "probePort",
        "AzureDNS": "azureDNS",
        "LoopbackAddress": "loopbackAddress",
    },
)


def _knows_dependencies(group: "FailoverGroup") -> bool:
    names = {resource.name for resource in group.resources}
    return all(names.issuperset(resource.depends_on or ()) for resource in group.resources)


def _is_acyclic(group: "FailoverGroup") -> bool:
    waiting = {each.name: set(each.depends_on or ()) for each in group.resources}
    while free := {name for name, needs in waiting.items() if not needs & waiting.keys()}:
        for name in free:
            del waiting[name]
    return not waiting


GROUP: Final = (
    Invariant(
        message="dependsOn names resources of the same group: write one that is there",
        holds=_knows_dependencies,
        cel=(
            "self.resources.all(one, !has(one.dependsOn)"
            " || one.dependsOn.all(name, self.resources.exists(other, other.name == name)))"
        ),
        field="resources",
    ),
    Invariant(
        message="resources depend on each other in a circle, so none could start first: take one "
        "dependsOn out",
        holds=_is_acyclic,
        field="resources",
    ),
)

WATCHING: Final = ("ProbePort", "LoadBalance", "AzureDNS", "Mirror")
"""Monitors of a resource of ours."""


def _has_resource(monitor: "Monitor") -> bool:
    return monitor.resource is not None or (
        monitor.type not in WATCHING and monitor.timing != "Active"
    )


MONITOR: Final = (
    *blocks(
        {
            "Custom": "custom",
            "Ping": "ping",
            "HTTP": "http",
            "MultiTarget": "multiTarget",
            "Process": "process",
        }
    ),
    Invariant(
        message="write in resource which resource is watched",
        holds=_has_resource,
        cel=(
            f"has(self.resource) || (!(self.type in {list(WATCHING)})"
            " && (!has(self.timing) || self.timing != 'Active'))"
        ),
        field="resource",
    ),
)


def _is_one_check(custom: "Custom") -> bool:
    return (custom.script is None) != (custom.port_check is None)


CUSTOM: Final = Invariant(
    message="write a script or a portCheck, one of the two",
    holds=_is_one_check,
    cel="has(self.script) != has(self.portCheck)",
)


def _keeps_preset(recovery: "Recovery") -> bool:
    numbers = (recovery.max_reactivations or 0) + (recovery.max_failovers or 0)
    return recovery.preset != "FinalActionOnly" or numbers == 0


RECOVERY: Final = Invariant(
    message="FinalActionOnly neither reactivates nor fails over: leave maxReactivations and "
    "maxFailovers out, or write another preset",
    holds=_keeps_preset,
    cel=(
        "self.preset != 'FinalActionOnly' || (self.?maxReactivations.orValue(0) == 0"
        " && self.?maxFailovers.orValue(0) == 0)"
    ),
    field="preset",
)


def _has_one_source(file: "NodeFile") -> bool:
    sources = (file.content, file.config_map_key_ref, file.secret_key_ref)
    return sum(source is not None for source in sources) == 1


NODE_FILE: Final = Invariant(
    message="write content, or configMapKeyRef, or secretKeyRef, one of the three",
    holds=_has_one_source,
    cel=(
        "[has(self.content), has(self.configMapKeyRef), has(self.secretKeyRef)]"
        ".exists_one(is_there, is_there)"
    ),
)
