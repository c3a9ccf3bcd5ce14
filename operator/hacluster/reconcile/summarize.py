"""From what a pass has come to know to the object's status.

Everything is made anew in each pass; of the previous status only times are kept, the inventory
where nothing could be seen, and the last moves of the service.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from hacluster.errors import SpecInvalid
from hacluster.model.azure import SecretKey
from hacluster.model.cluster import NodeAgent
from hacluster.model.machines import Node
from hacluster.model.reasons import Reason
from hacluster.model.status import (
    ClusterStatus,
    Condition,
    ConditionType,
    Drift,
    Endpoint,
    GroupState,
    GroupStatus,
    InventoryItem,
    NodeHealth,
    NodeRole,
    NodeStatus,
    PlannedStep,
    Summary,
    Truth,
)
from hacluster.plan import record_set
from hacluster.plan.diff import ABSENT
from hacluster.plan.steps import Act, Delete, Put, Refuse, Step
from hacluster.plan.view import View
from hacluster.reconcile.assess import fresh_reports
from hacluster.reconcile.conditions import judge
from hacluster.reconcile.failovers import failovers
from hacluster.reconcile.judgement import Judgement
from hacluster.reconcile.passed import Passed

_SECRET: Final = ("password", "secret", "keydata")
"""Words in the last part of a path whose values are not shown."""


_CERTAINTY: Final = (
    GroupState.UNKNOWN,
    GroupState.OFFLINE,
    GroupState.FAILED,
    GroupState.STOPPING,
    GroupState.STARTING,
    GroupState.ONLINE,
)
"""Of two reports of a group, the later one in this order counts."""


def summarize(passed: Passed) -> ClusterStatus:
    """Return the status at the end of a pass."""
    view, previous = passed.view, passed.previous
    drift, plan = tuple(_drift(passed)), tuple(_plan(passed))
    nodes = tuple(_node(passed, node) for node in view.spec.nodes)
    endpoints, groups = tuple(_endpoints(view)), tuple(_groups(passed))
    inventory = previous.inventory
    if passed.inventory is not None:
        inventory = tuple(InventoryItem(id=item) for item in passed.inventory)
    return ClusterStatus(
        observed_generation=view.cluster.generation,
        conditions=conditions(previous, judge(passed), view.cluster.generation, passed.now),
        summary=Summary(
            access=next((one.fqdn or one.address for one in endpoints), None),
            nodes=f"{sum(node.ready for node in nodes)}/{len(nodes)}",
            drift=len(drift),
            plan=len(plan),
        ),
        active_node=view.assessment.active,
        groups=groups,
        nodes=nodes,
        monitors=tuple(
            monitor
            for report in fresh_reports(view, passed.signals).values()
            for monitor in report.abnormal
        ),
        endpoints=endpoints,
        drift=drift,
        plan=plan,
        failovers=failovers(passed, groups),
        inventory=inventory,
        last_handled_reconcile_at=passed.requested_at or previous.last_handled_reconcile_at,
    )


def summarize_refused(
    error: SpecInvalid, previous: ClusterStatus, generation: int, now: datetime
) -> ClusterStatus:
    """Return the status of an object whose spec cannot be followed: nothing is touched."""
    wrong = Judgement(Truth.FALSE, Reason.SPEC_INVALID, str(error))
    judgements = {
        ConditionType.READY: wrong,
        ConditionType.ACCEPTED: wrong,
        ConditionType.RECONCILING: wrong,
        ConditionType.STALLED: wrong._replace(status=Truth.TRUE),
    }
    unknown = Judgement(Truth.UNKNOWN, Reason.NOT_OBSERVED, "Nothing is looked at")
    others = {kind: unknown for kind in ConditionType if kind not in judgements}
    found = conditions(previous, {**judgements, **others}, generation, now)
    return previous.model_copy(update={"observed_generation": generation, "conditions": found})


def sentence(status: ClusterStatus) -> str:
    """Return the pass in one sentence."""
    found = status.condition(ConditionType.READY)
    return f"{found.reason}: {found.message}" if found else "Nothing was looked at yet"


def conditions(
    previous: ClusterStatus,
    judgements: Mapping[ConditionType, Judgement],
    generation: int,
    now: datetime,
) -> tuple[Condition, ...]:
    """Return the conditions; one whose answer is the same keeps the time of its last change."""
    return tuple(
        _condition(previous.condition(kind), kind, judgements[kind], generation, now)
        for kind in ConditionType
    )


def _condition(
    before: Condition | None,
    kind: ConditionType,
    judgement: Judgement,
    generation: int,
    now: datetime,
) -> Condition:
    is_same = before is not None and before.status is judgement.status
    return Condition(
        type=kind,
        status=judgement.status,
        reason=judgement.reason,
        message=judgement.message,
        last_transition_time=before.last_transition_time if before and is_same else now,
        observed_generation=generation,
    )


def _drift(passed: Passed) -> Iterator[Drift]:
    for step in _steps(passed):
        if isinstance(step, (Put, Refuse)):
            for change in step.changes:
                want, have = _shown(change.path, change.want), _shown(change.path, change.have)
                yield Drift(id=step.id, path=change.path, want=want, have=have)


def _plan(passed: Passed) -> Iterator[PlannedStep]:
    for step in passed.gated.allowed:
        yield PlannedStep(verb=verb(step), id=step.id, why=step.why)
    for held in passed.gated.held:
        yield PlannedStep(verb=verb(held.step), id=held.step.id, why=held.step.why, held=held.why)
    for refusal in passed.gated.refused:
        yield PlannedStep(verb=verb(refusal), id=refusal.id, why=refusal.why)


def verb(step: Step) -> str:
    """Return what a step does, in one word for people."""
    match step:
        case Put():
            return "Create" if step.creates else "Update"
        case Delete():
            return "Delete"
        case Act():
            return step.verb.value.capitalize()
        case Refuse():
            return "Refuse"


def _steps(passed: Passed) -> Iterator[Step]:
    yield from passed.gated.allowed
    yield from (held.step for held in passed.gated.held)
    yield from passed.gated.refused


def _shown(path: str, value: Any) -> str | None:
    is_secret = any(word in path.rsplit(".", 1)[-1].casefold() for word in _SECRET)
    if value is ABSENT or value is None or is_secret or isinstance(value, SecretKey):
        return None
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _node(passed: Passed, node: Node) -> NodeStatus:
    view = passed.view
    report = fresh_reports(view, passed.signals).get(node.name)
    power = view.power_state(node)
    backend = next(
        (one for one in passed.signals.health or () if one.address == node.private_ip_address), None
    )
    is_external = view.spec.cluster.node_agent is NodeAgent.EXTERNAL
    wanted = passed.signals.configuration
    is_configured = report is not None and report.configuration == wanted
    is_running = view.present(view.names.machine(node)) is not None and power in {None, "running"}
    health = NodeHealth.UNKNOWN
    if backend is not None:
        health = NodeHealth.UP if backend.is_up else NodeHealth.DOWN
    return NodeStatus(
        name=node.name,
        role=report.role if report else NodeRole.UNKNOWN,
        ready=is_running and (is_external or is_configured),
        power_state=power,
        agent_version=report.agent_version if report else None,
        configuration_applied=report.configuration if report else None,
        heartbeat_age_seconds=report.age.total_seconds() if report else None,
        boot_id=report.boot_id if report else None,
        health=health,
        health_reason=backend.why if backend else None,
    )


def _groups(passed: Passed) -> Iterator[GroupStatus]:
    """Yield each declared group as the node says it that knows most of it."""
    reports = fresh_reports(passed.view, passed.signals).values()
    for group in passed.view.spec.cluster.failover_groups:
        told = [one for report in reports for one in report.groups if one.name == group.name]
        unknown = GroupStatus(name=group.name, state=GroupState.UNKNOWN)
        now = max(
            told, key=lambda one: (one.epoch or 0, _CERTAINTY.index(one.state)), default=unknown
        )
        yield now.model_copy(update={"since": _since(passed, now)})


def _since(passed: Passed, now: GroupStatus) -> datetime:
    """Return when a group came to where it stands: the same time as long as nothing has changed."""
    before = next((one for one in passed.previous.groups if one.name == now.name), None)
    is_same = before is not None and (before.node, before.state, before.epoch) == (
        now.node,
        now.state,
        now.epoch,
    )
    return before.since if before and before.since and is_same else passed.now


def _endpoints(view: View) -> Iterator[Endpoint]:
    """Yield where clients come in, as far as it was seen."""
    if balancer := view.spec.access.load_balancer:
        address = view.present(view.names.balancer_address) if view.names.is_public else None
        if address and (found := address.properties.get("ipAddress")):
            yield Endpoint(address=str(found))
        seen = view.present(view.names.load_balancer)
        for frontend in (seen.properties.get("frontendIPConfigurations") or ()) if seen else ():
            private = (frontend.get("properties") or {}).get("privateIPAddress")
            if private and frontend["name"].casefold() == balancer.frontend.name.casefold():
                yield Endpoint(address=str(private))
    if dns := view.spec.access.dns:
        held = record_set.addresses(view, dns)
        if held is not None:
            fqdn = f"{dns.record_set}.{dns.zone}" if dns.record_set != "@" else dns.zone
            yield Endpoint(address=next(iter(held), None), fqdn=fqdn)
