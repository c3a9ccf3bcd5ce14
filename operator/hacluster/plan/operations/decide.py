"""What to do about an operation now; a pure function of what the objects and the nodes say.

An operation is refused while it is still harmless: everything that can be known to make it
impossible or unsafe is looked at before an order is given. After that only its nodes say how it
goes. Nothing rests on memory: whether an order was given is seen in the store and in the reports.
"""

from hacluster.model.azure import ManagementMode
from hacluster.model.cluster import Cluster, NodeAgent
from hacluster.model.operation import Operation, OperationPhase, OperationType
from hacluster.plan.operations.case import GRACE, Case, Decision, End, Follow, Send, Wait
from hacluster.plan.operations.targets import executors
from hacluster_wire.orders import FAILED, MAX_ORDERS, SUCCEEDED, Result

MANY = frozenset(
    {OperationType.SUSPEND, OperationType.RESUME, OperationType.CLEAR_SIMULATED_FAILURE}
)
"""Without a node these are for every node."""


def decide(case: Case) -> Decision:
    """Return what becomes of an operation that is not over."""
    is_begun = case.asked.phase is OperationPhase.RUNNING or bool(_given(case))
    if not is_begun:
        if (why := _objection(case)) is not None:
            return End(ok=False, message=why)
        return _in_time(case, _begin(case))
    return _in_time(case, _go_on(case))


def subjects(operation: Operation, cluster: Cluster) -> frozenset[str]:
    """Return what an operation acts on; two that share one are done one after the other.

    The service of a node carries every group, so it is about all of them.
    """
    spec = operation.spec
    if spec.monitor:
        return frozenset({f"monitor {spec.monitor}"})
    if spec.group:
        return frozenset({f"group {spec.group}"})
    return frozenset(f"group {group.name}" for group in cluster.spec.cluster.failover_groups)


def _in_time(case: Case, decision: Decision) -> Decision:
    """Turn what would go on beyond the deadline into a failure."""
    if isinstance(decision, Wait | Send) and case.is_late:
        return End(ok=False, message=f"not begun by its deadline: {decision.message}")
    if isinstance(decision, Follow) and case.now >= case.asked.until + GRACE:
        given = ", ".join(sorted(_given(case))) or "no node"
        return End(
            ok=False, message=f"no end was told by its deadline ({given}): {decision.message}"
        )
    return decision


def _objection(case: Case) -> str | None:
    """Return why an operation is not begun at all, or None."""
    if case.is_late and case.asked.is_new:
        late = case.now - case.asked.until
        why = f"its deadline was over {late.total_seconds():.0f} s before it could be begun"
        return f"{why}: make a new one if it is still wanted"
    if case.cluster is None:
        return case.trouble or f"there is no HAClusterSpec {case.asked.operation.spec.cluster}"
    spec = case.cluster.spec
    if spec.cluster.node_agent is NodeAgent.EXTERNAL:
        return "cluster.nodeAgent is External: use the tools of what runs on the nodes"
    if spec.management.paused:
        return "management.paused is true: set it to false, or use hacluster-node on the node"
    if spec.management.mode is ManagementMode.OBSERVE:
        return "management.mode is Observe: set it to Enforce, or use hacluster-node on the node"
    return _unknown_name(case, case.cluster)


def _unknown_name(case: Case, cluster: Cluster) -> str | None:
    """Return what the operation names and the cluster does not have, or None."""
    asked, service = case.asked.operation.spec, cluster.spec.cluster
    for kind, name, known in (
        ("group", asked.group, [group.name for group in service.failover_groups]),
        ("monitor", asked.monitor, [monitor.name for monitor in service.effective_monitors]),
        ("node", asked.node, [node.name for node in cluster.spec.nodes]),
    ):
        if name is not None and name not in known:
            return f"{cluster.name} has no {kind} {name}; it has: {', '.join(known) or 'none'}"
    orders = [one.node_order for one in service.failover_groups if one.name == asked.group]
    order = orders[0] if orders else ()
    places = {OperationType.MOVE, OperationType.START, OperationType.FORCE_ACTIVATE}
    if asked.type in places and asked.node and order and asked.node not in order:
        return f"{asked.node} is not in the nodeOrder of {asked.group}: {', '.join(order)}"
    return None


def _begin(case: Case) -> Decision:
    cluster = case.cluster
    if cluster is None:  # `_objection` has refused it
        return Wait(case.trouble)
    mine = subjects(case.asked.operation, cluster)
    for other in case.earlier:
        if mine & subjects(other, cluster):
            return Wait(f"waits for {other.name}, which came first")
    if case.trouble:
        return Wait(case.trouble)
    if len(case.earlier) >= MAX_ORDERS:
        return Wait(f"{len(case.earlier)} operations came first and are not over")
    return executors(case, cluster)


def _go_on(case: Case) -> Decision:
    given, results = _given(case), _results(case)
    if failed := [node for node, result in results.items() if result.phase == FAILED]:
        return End(ok=False, message=_told(results, failed))
    if case.cluster is not None and not case.trouble and not case.is_late:
        if not given:  # begun by an operator that died before the order was in the store
            return _only_waits(executors(case, case.cluster))
        if missing := _missing(case, given):
            return Send(missing, _told(results, list(results)) or "given to the nodes")
    if given and all(_is_done(results.get(node)) for node in given):
        return End(ok=True, message=_told(results, list(results)))
    told = _told(results, list(results)) or f"given to {', '.join(sorted(given)) or 'no node yet'}"
    return Follow(f"{told}; {case.trouble}" if case.trouble else told)


def _only_waits(decision: Decision) -> Decision:
    return Follow(decision.message) if isinstance(decision, Wait) else decision


def _missing(case: Case, given: frozenset[str]) -> tuple[str, ...]:
    """Return the nodes that an operation for every node has not reached."""
    spec = case.asked.operation.spec
    if spec.type not in MANY or spec.node is not None:
        return ()
    return tuple(node for node in case.fresh if node not in given)


def _given(case: Case) -> frozenset[str]:
    return case.posted | frozenset(_results(case))


def _results(case: Case) -> dict[str, Result]:
    uid = case.asked.operation.uid
    return {word.node: word.results[uid] for word in case.words if uid in word.results}


def _is_done(result: Result | None) -> bool:
    return result is not None and result.phase == SUCCEEDED


def _told(results: dict[str, Result], nodes: list[str]) -> str:
    return "; ".join(f"{node}: {results[node].message}" for node in sorted(nodes))
