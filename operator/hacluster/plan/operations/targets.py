"""Which node carries out an operation, by its type; or why none can, or not yet."""

from collections.abc import Callable, Mapping
from typing import Final

from hacluster.model.cluster import Cluster
from hacluster.model.groups import FailoverGroup
from hacluster.model.monitors import Monitor, MonitorType
from hacluster.model.operation import OperationType
from hacluster.model.status import ConditionType, Truth
from hacluster.plan.operations.case import Case, Decision, End, Send, Wait
from hacluster.plan.operations.words import Standing


def executors(case: Case, cluster: Cluster) -> Decision:
    """Return who gets the order; everything the operation names is known to be there."""
    spec = case.asked.operation.spec
    if spec.monitor is not None:
        return _monitor(case, cluster, spec.monitor)
    if spec.group is None:
        return _at(case, spec.node or "", f"{spec.type} of the cluster's service")
    if spec.type is OperationType.FORCE_ACTIVATE:
        return _force(case, spec.node or "")
    return _GROUPS[spec.type](case, cluster, spec.group, spec.node or "")


def _at(case: Case, node: str, what: str) -> Decision:
    if node not in case.fresh:
        return Wait(f"the agent of {node} does not report; it gets the order when it does")
    return Send((node,), f"{what} on {node}")


def _active(case: Case, group: str) -> tuple[str, ...]:
    serving = {Standing.ACTIVE, Standing.STARTING}
    return tuple(name for name, word in case.fresh.items() if word.groups.get(group) in serving)


def _unclear(case: Case, cluster: Cluster, group: str) -> Wait | None:
    """Return why it is not known where a group is active, or None: then it is active nowhere."""
    silent = [node.name for node in cluster.spec.nodes if node.name not in case.fresh]
    if silent:
        return Wait(f"nobody knows where {group} is active: no report from {', '.join(silent)}")
    moving = [
        name for name, word in case.fresh.items() if word.groups.get(group) is not Standing.INACTIVE
    ]
    return Wait(f"{group} is on its way on {', '.join(moving)}") if moving else None


def _no_place(case: Case, group: str, source: str, node: str) -> str:
    """Return why a group cannot be moved to a node (or to any other, for ""), or nothing."""
    heard = case.fresh[source].heard - {source}
    able = [name for name, word in case.fresh.items() if name in heard and not word.leaving]
    if not node:
        return "" if able else f"no other node could take {group}: {_degraded(case)}"
    if node in able:
        return ""
    word = case.fresh.get(node)
    if word is None:
        return f"{node} cannot take {group}: its agent does not report"
    if word.leaving:
        return f"{node} cannot take {group}: {word.leaving}"
    return f"{node} cannot take {group}: {source} does not hear it"


def _degraded(case: Case) -> str:
    found = case.status.condition(ConditionType.DEGRADED)
    is_told = found is not None and found.status is Truth.TRUE
    return found.message if found is not None and is_told else "none is heard and takes part"


def _move(case: Case, cluster: Cluster, group: str, node: str) -> Decision:
    active = _active(case, group)
    if not active:
        unclear = _unclear(case, cluster, group)
        why = f"{group} is active on no node: start it instead"
        return unclear or End(ok=False, message=why)
    if len(active) > 1:
        return End(ok=False, message=f"{' and '.join(active)} both say that {group} is active")
    source = active[0]
    if source == node:
        return End(ok=True, message=f"{group} is active on {node} already")
    if any(word.node == node and not word.is_fresh and word.may_report for word in case.words):
        return Wait(f"looks whether {node} still reports")
    if why := _no_place(case, group, source, node):
        return End(ok=False, message=why)
    return Send((source,), f"{source} hands {group} to {node or 'the next node'}")


def _stop(case: Case, cluster: Cluster, group: str, node: str) -> Decision:
    active = _active(case, group)
    if node and active and node not in active:
        return End(ok=False, message=f"{group} is active on {active[0]}, not on {node}")
    if node or active:
        return _at(case, node or active[0], f"stops {group}")
    if unclear := _unclear(case, cluster, group):
        return unclear
    return _at(case, next(iter(case.fresh)), f"looks whether {group} is stopped")


def _restart(case: Case, cluster: Cluster, group: str, node: str) -> Decision:
    active = _active(case, group)
    if not active:
        unclear = _unclear(case, cluster, group)
        why = f"{group} is active on no node: start it instead"
        return unclear or End(ok=False, message=why)
    if node and node not in active:
        return End(ok=False, message=f"{group} is active on {active[0]}, not on {node}")
    return _at(case, node or active[0], f"restarts {group}")


def _start(case: Case, cluster: Cluster, group: str, node: str) -> Decision:
    active = _active(case, group)
    if active and node and node not in active:
        why = f"{group} is active on {active[0]}: move it instead"
        return End(ok=False, message=why)
    if active:
        return End(ok=True, message=f"{group} is active on {active[0]} already")
    if node:
        return _at(case, node, f"starts {group}")
    order = next((one.node_order for one in _groups(cluster) if one.name == group), ())
    able = [name for name, word in case.fresh.items() if not word.leaving]
    wanted = [name for name in order or able if name in able]
    if not wanted:
        return Wait(f"no node that may run {group} reports and takes part")
    return _at(case, wanted[0], f"starts {group}")


def _force(case: Case, node: str) -> Decision:
    doubted = [w.node for w in case.words if w.node not in {node, *case.fresh} and w.may_report]
    if doubted:
        return Wait(f"looks whether {', '.join(doubted)} still reports")
    heard = [name for name in case.fresh if name != node]
    if heard:
        why = f"{', '.join(heard)} reports, so it is not off: move or start the group instead"
        return End(ok=False, message=why)
    return _at(case, node, "takes the group without the witness")


def _monitor(case: Case, cluster: Cluster, name: str) -> Decision:
    spec = case.asked.operation.spec
    monitor = next(one for one in cluster.spec.cluster.effective_monitors if one.name == name)
    if spec.node and monitor.nodes and spec.node not in monitor.nodes:
        return End(ok=False, message=f"{name} checks on {', '.join(monitor.nodes)} only")
    if spec.type is OperationType.SIMULATE_FAILURE:
        return _simulate(case, cluster, monitor)
    if spec.node:
        return _at(case, spec.node, f"{spec.type} of {name}")
    if not case.fresh:
        return Wait("no agent reports")
    silent = [node.name for node in cluster.spec.nodes if node.name not in case.fresh]
    rest = f"; {', '.join(silent)} does not report" if silent else ""
    return Send(tuple(case.fresh), f"{spec.type} of {name} on {', '.join(case.fresh)}{rest}")


def _simulate(case: Case, cluster: Cluster, monitor: Monitor) -> Decision:
    """A simulated failure leads to a real recovery: there must be something to recover to."""
    found = case.status.condition(ConditionType.DEGRADED)
    if found is not None and found.status is Truth.TRUE:
        return End(ok=False, message=f"the cluster could not survive it now: {found.message}")
    spec = case.asked.operation.spec
    what = f"{monitor.name} fails from its next check on"
    if spec.node:
        return _at(case, spec.node, what)
    groups = _groups_of(cluster, monitor)
    where = {node for group in groups for node in _active(case, group)}
    if monitor.type is MonitorType.LOAD_BALANCE or (len(groups) > 1 and len(where) != 1):
        return End(ok=False, message=f"{monitor.name} checks on several nodes: name the node")
    if not where:
        return Wait(f"{' and '.join(groups)} is active on no node that reports")
    return _at(case, sorted(where)[0], what)


def _groups_of(cluster: Cluster, monitor: Monitor) -> tuple[str, ...]:
    """Return the groups that a monitor's failure concerns: the one it names, or all."""
    groups = _groups(cluster)
    named = {monitor.resource, monitor.recovery.target} - {None}
    found = [
        group.name
        for group in groups
        if group.name in named or named & {resource.name for resource in group.resources}
    ]
    return tuple(found or (group.name for group in groups))


def _groups(cluster: Cluster) -> tuple[FailoverGroup, ...]:
    return cluster.spec.cluster.failover_groups


_GROUPS: Final[Mapping[OperationType, Callable[[Case, Cluster, str, str], Decision]]] = {
    OperationType.MOVE: _move,
    OperationType.START: _start,
    OperationType.STOP: _stop,
    OperationType.RESTART: _restart,
}
