"""What will be run on the nodes by Run Command, as far as that can be told before it is planned.

The operator plans a Run Command when its machine runs and all that it brings is known: keys, the
place in the store, what ConfigMaps and Secrets hold. Whoever wants to know earlier what comes to
the nodes gets it here, in words; nothing is done by it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from hacluster.model.cluster import NodeConfiguration
from hacluster.model.ids import ArmId
from hacluster.model.machines import Node
from hacluster.model.observed import Absent, Present
from hacluster.plan import external_nodes, run_command
from hacluster.plan.nodes.preparation import round_of
from hacluster.plan.nodes.script import head_of
from hacluster.plan.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """One Run Command that follows."""

    node: str
    id: ArmId
    why: str
    is_sure: bool = True
    """Whether it is known that it is run; if not, ``why`` says what is not known."""


def foreseen(view: View, package: str) -> tuple[Foreseen, ...]:
    """Return what follows on each node, in the order of the spec.

    Args:
        view: The cluster with what was seen of it.
        package: SHA-256 of the agent's zip as this operator ships it.
    """
    return tuple(one for node in view.spec.nodes for one in _on(view, node, package))


def _on(view: View, node: Node, package: str) -> Iterator[Foreseen]:
    if view.runs_agents and (why := _agent(view, node, package)):
        yield Foreseen(node=node.name, id=view.names.agent_command(node), why=why)
    if view.prepares_nodes:
        yield from _configuration(view, node)


def _agent(view: View, node: Node, package: str) -> str:
    seen = view.get(view.names.agent_command(node))
    if isinstance(seen, Absent):
        return f"the agent {package[:16]} is brought"
    head = head_of(_script(seen)) if isinstance(seen, Present) else None
    if head is None:
        return ""  # It could not be read, or is not ours: the plan itself says so.
    if head.package != package:
        had = head.package[:16]
        return f"another agent, {package[:16]} instead of {had}; the active node comes last"
    if failed := run_command.failure(view, node):
        return f"attempt {head.attempt + 1}: the last run failed ({failed})"
    return ""


def _configuration(view: View, node: Node) -> Iterator[Foreseen]:
    where = view.names.configuration_command(node)
    seen = view.get(where)
    if isinstance(seen, Absent):
        configuration = view.spec.cluster.node_configuration
        yield Foreseen(node=node.name, id=where, why=f"{_things(configuration)} are put in place")
    had = round_of(_script(seen)) if isinstance(seen, Present) else None
    if had is None:
        return
    if failed := external_nodes.failure(view, node):
        why = f"attempt {had.attempt + 1}: the last run failed ({failed})"
        yield Foreseen(node=node.name, id=where, why=why)
    elif view.preparation is None:
        why = "what its ConfigMaps and Secrets hold is not known here: it is run if that is new"
        yield Foreseen(node=node.name, id=where, why=why, is_sure=False)
    elif not external_nodes.is_in_place(view, node):
        yield Foreseen(node=node.name, id=where, why="another configuration of the nodes")


def _things(configuration: NodeConfiguration) -> str:
    numbers = {
        "packages": len(configuration.packages),
        "files": len(configuration.files),
        "commands": len(configuration.commands),
    }
    told = [f"{number} {what}" for what, number in numbers.items() if number]
    return ", ".join(told)


def _script(seen: Present) -> str:
    return str((seen.properties.get("source") or {}).get("script") or "")
