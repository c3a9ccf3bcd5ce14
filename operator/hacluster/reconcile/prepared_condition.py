"""Whether nodes that no agent of ours runs have the declared packages, files and commands."""

from typing import Final

from hacluster.errors import Retry
from hacluster.model.ids import key
from hacluster.model.observed import Present
from hacluster.model.reasons import Reason
from hacluster.model.status import Truth
from hacluster.plan import external_nodes
from hacluster.reconcile.judgement import Judgement, some
from hacluster.reconcile.passed import Passed


def prepared_nodes(passed: Passed) -> Judgement:
    """Say whether the declared configuration was in place on every node at the last look."""
    found = next((one for judge in _JUDGES if (one := judge(passed)) is not None), None)
    if found is not None:
        return found
    view = passed.view
    repairs = [
        f"{node.name}: {what}"
        for node in view.spec.nodes
        for what in external_nodes.repaired(view, node)
    ]
    drifted = f"; the last look found drift and put back {some(repairs)}" if repairs else ""
    message = f"Every node has the declared packages, files and commands{drifted}"
    return Judgement(Truth.TRUE, Reason.AS_DECLARED, message)


def _by_trouble(passed: Passed) -> Judgement | None:
    if passed.prepared is None:
        message = "Something else runs the nodes; how they are configured was not looked at"
        return Judgement(Truth.UNKNOWN, Reason.NOT_OBSERVED, message)
    error = passed.prepared.trouble
    if error is None:
        return None
    status = Truth.UNKNOWN if error.retry is Retry.SOON else Truth.FALSE
    return Judgement(status, error.reason, str(error))


def _by_failed_runs(passed: Passed) -> Judgement | None:
    view = passed.view
    failed = [
        f"{node.name}: {why}"
        for node in view.spec.nodes
        if (why := external_nodes.failure(view, node))
    ]
    if failed:
        return Judgement(Truth.FALSE, Reason.SOFTWARE_FAILED, some(failed))
    ids = frozenset(key(one) for one in external_nodes.ids(view))
    troubles = [one.error for one in passed.troubles if key(one.id) in ids]
    if troubles:
        return Judgement(Truth.FALSE, troubles[0].reason, str(troubles[0]))
    refused = [step for step in passed.gated.refused if key(step.id) in ids]
    return Judgement(Truth.FALSE, refused[0].reason, refused[0].why) if refused else None


def _by_turns(passed: Passed) -> Judgement | None:
    view = passed.view
    ids = {key(one.step.id): one.why for one in passed.gated.held}
    waiting: list[str] = []
    for node in view.spec.nodes:
        where = view.names.configuration_command(node)
        seen = view.get(where)
        if external_nodes.is_in_place(view, node):
            continue
        if isinstance(seen, Present) and not seen.is_settled:
            waiting.append(f"{node.name}: a script of Run Command runs")
        else:
            why = ids.get(key(where)) or external_nodes.awaits(view, node)
            waiting.append(f"{node.name}: {why or 'its turn has come'}")
    return Judgement(Truth.FALSE, Reason.CONFIGURING, some(waiting)) if waiting else None


_JUDGES: Final = (_by_trouble, _by_failed_runs, _by_turns)
