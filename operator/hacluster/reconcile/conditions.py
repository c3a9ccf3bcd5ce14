"""The judgements of a pass: each condition's answer, from what was seen and nothing else.

What could not be seen is Unknown, never True and never False. Where several things are wrong, the
one that a person has to mend comes first, then what mends itself.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from hacluster.errors import ArmThrottled, Retry
from hacluster.model.assessment import Finding, Severity
from hacluster.model.cluster import NodeAgent
from hacluster.model.partition import PartitionMode
from hacluster.model.reasons import Reason
from hacluster.model.status import ConditionType, NodeRole, Truth
from hacluster.reconcile.assess import fresh_reports
from hacluster.reconcile.azure_condition import azure_reconciled
from hacluster.reconcile.judgement import Judgement, refusals, some, unsettled
from hacluster.reconcile.nodes_condition import nodes_configured
from hacluster.reconcile.passed import Passed

SETTLED_AFTER_PROBES: Final = 3
"""After how many probe intervals a balancer has certainly seen that another node serves."""


def judge(passed: Passed) -> Mapping[ConditionType, Judgement]:
    """Return the judgement of every condition."""
    parts = {
        ConditionType.ACCEPTED: Judgement(
            Truth.TRUE, Reason.SPEC_ACCEPTED, "The spec is understood and allowed"
        ),
        ConditionType.AZURE_RECONCILED: azure_reconciled(passed),
        ConditionType.NODES_CONFIGURED: nodes_configured(passed),
        ConditionType.EXACTLY_ONE_ACTIVE: exactly_one_active(passed),
    }
    return {
        ConditionType.READY: ready(passed, parts),
        **parts,
        ConditionType.SPLIT_BRAIN_SAFE: split_brain_safe(passed),
        ConditionType.DEGRADED: degraded(passed),
        ConditionType.RECONCILING: reconciling(passed, parts[ConditionType.AZURE_RECONCILED]),
        ConditionType.STALLED: stalled(passed),
    }


def exactly_one_active(passed: Passed) -> Judgement:
    """Say whether one node serves, and one only."""
    assessment = passed.view.assessment
    if unsafe := _findings(passed, Severity.UNSAFE):
        return Judgement(Truth.FALSE, unsafe[0].reason, _sentences(unsafe))
    if assessment.serving is None:
        message = "Neither the balancer nor an agent tells who serves"
        return Judgement(Truth.UNKNOWN, Reason.NO_EVIDENCE, message)
    serving = assessment.serving
    if assessment.is_contradictory:
        message = f"The balancer and the agents name different nodes: {' and '.join(serving)}"
        if settling := _settling(passed):
            return Judgement(Truth.UNKNOWN, Reason.FAILOVER_SETTLING, f"{message}; {settling}")
        return Judgement(Truth.UNKNOWN, Reason.EVIDENCE_DIFFERS, message)
    if not serving:
        return Judgement(Truth.FALSE, Reason.NOBODY_SERVES, "No node serves")
    holder = passed.signals.witness_holder
    if assessment.active and holder not in (None, assessment.active):
        message = f"{assessment.active} serves, and the witness names {holder}"
        return Judgement(Truth.FALSE, Reason.EVIDENCE_DIFFERS, message)
    message = f"{' and '.join(serving)} serves{_as_of(passed)}"
    return Judgement(Truth.TRUE, Reason.ONE_SERVES, message)


def _as_of(passed: Passed) -> str:
    """Return how old the evidence may be, where the balancer alone gives it and is asked seldom."""
    within = passed.signals.health_within
    if not within or fresh_reports(passed.view, passed.signals):
        return ""
    minutes = round(within.total_seconds() / 60)
    return f", as the balancer said within the last {minutes} minutes"


def _settling(passed: Passed) -> str:
    """Return how a move ended just now explains that the evidence differs, or nothing.

    The balancer's word is older than its probes, and asked for once in a period; so long it may
    name the node that was left. That it is stale is likely then, not known: nothing becomes True.
    """
    view, holder = passed.view, passed.signals.witness_holder
    balancer, report = (
        view.spec.access.load_balancer,
        fresh_reports(view, passed.signals).get(holder or ""),
    )
    began = next((t.at for t in report.turns if t.what == "Online"), None) if report else None
    if balancer is None or report is None or began is None or report.role is not NodeRole.ACTIVE:
        return ""
    period = timedelta(seconds=view.spec.management.sync_interval_seconds)
    lag = SETTLED_AFTER_PROBES * timedelta(seconds=balancer.probe.interval_seconds) + 2 * period
    since = passed.now - began
    if not -period <= since <= lag:
        return ""
    within = f"{lag.total_seconds():.0f} s"
    return f"{holder} took over by the witness's word, and the balancer follows within {within}"


def split_brain_safe(passed: Passed) -> Judgement:
    """Say whether a witness protects against two active nodes."""
    service = passed.view.spec.cluster
    if unsafe := _findings(passed, Severity.UNSAFE):
        return Judgement(Truth.FALSE, unsafe[0].reason, _sentences(unsafe))
    if service.node_agent is NodeAgent.EXTERNAL:
        message = "Something else decides who is active; how safely is not known here"
        return Judgement(Truth.UNKNOWN, Reason.NODE_AGENT_EXTERNAL, message)
    if service.partition.mode is PartitionMode.GUIDE:
        message = "Ping, TCP and HTTP targets cannot exclude two active nodes in every case"
        return Judgement(Truth.FALSE, Reason.TARGETS_ONLY, message)
    reports = fresh_reports(passed.view, passed.signals)
    if len(reports) < len(passed.view.spec.nodes):
        message = "A witness is declared; not every agent has reported that it uses it"
        return Judgement(Truth.UNKNOWN, Reason.AWAITING_AGENT, message)
    unsafe_settings = [f"{name}: {one.unsafe}" for name, one in reports.items() if one.unsafe]
    if unsafe_settings:
        return Judgement(Truth.FALSE, Reason.UNSAFE_SETTINGS, some(unsafe_settings))
    message = "Only the node that the witness names may serve"
    return Judgement(Truth.TRUE, Reason.WITNESS_GUARDS, message)


def degraded(passed: Passed) -> Judgement:
    """Say whether the service could not survive another failure."""
    assessment = passed.view.assessment
    if not assessment.serving:
        message = "Who serves is not known" if assessment.serving is None else "No node serves"
        reason = Reason.NO_EVIDENCE if assessment.serving is None else Reason.NOBODY_SERVES
        return Judgement(Truth.UNKNOWN, reason, message)
    if found := _findings(passed, Severity.DEGRADED):
        return Judgement(Truth.TRUE, found[0].reason, _sentences(found))
    if assessment.is_silent:
        message = "No agent has reported: whether another node could take over is not known"
        return Judgement(Truth.UNKNOWN, Reason.AWAITING_AGENT, message)
    if passed.view.spec.cluster.node_agent is NodeAgent.EXTERNAL:
        message = (
            "The machines run and the balancer finds one node that serves; whether another could "
            "take over is decided by something else and not known here"
        )
        return Judgement(Truth.UNKNOWN, Reason.NODE_AGENT_EXTERNAL, message)
    message = "Every node that does not serve is ready to take over"
    return Judgement(Truth.FALSE, Reason.CAN_SPARE_ONE, message)


def ready(passed: Passed, parts: Mapping[ConditionType, Judgement]) -> Judgement:
    """Sum up: True only if each part is; else the first part that is not says why."""
    if passed.is_deleting:
        return parts[ConditionType.AZURE_RECONCILED]._replace(status=Truth.FALSE)
    wrong = [one for one in parts.values() if one.status is not Truth.TRUE]
    if not wrong:
        return Judgement(Truth.TRUE, Reason.AS_DECLARED, _serving(passed))
    false = [one for one in wrong if one.status is Truth.FALSE]
    return Judgement(Truth.FALSE if false else Truth.UNKNOWN, *(false or wrong)[0][1:])


def reconciling(passed: Passed, azure: Judgement) -> Judgement:
    """Say whether the operator or Azure is working towards the spec: kstatus' "in progress"."""
    is_working = bool(passed.gated.allowed or passed.moving or unsettled(passed))
    is_waiting = azure.status is not Truth.TRUE and stalled(passed).status is Truth.FALSE
    if is_working or is_waiting:
        return Judgement(Truth.TRUE, azure.reason, azure.message)
    return Judgement(Truth.FALSE, azure.reason, "Nothing is under way")


def stalled(passed: Passed) -> Judgement:
    """Say whether somebody has to do something: kstatus' "failed"."""
    errors = [trouble.error for trouble in passed.troubles]
    errors += [passed.trouble] if passed.trouble else []
    for error in errors:
        if error.retry is not Retry.SOON and not isinstance(error, ArmThrottled):
            return Judgement(Truth.TRUE, error.reason, str(error))
    if passed.gated.refused and not passed.is_deleting:
        first = passed.gated.refused[0]
        return Judgement(Truth.TRUE, first.reason, refusals(passed))
    return Judgement(Truth.FALSE, Reason.AS_DECLARED, "Nothing waits for a person")


def _findings(passed: Passed, severity: Severity) -> list[Finding]:
    return [one for one in passed.view.assessment.findings if one.severity is severity]


def _sentences(findings: Iterable[Finding]) -> str:
    return some(finding.why for finding in findings)


def _serving(passed: Passed) -> str:
    assessment, service = passed.view.assessment, passed.view.spec.cluster
    others = [node.name for node in passed.view.spec.nodes if node.name != assessment.active]
    if assessment.active is None:
        return f"{' and '.join(assessment.serving or ())} serve"
    if assessment.is_degraded:
        return f"{assessment.active} serves; {_sentences(assessment.findings)}"
    is_known = not assessment.is_silent and service.node_agent is NodeAgent.MANAGED
    more = f"{some(others)} can take over" if is_known else "who could take over is not known here"
    return f"{assessment.active} serves; {more}"
