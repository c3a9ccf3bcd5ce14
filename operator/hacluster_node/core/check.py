"""What a configuration must fulfil before the state machine may see it.

Every finding says what is wrong and what to write instead. Names, order and numbers are checked
here; what only the runtime can know (a script that is missing) it checks itself.
"""

from __future__ import annotations

from typing import Final, Iterable, Iterator

from hacluster_node.core.config import AgentConfig, Group, Mode, Monitor, When
from hacluster_node.core.group_run import in_order
from hacluster_node.core.heartbeat import MAX_GROUPS
from hacluster_node.timing import Violation, check_heartbeat_timeout, check_timings

MIN_NODES: Final = 2


def check(config: AgentConfig) -> list[Violation]:
    """Return everything that is wrong with a configuration; empty if it may be used."""
    numbers: list[Violation] = []
    if config.partition.mode is Mode.WITNESS:
        numbers = check_timings(config.partition.timings, failsafe=config.partition.failsafe)
    return [*_nodes(config), *_groups(config), *_monitors(config), *numbers, *_guide(config)]


def detection_s(config: AgentConfig) -> tuple[float, float]:
    """Return A and B of the guide's mode.

    A is the largest interval x (retries + 1) among targets and the multi-target monitors' members,
    B the largest of a multi-target monitor itself.
    """
    by_name = {monitor.name: monitor for monitor in config.monitors}
    multi = [monitor for monitor in config.monitors if monitor.members]
    members = [by_name[name] for each in multi for name in each.members if name in by_name]
    a_s = max((_span_s(each) for each in (*members, *config.partition.targets)), default=0.0)
    return a_s, max((_span_s(each) for each in multi), default=0.0)


def _span_s(monitor: Monitor) -> float:
    return monitor.interval_s * (monitor.retries + 1)


def _guide(config: AgentConfig) -> list[Violation]:
    if config.partition.mode is not Mode.GUIDE:
        return []
    a_s, b_s = detection_s(config)
    c_s = config.partition.grace_s
    return check_heartbeat_timeout(config.heartbeat.timeout_s, a_s, b_s, c_s)


def _unknown(what: str, name: str, known: Iterable[str]) -> Violation:
    choice = ", ".join(sorted(known)) or "none are configured"
    return Violation(f"{what} exists", f"{name!r} is not configured", f"write one of: {choice}")


def _twice(what: str, names: Iterable[str]) -> Iterator[Violation]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield Violation(
                f"{what} names differ", f"{name!r} is there twice", "rename one of them"
            )
        seen.add(name)


def _nodes(config: AgentConfig) -> Iterator[Violation]:
    names = [node.name for node in config.nodes]
    yield from _twice("node", names)
    if len(names) < MIN_NODES:
        yield Violation("two nodes or more", f"{len(names)} configured", "list every node")
    if config.node not in names:
        yield _unknown("this node", config.node, names)
    interval_s, timeout_s = config.heartbeat.interval_s, config.heartbeat.timeout_s
    if not 0 < 2 * interval_s <= timeout_s:
        found, instead = f"{timeout_s:g} < 2 x {interval_s:g}", "write a longer heartbeat timeout"
        yield Violation("heartbeat timeout >= 2 x interval > 0", found, instead)


def _groups(config: AgentConfig) -> Iterator[Violation]:
    nodes = {node.name for node in config.nodes}
    yield from _twice("group", (group.name for group in config.groups))
    yield from _twice("resource", (r.name for group in config.groups for r in group.resources))
    if len(config.groups) > MAX_GROUPS:
        found = f"{len(config.groups)} groups"
        yield Violation(f"at most {MAX_GROUPS} groups", found, "put resources together in groups")
    for group in config.groups:
        for name in group.node_order:
            if name not in nodes:
                yield _unknown(f"node of group {group.name}", name, nodes)
        yield from _dependencies(group)


def _dependencies(group: Group) -> Iterator[Violation]:
    known = {resource.name for resource in group.resources}
    unknown = [d for r in group.resources for d in r.depends_on if d not in known]
    for name in unknown:
        yield _unknown(f"dependency in group {group.name}", name, known)
    if not unknown:
        try:
            in_order(group)
        except ValueError as error:
            yield Violation("no resource waits for itself", str(error), "remove one dependsOn")


def _monitors(config: AgentConfig) -> Iterator[Violation]:
    nodes = {node.name for node in config.nodes}
    resources = {r.name for group in config.groups for r in group.resources}
    things = resources | {group.name for group in config.groups}
    monitors = {monitor.name for monitor in config.monitors}
    every = (*config.monitors, *config.partition.targets)
    yield from _twice("monitor", (monitor.name for monitor in every))
    for monitor in every:
        yield from _monitor_times(monitor)
        for name in monitor.nodes:
            if name not in nodes:
                yield _unknown(f"node of monitor {monitor.name}", name, nodes)
        for name in monitor.members:
            if name not in monitors or name == monitor.name:
                yield _unknown(f"member of monitor {monitor.name}", name, monitors - {monitor.name})
        if monitor.when is not When.ALWAYS and monitor.watches not in things:
            yield _unknown(f"what monitor {monitor.name} watches", monitor.watches, things)
        target = monitor.recovery.target
        if target and target not in things:
            yield _unknown(f"recovery target of monitor {monitor.name}", target, things)


def _monitor_times(monitor: Monitor) -> Iterator[Violation]:
    numbers = {
        "interval": monitor.interval_s > 0,
        "timeout": monitor.timeout_s > 0,
        "retries": monitor.retries >= 0,
        "start delay": monitor.start_delay_s >= 0,
        "max reactivations": monitor.recovery.max_reactivations >= 0,
        "max failovers": monitor.recovery.max_failovers >= 0,
    }
    for name, fine in numbers.items():
        if not fine:
            what = f"{name} of monitor {monitor.name} is in range"
            yield Violation(what, "it is zero or negative", "write a number above it")
