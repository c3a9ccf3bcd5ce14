"""What a configuration may not contradict in itself, beside what the state machine requires.

Names, dependencies, numbers and the protocol's inequalities are `core.check`'s; here is what
only the runtime's parts know. Pure, but for `missing_files`, which looks at this node's disk.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Iterable, Iterator, Mapping

from hacluster_node.core.check import check

if TYPE_CHECKING:
    from hacluster_node.core.config import AgentConfig, Monitor
    from hacluster_node.settings.document import Settings

_WATCHED = {"ProbePort": "ProbePort", "AzureDNS": "AzureDNS", "Mirror": "MirrorDisk"}
"""Monitors that watch a resource of one kind only."""


def contradictions(settings: Settings) -> list[str]:
    """Return every contradiction: what is wrong, and what to write instead."""
    agent = settings.agent
    return [
        *(str(violation) for violation in check(agent)),
        *_cluster(agent),
        *_monitors(agent),
        *_ports(settings),
    ]


def missing_files(settings: Settings) -> list[str]:
    """Return a line for each script of the configuration that this node cannot run."""
    return [
        f"{where}: {path} does not exist on this node or may not be executed; put it there"
        for where, path in sorted(_programs(settings).items())
        if not os.access(path, os.X_OK)
    ]


def _programs(settings: Settings) -> Mapping[str, str]:
    named: dict[str, str] = {}
    for group in settings.agent.groups:
        for resource in group.resources:
            for action in ("start", "stop") if resource.kind == "Script" else ():
                for path in resource.options[action][:1]:
                    named[f"groups[{group.name}].resources[{resource.name}].{action}"] = path
    for monitor in settings.agent.monitors:
        for path in monitor.options.get("script", ())[:1]:
            named[f"monitors[{monitor.name}].script"] = path
    for (name, stage), argv in settings.scripts.items():
        named[f"monitors[{name}].recovery.scripts.{stage}"] = argv[0]
    return named


def _cluster(agent: AgentConfig) -> Iterator[str]:
    yield from _twice("nodes", "address", (node.address for node in agent.nodes))
    names = [group.name for group in agent.groups]
    names += [item.name for group in agent.groups for item in group.resources]
    yield from _twice("groups", "name", (name for name in names if name in _groups(agent)))
    if not agent.groups:
        yield "groups: a cluster has at least 1 group; add one"


def _groups(agent: AgentConfig) -> frozenset[str]:
    return frozenset(group.name for group in agent.groups)


def _monitors(agent: AgentConfig) -> Iterator[str]:
    kinds = {item.name: item.kind for group in agent.groups for item in group.resources}
    multi = {monitor.name for monitor in agent.monitors if monitor.kind == "MultiTarget"}
    for monitor in agent.monitors:
        yield from _watched(monitor, kinds)
        for name in monitor.members:
            if name in multi:
                path = f"monitors[{monitor.name}].multiTarget.monitors"
                yield f"{path}: {name!r} is itself a multi-target monitor; list its members"


def _watched(monitor: Monitor, kinds: Mapping[str, str]) -> Iterator[str]:
    wanted = _WATCHED.get(monitor.kind)
    name = monitor.options.get("resource", "")
    if wanted is not None and kinds.get(name) != wanted:
        good = sorted(item for item, kind in kinds.items() if kind == wanted)
        choice = f"write one of: {', '.join(good)}" if good else "there is none"
        yield f"monitors[{monitor.name}]: {name!r} is not a {wanted} resource; {choice}"


def _ports(settings: Settings) -> Iterator[str]:
    probes: list[str] = []
    for group in settings.agent.groups:
        for resource in group.resources:
            if resource.kind == "ProbePort":
                probes.append(str(resource.options["port"]))
                if resource.options["port"] in settings.service_ports.get(group.name, ()):
                    path = f"groups[{group.name}].servicePorts"
                    yield f"{path}: the probe port is not a service port; leave it out"
    yield from _twice("groups", "probe port", probes)


def _twice(where: str, what: str, names: Iterable[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{where}: the {what} {name!r} is used {count} times; give each its own"
