"""What the operator made: the one thing the status must remember.

ARM tags exist on resources, not on the rules, probes and pools inside of them, nor on subnets.
Those are ours if they are in the inventory; a lost inventory makes them foreign, and never deleted.
An id comes into it before the request that makes the thing, so that nothing is forgotten between
the two.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from hacluster.model.ids import ArmId, child, key, name_of, parent_of, type_of
from hacluster.model.machines import Node
from hacluster.model.observed import Absent, Present
from hacluster.plan.steps import Put
from hacluster.plan.view import View
from hacluster.plan.wanted import Wanted, is_ours

_PARENTS: Final = ("microsoft.network/loadbalancers/", "microsoft.network/networksecuritygroups/")


def is_embedded(resource: ArmId) -> bool:
    """Say whether something is only seen in its parent's body."""
    return type_of(resource).casefold().startswith(_PARENTS)


def inventory(
    view: View, wanted: Iterable[Wanted], previous: Iterable[str], puts: Iterable[Put]
) -> tuple[ArmId, ...]:
    """Return all that is ours, in the order of ids.

    Args:
        view: The cluster and what was seen of it.
        wanted: All that the spec asks for (`parts.wanted`).
        previous: The inventory so far, in its own spelling.
        puts: The steps about to be done.
    """
    asked = tuple(wanted)
    beginning = {key(put.id) for put in puts}
    made = [
        item
        for one in asked
        if key(one.id) in beginning or _is_made(view, one.id)
        for item in (one.id, *one.child_ids())
    ]
    made += [
        view.names.os_disk(node)
        for node in _machine_nodes(view)
        if key(view.names.machine(node)) in {key(item) for item in made}
    ]
    kept = [ArmId(item) for item in previous if _may_exist(view, ArmId(item))]
    return tuple(found for _, found in sorted({key(one): one for one in kept + made}.items()))


def foreign_children(view: View, wanted: Iterable[Wanted]) -> tuple[ArmId, ...]:
    """Return what others have put beside ours into resources of ours: kept, and reported."""
    return tuple(sorted(item for one in wanted for item in _foreign(view, one)))


def _foreign(view: View, one: Wanted) -> Iterator[ArmId]:
    seen = view.present(one.id)
    ours = {key(item) for item in one.child_ids()}
    for kind in one.children:
        for item in (seen.properties.get(kind) or ()) if seen else ():
            found = child(one.id, kind, item["name"])
            if key(found) not in ours and not view.is_inventoried(found):
                yield found


def _machine_nodes(view: View) -> tuple[Node, ...]:
    return view.spec.nodes if view.makes_machines else ()


def _is_made(view: View, resource: ArmId) -> bool:
    seen = view.present(resource)
    return seen is not None and is_ours(view, seen)


def _may_exist(view: View, resource: ArmId) -> bool:
    """Say whether something may be there: only a complete reading tells that it is not."""
    if not is_embedded(resource):
        return not isinstance(view.get(resource), Absent)
    parent = view.get(parent_of(resource))
    if not isinstance(parent, Present):
        return not isinstance(parent, Absent)
    kind = resource.rstrip("/").rsplit("/", 2)[-2]
    names = {str(item["name"]).casefold() for item in parent.properties.get(kind) or ()}
    return name_of(resource).casefold() in names
