"""What a configuration may not contradict in itself: names, cycles, times, the protocol.

Pure, but for `missing_files`, which looks at this node's disk.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Iterable, Iterator, Mapping, Sequence

from hacluster_node import timing
from hacluster_node.core.config import AgentConfig, Group, Mode, Monitor
from hacluster_node.core.heartbeat import MAX_GROUPS

if TYPE_CHECKING:
    from hacluster_node.settings.document import Settings


def contradictions(settings: Settings) -> list[str]:
    """Return every contradiction, as `path: what is wrong; what to write instead`."""
    agent = settings.agent
    return [
        *_nodes(agent),
        *_names(agent),
        *_groups(agent),
        *_monitors(agent),
        *_partition(agent),
        *_probes(settings),
    ]


def missing_files(settings: Settings) -> list[str]:
    """Return a line for each script of the configuration that this node cannot run."""
    named: dict[str, str] = {}
    for group in settings.agent.groups:
        for resource in group.resources:
            if resource.kind == "Script":
                for action in ("start", "stop"):
                    for path in resource.options[action][:1]:
                        named[f"groups[{group.name}].resources[{resource.name}].{action}"] = path
    for monitor in settings.agent.monitors:
        for path in monitor.options.get("script", ())[:1]:
            named[f"monitors[{monitor.name}].script"] = path
    for (name, stage), argv in settings.scripts.items():
        named[f"monitors[{name}].recovery.scripts.{stage}"] = argv[0]
    return [
        f"{where}: {path} does not exist on this node or may not be executed; put it there"
        for where, path in sorted(named.items())
        if not os.access(path, os.X_OK)
    ]


def _nodes(agent: AgentConfig) -> Iterator[str]:
    names = [node.name for node in agent.nodes]
    if agent.node not in names:
        yield f"nodes: this node {agent.node!r} is not among {names}; add it"
    if len(agent.nodes) < 2:
        yield "nodes: a cluster has at least 2 nodes; add another one"
    yield from _twice("nodes", names)
    yield from _twice("nodes", [node.address for node in agent.nodes], "address")


def _names(agent: AgentConfig) -> Iterator[str]:
    groups = [group.name for group in agent.groups]
    resources = [item.name for group in agent.groups for item in group.resources]
    yield from _twice("groups and resources", groups + resources)
    targets = [target.name for target in agent.partition.targets]
    yield from _twice("monitors", [monitor.name for monitor in agent.monitors] + targets)
    if not groups:
        yield "groups: a cluster has at least 1 group; add one"
    if len(groups) > MAX_GROUPS:
        yield f"groups: {len(groups)} groups do not fit a heartbeat; write at most {MAX_GROUPS}"


def _groups(agent: AgentConfig) -> Iterator[str]:
    nodes = {node.name for node in agent.nodes}
    for group in agent.groups:
        where = f"groups[{group.name}]"
        for name in group.node_order:
            if name not in nodes:
                yield f"{where}.nodeOrder: {name!r} is not a node; write {_some(nodes)}"
        yield from _twice(f"{where}.nodeOrder", group.node_order)
        yield from _dependencies(group, where)


def _dependencies(group: Group, where: str) -> Iterator[str]:
    known = {resource.name: resource.depends_on for resource in group.resources}
    for name, needs in known.items():
        for need in needs:
            if need not in known:
                path = f"{where}.resources[{name}].dependsOn"
                yield f"{path}: {need!r} is not a resource of this group; write {_some(known)}"
    cycle = _cycle(known)
    if cycle:
        path = " -> ".join(cycle)
        yield f"{where}.resources: {path} depend on each other in a circle; drop one dependsOn"


def _cycle(edges: Mapping[str, Sequence[str]]) -> list[str]:
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        done.add(name)
        for need in edges.get(name, ()):
            found = visit(need, [*path, name])
            if found:
                return found
        return []

    for start in edges:
        found = visit(start, [])
        if found:
            return found
    return []


def _monitors(agent: AgentConfig) -> Iterator[str]:
    nodes = {node.name for node in agent.nodes}
    groups = {group.name for group in agent.groups}
    kinds = {item.name: item.kind for group in agent.groups for item in group.resources}
    monitors = {monitor.name: monitor for monitor in agent.monitors}
    for monitor in agent.monitors:
        where = f"monitors[{monitor.name}]"
        watchable = groups | set(kinds)
        for field, name in (("watches", monitor.watches), ("target", monitor.recovery.target)):
            if name and name not in watchable:
                yield f"{where}.{field}: {name!r} is not a group or resource; {_some(watchable)}"
        for name in monitor.nodes:
            if name not in nodes:
                yield f"{where}.nodes: {name!r} is not a node; write {_some(nodes)}"
        if monitor.when.value != "Always" and not monitor.watches:
            yield f"{where}.watches: is missing; name the resource that `timing` speaks of"
        yield from _of_its_kind(monitor, kinds, where)
        yield from _members(monitor, monitors, where)


def _of_its_kind(monitor: Monitor, kinds: Mapping[str, str], where: str) -> Iterator[str]:
    wanted = {"ProbePort": ("ProbePort",), "AzureDNS": ("AzureDNS",), "Mirror": ("MirrorDisk",)}
    name = monitor.options.get("resource", "")
    if monitor.kind in wanted and kinds.get(name) not in wanted[monitor.kind]:
        good = [item for item, kind in kinds.items() if kind in wanted[monitor.kind]]
        yield f"{where}: {name!r} is not a {wanted[monitor.kind][0]} resource; {_some(good)}"


def _members(monitor: Monitor, monitors: Mapping[str, Monitor], where: str) -> Iterator[str]:
    for name in monitor.members:
        member = monitors.get(name)
        if member is None:
            yield f"{where}.multiTarget.monitors: {name!r} is not a monitor; {_some(monitors)}"
        elif member.kind == "MultiTarget":
            path = f"{where}.multiTarget.monitors"
            yield f"{path}: {name!r} is itself a multi-target monitor; list its members"


def _partition(agent: AgentConfig) -> Iterator[str]:
    for violation in getattr(timing, "violations", lambda _: ())(agent.partition.timings):
        yield f"partition.timings: {violation}"
    beat = agent.heartbeat
    if beat.timeout_s < 3 * beat.interval_s:
        yield (
            f"heartbeat.timeoutSeconds: {beat.timeout_s:g} s is less than three intervals; "
            f"write at least {3 * beat.interval_s:g}"
        )
    if agent.partition.mode is Mode.GUIDE:
        yield from _guide(agent)


def _guide(agent: AgentConfig) -> Iterator[str]:
    """Check the guide's rule: heartbeat timeout >= A + B + C (docs/protocol.md)."""
    multi = [monitor for monitor in agent.monitors if monitor.kind == "MultiTarget"]
    member_names = {name for monitor in multi for name in monitor.members}
    members = [monitor for monitor in agent.monitors if monitor.name in member_names]
    slowest_member = max(map(_detection, members), default=0.0)
    slowest_multi = max(map(_detection, multi), default=0.0)
    least = slowest_member + slowest_multi + agent.partition.grace_s
    if agent.heartbeat.timeout_s < least:
        yield (
            f"heartbeat.timeoutSeconds: {agent.heartbeat.timeout_s:g} s is less than "
            f"A + B + C = {slowest_member:g} + {slowest_multi:g} + {agent.partition.grace_s:g}: "
            f"the standby would start before the other side has stopped; write at least {least:g}"
        )


def _detection(monitor: Monitor) -> float:
    return monitor.interval_s * (monitor.retries + 1)


def _probes(settings: Settings) -> Iterator[str]:
    ports: list[str] = []
    for group in settings.agent.groups:
        for resource in group.resources:
            if resource.kind == "ProbePort":
                ports.append(str(resource.options["port"]))
                if resource.options["port"] in settings.service_ports.get(group.name, ()):
                    path = f"groups[{group.name}].servicePorts"
                    yield f"{path}: the probe port is not a service port; leave it out"
    yield from _twice("groups", ports, "probe port")


def _twice(where: str, names: Iterable[str], what: str = "name") -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{where}: the {what} {name!r} is used {count} times; give each its own"


def _some(names: Iterable[str]) -> str:
    known = sorted(names)
    return f"known: {', '.join(known)}" if known else "there is none"
