"""The configuration of nodes that no agent of ours runs, put in place by a managed Run Command.

Each node has one, of one fixed name; `nodes.preparation` has its script. It is run

| when | as |
|---|---|
| it is not there, or brings another content | the first round of that content |
| the last run failed | another attempt |
| the last run ended long ago (`Preparation.due`) | another round: what has drifted is put back |

One node at a time. Nodes that do not serve by the balancer's own health come first; one that
serves, or may serve, follows when all before it are in order. A node that fails ends the advance.
"""

from dataclasses import replace
from typing import Any, Final

from hacluster.model.ids import ArmId
from hacluster.model.machines import Node, OperatingSystem
from hacluster.model.observed import Absent, Present, Unknown
from hacluster.model.reasons import Reason
from hacluster.plan.nodes.preparation import Round, Script, changed, round_of, script_of
from hacluster.plan.run_command import failure_of, is_running
from hacluster.plan.settle import settle
from hacluster.plan.steps import Change, Put, Refuse, Step
from hacluster.plan.view import View, remembered
from hacluster.plan.wanted import Wanted, is_ours, regional

TIMEOUT_S: Final = 3600
"""A run is ended by Azure after so long; each thing in the script is given up before."""
LONGEST: Final = 256 * 1024
"""Characters of a script: what the simulator takes; Azure's page names no number (assumed)."""
_SCRIPT: Final = "properties.source.script"


def plan(view: View) -> tuple[Step, ...]:
    """Return the step for the one node whose turn it is, or what is to be refused."""
    script = _script(view)
    if script is None:
        return ()
    size = len(script.text())
    if size > LONGEST:
        return (_too_long(view, size),)
    for node in _order(view):
        if (want := _next_round(view, node)) is not None and not awaits(view, node):
            return _steps(view, node, want)
    return ()


@remembered
def desired(view: View) -> tuple[Wanted, ...]:
    """Return one Run Command for each node, as soon as it is known what it is to bring."""
    script = _script(view)
    if script is None:
        return ()
    first = Round(content=_content(view))
    return tuple(_wanted(view, node, script, first) for node in view.spec.nodes)


def ids(view: View) -> tuple[ArmId, ...]:
    """Return the ids of all of them, whether or not it is known what they bring."""
    if not view.prepares_nodes:
        return ()
    return tuple(view.names.configuration_command(node) for node in view.spec.nodes)


def failure(view: View, node: Node) -> str:
    """Return how the last run on a node has failed, or nothing."""
    return failure_of(_seen(view, node))


def attempts(view: View, node: Node) -> int:
    """Return which attempt the last run was; 0 where there was none."""
    had = _had(view, node)
    return had.attempt if had else 0


def is_in_place(view: View, node: Node) -> bool:
    """Say whether the declared configuration was in place when it was looked at last."""
    seen, had = _seen(view, node), _had(view, node)
    is_wish = had is not None and view.preparation is not None and had.content == _content(view)
    return is_wish and seen is not None and seen.is_settled and not failure_of(seen)


def repaired(view: View, node: Node) -> tuple[str, ...]:
    """Return what the last round has put back on a node: it was in place before, and drifted."""
    seen, had = _seen(view, node), _had(view, node)
    if seen is None or had is None or had.number == 1:
        return ()
    return changed(str((seen.properties.get("instanceView") or {}).get("output") or ""))


def awaits(view: View, node: Node) -> str:
    """Return what has to happen before anything may be sent to a node, or nothing."""
    if not is_running(view, node):
        return f"its machine does not run ({view.power_state(node) or 'not known'})"
    for other in view.spec.nodes:
        seen = view.get(view.names.configuration_command(other))
        if isinstance(seen, Unknown):
            return f"how it stands with {other.name} could not be read: {seen.why}"
        if isinstance(seen, Present) and not seen.is_settled:
            return f"{other.name} is being configured: one node at a time"
    return _awaits_turn(view, node)


def _awaits_turn(view: View, node: Node) -> str:
    serving, order = view.assessment.serving, _order(view)
    is_idle = serving is not None and node.name not in serving
    if view.assessment.is_unsafe and not is_idle:
        return "two nodes may serve: that is mended first"
    is_open = serving is not None or view.spec.access.load_balancer is None
    if not is_open and _had(view, node) is not None:
        return "the balancer has not said who serves"
    for other in order[: order.index(node)]:
        if is_in_place(view, other) or (is_idle and not is_running(view, other)):
            continue
        return f"{other.name} comes first"
    return ""


def _order(view: View) -> tuple[Node, ...]:
    """Return the nodes in the order of their turns: those that do not serve come first."""
    serving = view.assessment.serving or ()
    return tuple(sorted(view.spec.nodes, key=lambda node: node.name in serving))


def _next_round(view: View, node: Node) -> Round | None:
    """Return what is to be run on a node, or None where nothing is, or nothing can be said."""
    seen, had = view.get(view.names.configuration_command(node)), _had(view, node)
    if isinstance(seen, Absent) or had is None or had.content != _content(view):
        return Round(content=_content(view))
    if failure(view, node):
        return replace(had, attempt=had.attempt + 1)
    is_due = view.preparation is not None and node.name in view.preparation.due
    return replace(had, number=had.number + 1, attempt=1) if is_due else None


def _steps(view: View, node: Node, want: Round) -> tuple[Step, ...]:
    script = _script(view)
    if script is None:
        return ()
    wanted = _wanted(view, node, script, want)
    seen = view.get(wanted.id)
    if isinstance(seen, Absent):
        why = "the declared configuration is not on this machine yet"
        return tuple(replace(step, why=why) for step in settle(view, wanted))
    if not isinstance(seen, Present):
        return ()
    if not is_ours(view, seen):
        return settle(view, wanted)
    had = _had(view, node)
    is_same = had is not None and had.content == want.content
    return (
        Put(
            id=wanted.id,
            body=wanted.body,
            etag=None,
            why=_why(had, want),
            needs=wanted.needs,
            changes=() if is_same else (_change(had, want),),
        ),
    )


def _change(had: Round | None, want: Round) -> Change:
    return Change(_SCRIPT, want.line(), had.line() if had else "not ours")


def _why(had: Round | None, want: Round) -> str:
    if had is None or had.content != want.content:
        return "another configuration of the nodes"
    if had.number == want.number:
        return f"attempt {want.attempt}: the last run failed"
    return f"round {want.number}: it is looked whether anything has drifted"


def _too_long(view: View, size: int) -> Refuse:
    why = (
        f"cluster.nodeConfiguration makes a script of {size} characters, and Run Command takes "
        f"{LONGEST}: bring large files by a package, or fetch them by a command"
    )
    first = view.names.configuration_command(view.spec.nodes[0])
    return Refuse(id=first, reason=Reason.REFUSED, why=why)


def _wanted(view: View, node: Node, script: Script, which: Round) -> Wanted:
    protected = [{"name": name, "value": secret} for name, secret in script.secrets]
    properties: dict[str, Any] = {
        "source": {"script": script.text(which)},
        "protectedParameters": protected,
        "asyncExecution": False,
        "timeoutInSeconds": TIMEOUT_S,
        "treatFailureAsDeploymentFailure": False,
    }
    if not protected:
        del properties["protectedParameters"]
    return Wanted(
        id=view.names.configuration_command(node),
        body=regional(view, properties),
        needs=frozenset({view.names.machine(node)}),
        node=node.name,
    )


@remembered
def _script(view: View) -> Script | None:
    if not view.prepares_nodes or view.preparation is None:
        return None
    configuration, machines = view.spec.cluster.node_configuration, view.spec.machines
    system = OperatingSystem(machines.operating_system)
    return script_of(configuration, system, view.preparation)


@remembered
def _content(view: View) -> str:
    script = _script(view)
    return script.content if script else ""


def _seen(view: View, node: Node) -> Present | None:
    return view.present(view.names.configuration_command(node))


def _had(view: View, node: Node) -> Round | None:
    seen = _seen(view, node)
    source = (seen.properties.get("source") or {}) if seen else {}
    return round_of(str(source.get("script") or ""))
