"""Whether every agent runs the declared configuration: one condition with many reasons.

What a person has to mend comes first, then what is still on its way, the earliest step first.
"""

from typing import Final

from hacluster.errors import Retry
from hacluster.model.cluster import NodeAgent
from hacluster.model.ids import key
from hacluster.model.machines import Node, OperatingSystem
from hacluster.model.observed import Absent, Present
from hacluster.model.reasons import Reason
from hacluster.model.status import Truth
from hacluster.plan import run_command
from hacluster.reconcile.assess import fresh_reports
from hacluster.reconcile.gate import DISRUPTING
from hacluster.reconcile.judgement import Judgement, some
from hacluster.reconcile.passed import Passed
from hacluster.reconcile.prepared_condition import prepared_nodes


def nodes_configured(passed: Passed) -> Judgement:
    """Say whether every agent runs the declared configuration."""
    found = next((one for judge in _JUDGES if (one := judge(passed)) is not None), None)
    if found is not None:
        return found
    return Judgement(Truth.TRUE, Reason.AS_DECLARED, "Every node runs the declared configuration")


def _by_external(passed: Passed) -> Judgement | None:
    service = passed.view.spec.cluster
    if service.node_agent is not NodeAgent.EXTERNAL:
        return None
    if service.node_configuration.is_stated:
        return prepared_nodes(passed)
    message = "Something else runs the nodes, and there is nothing to configure on them"
    return Judgement(Truth.TRUE, Reason.NODE_AGENT_EXTERNAL, message)


def _by_trouble(passed: Passed) -> Judgement | None:
    if passed.view.spec.machines.operating_system is not OperatingSystem.LINUX:
        message = "Our agent does not run on Windows: set cluster.nodeAgent to External"
        return Judgement(Truth.FALSE, Reason.REFUSED, message)
    error = passed.nodes and (passed.nodes.trouble or passed.nodes.failed)
    if not error:
        return None
    status = Truth.UNKNOWN if error.retry is Retry.SOON else Truth.FALSE
    return Judgement(status, error.reason, str(error))


def _by_failed_runs(passed: Passed) -> Judgement | None:
    failed = [
        f"{node.name}: {why}"
        for node in passed.view.spec.nodes
        if (why := run_command.failure(passed.view, node))
    ]
    refused = _of_agents(passed)
    if failed:
        message = f"The agent could not be brought to {some(failed)}"
        return Judgement(Truth.FALSE, Reason.INSTALL_FAILED, message)
    troubles = [one for one in passed.troubles if key(one.id) in refused]
    if troubles:
        return Judgement(Truth.FALSE, troubles[0].error.reason, str(troubles[0].error))
    steps = [step for step in passed.gated.refused if key(step.id) in refused]
    return Judgement(Truth.FALSE, steps[0].reason, steps[0].why) if steps else None


def _by_overdue_sas(passed: Passed) -> Judgement | None:
    sas = passed.nodes.keys.sas if passed.nodes and passed.nodes.keys else None
    if passed.nodes is None or sas is None or not passed.nodes.is_sas_overdue:
        return None
    until = sas.until.isoformat(timespec="minutes")
    message = f"The nodes' SAS for the container is not renewed; it ends {until}"
    return Judgement(Truth.FALSE, Reason.SAS_OVERDUE, message)


def _by_overdue_token(passed: Passed) -> Judgement | None:
    token = passed.nodes.keys.token if passed.nodes and passed.nodes.keys else None
    if passed.nodes is None or token is None or not passed.nodes.is_token_overdue:
        return None
    until = token.until.isoformat(timespec="minutes")
    message = f"The nodes' token for their Leases is not renewed; it ends {until}"
    return Judgement(Truth.FALSE, Reason.TOKEN_OVERDUE, message)


def _by_unreadable(passed: Passed) -> Judgement | None:
    found = [f"{node}: {why}" for node, why in passed.signals.unreadable.items()]
    if not found:
        return None
    message = f"A report is not believed: {some(found)}"
    return Judgement(Truth.FALSE, Reason.REPORT_NOT_BELIEVED, message)


def _by_refusals(passed: Passed) -> Judgement | None:
    reports = fresh_reports(passed.view, passed.signals)
    found = [f"{name}: {one.refused}" for name, one in reports.items() if one.refused]
    if not found:
        return None
    return Judgement(Truth.FALSE, Reason.CONFIGURATION_REFUSED, some(found))


def _by_held(passed: Passed) -> Judgement | None:
    ids = _of_agents(passed)
    held = [
        one for one in passed.gated.held if key(one.step.id) in ids and one.reason in DISRUPTING
    ]
    if not held:
        return None
    return Judgement(
        Truth.FALSE, held[0].reason, some(f"{one.step.why}: {one.why}" for one in held)
    )


def _by_silence(passed: Passed) -> Judgement | None:
    reports = fresh_reports(passed.view, passed.signals)
    silent = [node for node in passed.view.spec.nodes if node.name not in reports]
    if not silent:
        return None
    if passed.nodes is None:
        message = f"No agent has reported from {some(node.name for node in silent)}"
        reason = Reason.AGENT_SILENT if reports else Reason.AWAITING_AGENT
        return Judgement(Truth.UNKNOWN, reason, message)
    known = {one.node for one in passed.signals.reports}
    gone = [node.name for node in silent if node.name in known]
    if gone:
        return Judgement(Truth.UNKNOWN, Reason.AGENT_SILENT, f"No fresh report from {some(gone)}")
    message = some(f"{node.name}: {_awaited(passed, node)}" for node in silent)
    return Judgement(Truth.FALSE, Reason.AWAITING_AGENT, message)


def _awaited(passed: Passed, node: Node) -> str:
    """Return what has to happen before an agent reports for the first time."""
    view, nodes = passed.view, passed.nodes
    seen = view.get(view.names.agent_command(node))
    if isinstance(seen, Present):
        if not seen.is_settled:
            return "the agent is being brought by Run Command"
        return "the agent was brought; its first report is awaited"
    machine = view.get(view.names.machine(node))
    if isinstance(machine, Absent):
        return "its machine is not there yet"
    if not run_command.is_running(view, node):
        return f"its machine does not run yet ({view.power_state(node) or 'not known'})"
    if nodes is not None and nodes.awaits:
        return nodes.awaits
    if nodes is not None and nodes.keys is None:
        return "the cluster's keys are made first"
    if view.installation is None:
        return "the agent's package comes into the store first"
    return "the agent is about to be brought by Run Command"


def _by_programs(passed: Passed) -> Judgement | None:
    wanted = run_command.package_digest(passed.view)
    agents = passed.view.assessment.agents
    others = [name for name, runs in agents.items() if wanted and runs != wanted]
    if not others:
        return None
    message = f"{some(others)}: another agent than this operator's, which is {wanted}"
    return Judgement(Truth.FALSE, Reason.INSTALLING, message)


def _by_configurations(passed: Passed) -> Judgement | None:
    wanted = passed.signals.configuration
    reports = fresh_reports(passed.view, passed.signals)
    behind = [
        name for name, one in reports.items() if wanted is None or one.configuration != wanted
    ]
    if not behind:
        return None
    why = f" ({passed.nodes.awaits})" if passed.nodes and passed.nodes.awaits else ""
    message = f"{some(behind)}: not on the declared configuration yet{why}"
    return Judgement(Truth.FALSE, Reason.CONFIGURING, message)


def _by_software(passed: Passed) -> Judgement | None:
    reports = fresh_reports(passed.view, passed.signals)
    found = [f"{name}: {one.software}" for name, one in reports.items() if one.software]
    return Judgement(Truth.FALSE, Reason.SOFTWARE_FAILED, some(found)) if found else None


def _of_agents(passed: Passed) -> frozenset[str]:
    return frozenset(key(one) for one in run_command.ids(passed.view))


_JUDGES: Final = (
    _by_external,
    _by_trouble,
    _by_failed_runs,
    _by_overdue_sas,
    _by_overdue_token,
    _by_unreadable,
    _by_refusals,
    _by_held,
    _by_silence,
    _by_programs,
    _by_configurations,
    _by_software,
)
