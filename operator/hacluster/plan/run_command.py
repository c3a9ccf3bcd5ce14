"""The agent on every node, brought by a managed Run Command with one fixed name.

Azure runs a script when its text is another one. So the text tells what it brings (`nodes.script`),
and what is there is compared by that. How a run ended is told by the instance view alone: that the
resource was provisioned says nothing of it. A run that failed is repeated as another attempt.

Another agent, or another identity, makes the agent start anew and so interrupts its node: one node
at a time, a standby first, and the next one only when the agent of the last one is back. New keys,
a new SAS and a new token interrupt nothing.
"""

from dataclasses import replace
from typing import Any, Final

from hacluster.model.agent import Installation
from hacluster.model.ids import ArmId
from hacluster.model.machines import Node
from hacluster.model.observed import Absent, Present
from hacluster.model.partition import StoreAccess
from hacluster.plan.nodes.document import cluster_id
from hacluster.plan.nodes.node_file import NodeFileRef, Place
from hacluster.plan.nodes.script import Head, head_of, script
from hacluster.plan.settle import settle
from hacluster.plan.steps import Change, Put, Step
from hacluster.plan.view import View, remembered
from hacluster.plan.wanted import Wanted, is_ours, regional

TIMEOUT_S: Final = 600
"""A run is ended by Azure after so long; the bootstrap itself gives up before."""
_RUNNING: Final = "running"
_TAIL: Final = 400
_SCRIPT: Final = "properties.source.script"


def plan(view: View) -> tuple[Step, ...]:
    """Return the steps that bring the agent, or other keys, to the nodes that lack them."""
    pairs = zip(view.spec.nodes, desired(view), strict=False)
    return tuple(step for node, wanted in pairs for step in _steps(view, node, wanted))


@remembered
def desired(view: View) -> tuple[Wanted, ...]:
    """Return one Run Command for each node, as soon as it is known what it is to bring."""
    if not view.runs_agents or view.installation is None:
        return ()
    return tuple(_wanted(view, node) for node in view.spec.nodes)


def package_digest(view: View) -> str:
    """Return what an agent says of its program if it is the one that belongs there."""
    return view.installation.package.digest[:16] if view.installation else ""


def ids(view: View) -> tuple[ArmId, ...]:
    """Return the ids of all Run Commands that belong to the cluster, known or not what they bring.

    They are watched and kept from the beginning: that the keys cannot be read removes no agent.
    """
    if not view.runs_agents:
        return ()
    return tuple(view.names.agent_command(node) for node in view.spec.nodes)


def failure(view: View, node: Node) -> str:
    """Return how the last run on a node has failed, or nothing."""
    return failure_of(view.present(view.names.agent_command(node)))


def failure_of(seen: Present | None) -> str:
    """Return how the last run of a Run Command has failed, or nothing."""
    if seen is None or not seen.is_settled:
        return ""
    shown = seen.properties.get("instanceView") or {}
    state, code = str(shown.get("executionState") or ""), shown.get("exitCode")
    if state in {"", "Succeeded", "Running", "Pending", "Unknown"} and not code:
        return "" if seen.has_succeeded else f"Azure ended it as {seen.provisioning_state}"
    said = " ".join(str(shown.get("error") or shown.get("output") or "").split())
    ended = f"{state or 'Failed'}, exit code {code}" if code is not None else state
    return f"{ended}: {said[-_TAIL:] or shown.get('executionMessage') or 'it said nothing'}"


def attempts(view: View, node: Node) -> int:
    """Return which attempt the last run was; 0 where there was none."""
    seen = view.present(view.names.agent_command(node))
    head = _head(seen) if seen else None
    return head.attempt if head else 0


def is_running(view: View, node: Node) -> bool:
    """Say whether a machine can run a script now, as far as Azure knows."""
    seen = view.present(view.names.machine(node))
    if seen is None or not seen.is_settled or not seen.has_succeeded:
        return False
    return view.power_state(node) == _RUNNING


def _steps(view: View, node: Node, wanted: Wanted) -> tuple[Step, ...]:
    seen = view.get(wanted.id)
    if not is_running(view, node):
        return ()
    if isinstance(seen, Absent):
        why = "the agent is not on this machine yet"
        return tuple(replace(step, why=why) for step in settle(view, wanted))
    if not isinstance(seen, Present) or not seen.is_settled:
        return ()
    if not is_ours(view, seen):
        return settle(view, wanted)
    had, want = _head(seen), _head_wanted(view, node)
    is_same = had is not None and had.wish == want.wish
    if had is not None and is_same:
        if not failure(view, node):
            return ()
        want = replace(want, attempt=had.attempt + 1)
    return _update(view, node, wanted, had, want)


def _update(
    view: View, node: Node, wanted: Wanted, had: Head | None, want: Head
) -> tuple[Step, ...]:
    is_gentle = had is not None and had.restarts == want.restarts and not failure(view, node)
    disrupts = None if is_gentle or not _is_serving(view, node) else node.name
    if disrupts and _is_other_in_flux(view, node):
        return ()
    return (
        Put(
            id=wanted.id,
            body=_body(view, node, want),
            etag=None,
            why=_why(had, want),
            needs=wanted.needs,
            disrupts=disrupts,
            changes=(Change(_SCRIPT, _said(want), _said(had)),),
        ),
    )


def _why(had: Head | None, want: Head) -> str:
    if had is not None and had.wish == want.wish:
        return f"attempt {want.attempt}: the last run failed"
    if had is not None and had.restarts == want.restarts:
        return "other keys, SAS or token"
    if had is not None and had.package != want.package:
        return f"another agent: {want.package[:16]} instead of {had.package[:16]}"
    return "the node's place in the store is another one"


def _said(head: Head | None) -> str:
    if head is None:
        return "not ours"
    return f"package {head.package[:16]}, keys {head.keys}, attempt {head.attempt}"


def _is_serving(view: View, node: Node) -> bool:
    """Say whether there may be something on a node to be interrupted: an agent, or the service."""
    assessment = view.assessment
    return node.name in assessment.agents or node.name in (assessment.serving or ())


def _is_other_in_flux(view: View, node: Node) -> bool:
    """Say whether another node's agent is being changed, or has not come back since."""
    for other in view.spec.nodes:
        seen = view.get(view.names.agent_command(other))
        if other.name == node.name or isinstance(seen, Absent):
            continue
        if not isinstance(seen, Present) or not seen.is_settled:
            return True
        head, want = _head(seen), _head_wanted(view, other)
        is_sent = head is not None and head.restarts == want.restarts
        if is_sent and view.assessment.agents.get(other.name) != package_digest(view):
            return True
    return False


def _wanted(view: View, node: Node) -> Wanted:
    names = view.names
    needs = {names.machine(node), names.container}
    if view.spec.cluster.store.access is StoreAccess.MANAGED_IDENTITY:
        needs.add(names.role_assignment(names.container))
    body = _body(view, node, _head_wanted(view, node))
    return Wanted(id=names.agent_command(node), body=body, needs=frozenset(needs), node=node.name)


def _body(view: View, node: Node, head: Head) -> dict[str, Any]:
    installation = _known(view)
    place = _place(view, node)
    reference = NodeFileRef(
        secret=installation.secret, fingerprint=installation.fingerprint, place=place
    )
    properties: dict[str, Any] = {
        "source": {"script": script(head, installation.package.bootstrap)},
        "parameters": [{"name": "HACLUSTER_CA", "value": installation.guest.ca}],
        "protectedParameters": [{"name": "HACLUSTER_NODE_FILE", "value": reference}],
        "asyncExecution": False,
        "timeoutInSeconds": TIMEOUT_S,
        "treatFailureAsDeploymentFailure": False,
    }
    if not installation.guest.ca:
        del properties["parameters"]
    return regional(view, properties)


def _head_wanted(view: View, node: Node) -> Head:
    installation = _known(view)
    return Head(
        package=installation.package.digest,
        identity=_place(view, node).identity(),
        keys=installation.fingerprint,
    )


def _place(view: View, node: Node) -> Place:
    installation = _known(view)
    return Place(
        cluster=cluster_id(view),
        node=node.name,
        container=installation.container,
        client_id=installation.client_id,
        resource_manager=installation.guest.resource_manager,
        metadata=installation.guest.metadata,
        has_ca=bool(installation.guest.ca),
        access=view.spec.cluster.store.access,
        api_server=installation.api_server,
    )


def _known(view: View) -> Installation:
    if view.installation is None:
        raise ValueError("the installation is not known yet")
    return view.installation


def _head(seen: Present) -> Head | None:
    source = seen.properties.get("source") or {}
    return head_of(str(source.get("script") or ""))
