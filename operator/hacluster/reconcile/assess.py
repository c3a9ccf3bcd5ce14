"""Who serves, and what is wrong: made of all evidence there is, and of nothing else.

The balancer's own rule health is the data plane's truth: a node that it calls up gets the traffic.
A report of an agent counts as long as it is fresh. Where both speak and differ, nobody is named: a
failover is on its way, or something is wrong. An agent that is silent is not evidence that its node
is down.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from hacluster.model.assessment import Assessment, Finding, NodeReport, Severity, Signals
from hacluster.model.cluster import NodeAgent
from hacluster.model.machines import Node
from hacluster.model.monitors import MonitorType
from hacluster.model.observed import Absent
from hacluster.model.reasons import Reason
from hacluster.model.status import GroupState, GroupStatus, NodeRole
from hacluster.plan import record_set
from hacluster.plan.load_balancer import ADMIN_NONE, NEVER_ALL, pool_members
from hacluster.plan.view import View
from hacluster.reconcile import hearing

FRESH: Final = timedelta(seconds=60)
"""How old an agent's report may be: agents report every 10 s, and may miss a few."""
ROUNDS: Final = 3
"""How many rounds of the nodes' own DNS monitors pass before the operator mends a record."""
LEAST_PATIENCE: Final = timedelta(minutes=3)

_RUNNING: Final = "running"


def assess(view: View, signals: Signals) -> Assessment:
    """Return who serves and what is wrong; ``view`` needs no assessment of its own yet."""
    up, told = _up(view, signals), _told(view, signals)
    known = [found for found in (up, told) if found is not None]
    serving = tuple(node.name for node in view.spec.nodes if any(node.name in one for one in known))
    is_contradictory = up is not None and bool(told) and not set(up) & set(told or ())
    findings = (*_unsafe(view, signals, up), *_degraded(view, signals))
    is_unsafe = any(found.severity is Severity.UNSAFE for found in findings)
    decisive = up if up is not None else told
    is_one = decisive is not None and len(decisive) == 1 and not is_unsafe
    active = decisive[0] if is_one and decisive and not is_contradictory else None
    is_wrong = _is_record_wrong(view, active)
    return Assessment(
        active=active,
        serving=serving if known else None,
        is_contradictory=is_contradictory,
        findings=findings,
        is_silent=view.spec.cluster.node_agent is NodeAgent.MANAGED and told is None,
        is_record_wrong=is_wrong,
        agents={name: one.package for name, one in fresh_reports(view, signals).items()},
        record_address=_overdue(view, signals, active) if is_wrong else None,
    )


def fresh_reports(view: View, signals: Signals) -> dict[str, NodeReport]:
    """Return the reports that still count, by node, without those of nodes no longer declared."""
    names = {node.name for node in view.spec.nodes}
    return {
        report.node: report
        for report in signals.reports
        if report.node in names and report.age <= FRESH
    }


def patience(view: View) -> timedelta:
    """Return how long a wrong record is left to the nodes' own monitors."""
    monitors = [
        monitor
        for monitor in view.spec.cluster.effective_monitors
        if monitor.type is MonitorType.AZURE_DNS
    ]
    rounds = [one.interval_seconds * (one.retries + 1) + one.timeout_seconds for one in monitors]
    return max(LEAST_PATIENCE, ROUNDS * timedelta(seconds=max(rounds, default=0)))


def _up(view: View, signals: Signals) -> tuple[str, ...] | None:
    """Return the nodes that the balancer sends traffic to."""
    if signals.health is None:
        return None
    addresses = {backend.address for backend in signals.health if backend.is_up}
    return tuple(node.name for node in view.spec.nodes if node.private_ip_address in addresses)


def _told(view: View, signals: Signals) -> tuple[str, ...] | None:
    """Return the nodes that say of themselves that they are active; None if no node speaks."""
    reports = fresh_reports(view, signals)
    if not reports:
        return None
    outdated = _outdated(reports)
    return tuple(
        name
        for name, report in reports.items()
        if report.role is NodeRole.ACTIVE
        and (not report.groups or any((name, one.name) not in outdated for one in _online(report)))
    )


def _unsafe(view: View, signals: Signals, up: tuple[str, ...] | None) -> Iterator[Finding]:
    if up is not None and len(up) > 1:
        yield _found(Reason.MORE_THAN_ONE_SERVES, f"the balancer sends traffic to {_list(up)}")
    for group, nodes in _group_nodes(view, signals).items():
        if len(nodes) > 1:
            yield _found(Reason.MORE_THAN_ONE_SERVES, f"{group} runs on {_list(nodes)}")
    yield from _unsafe_balancer(view)


def _unsafe_balancer(view: View) -> Iterator[Finding]:
    balancer = view.spec.access.load_balancer
    seen = view.present(view.names.load_balancer)
    if balancer is None or seen is None:
        return
    for probe in seen.properties.get("probes") or ():
        behaviour = (probe.get("properties") or {}).get("noHealthyBackendsBehavior", NEVER_ALL)
        if probe["name"].casefold() == balancer.probe.name.casefold() and behaviour != NEVER_ALL:
            why = f"the probe says {behaviour}: with no healthy node, every node gets traffic"
            yield _found(Reason.PROBE_OVERRULED, why)
    for member in pool_members(view, balancer):
        state = (member.get("properties") or {}).get("adminState", ADMIN_NONE)
        if state != ADMIN_NONE:
            why = f"the admin state {state} of {member['name']} overrules the probe"
            yield _found(Reason.PROBE_OVERRULED, why)


def _group_nodes(view: View, signals: Signals) -> dict[str, tuple[str, ...]]:
    """Return the nodes that each group runs on by the nodes' own words."""
    nodes: dict[str, tuple[str, ...]] = {}
    reports = fresh_reports(view, signals)
    outdated = _outdated(reports)
    for name, report in reports.items():
        for group in _online(report):
            if (name, group.name) not in outdated:
                nodes[group.name] = (*nodes.get(group.name, ()), name)
    return nodes


def _outdated(reports: Mapping[str, NodeReport]) -> frozenset[tuple[str, str]]:
    """Return the claims, by node and group, that were overtaken by a later activation elsewhere.

    The last report of a node that died says for a while that it is active. It counts no longer when
    another node says that it was activated at a higher epoch after that report was written. A node
    that still says so afterwards is believed: then two serve.
    """
    found: set[tuple[str, str]] = set()
    for other in reports.values():
        for group in _online(other):
            began = next(
                (t.at for t in other.turns if (t.group, t.what) == (group.name, "Online")), None
            )
            for name, report in reports.items():
                claims = [one for one in _online(report) if one.name == group.name]
                is_lower = any((one.epoch or 0) < (group.epoch or 0) for one in claims)
                if is_lower and began and report.at and report.at < began:
                    found.add((name, group.name))
    return frozenset(found)


def _online(report: NodeReport) -> tuple[GroupStatus, ...]:
    return tuple(one for one in report.groups if one.state is GroupState.ONLINE)


def _degraded(view: View, signals: Signals) -> Iterator[Finding]:
    reports = fresh_reports(view, signals)
    for node in view.spec.nodes:
        if why := _machine_trouble(view, node):
            yield _found(Reason.NODE_DOWN, f"{node.name}: {why}", Severity.DEGRADED)
        elif reports and node.name not in reports:
            why = hearing.silence(node.name, reports)
            yield _found(Reason.AGENT_SILENT, why, Severity.DEGRADED)
    down = {node.name for node in view.spec.nodes if _machine_trouble(view, node)}
    alive = {name: report for name, report in reports.items() if name not in down}
    if why := hearing.losses(view.spec, alive):
        yield _found(Reason.HEARTBEATS_LOST, why, Severity.DEGRADED)
    for name, report in reports.items():
        for event in report.announced:
            yield _found(Reason.MAINTENANCE_ANNOUNCED, f"{name}: {event}", Severity.DEGRADED)
        if not report.is_witness_reachable:
            why = f"{name} does not reach the witness, so it could not take over"
            yield _found(Reason.WITNESS_UNREACHABLE, why, Severity.DEGRADED)
        if not report.is_in_step:
            why = f"{name} does not have the newest data, so it could not take over"
            yield _found(Reason.MIRROR_OUT_OF_STEP, why, Severity.DEGRADED)


def _machine_trouble(view: View, node: Node) -> str | None:
    seen = view.get(view.names.machine(node))
    if isinstance(seen, Absent):
        return "its machine is missing"
    power = view.power_state(node)
    return f"its machine is {power}" if power not in {None, _RUNNING} else None


def _is_record_wrong(view: View, active: str | None) -> bool:
    dns = view.spec.access.dns
    held = record_set.addresses(view, dns) if dns else None
    if held is None or active is None:
        return False
    return held != (_address(view, active),)


def _overdue(view: View, signals: Signals, active: str | None) -> str | None:
    """Return the address to write, once the nodes have had all the time that they need."""
    is_managed = view.spec.cluster.node_agent is NodeAgent.MANAGED
    is_late = signals.record_wrong_for >= patience(view)
    return _address(view, active) if active and is_managed and is_late else None


def _address(view: View, name: str) -> str:
    return next(node.private_ip_address for node in view.spec.nodes if node.name == name)


def _found(reason: Reason, why: str, severity: Severity = Severity.UNSAFE) -> Finding:
    return Finding(severity=severity, reason=reason, why=why)


def _list(names: tuple[str, ...]) -> str:
    return " and ".join(names)
