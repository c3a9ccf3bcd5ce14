"""All parts together: what a pass has to look at, and what it has to do.

The order of `PARTS` is that of creation; deletion's order is in `deletion`. A step names what it
needs, so that whatever does not depend on each other is done side by side, whatever the order here.
"""

from typing import Final, Protocol

from hacluster.model.ids import ArmId, key
from hacluster.plan import (
    availability_set,
    data_disk,
    deletion,
    dns_zone,
    external_nodes,
    identity,
    load_balancer,
    machine,
    nat_gateway,
    network_interface,
    os_disk,
    public_address,
    record_set,
    resource_group,
    roles,
    run_command,
    security_group,
    storage,
    subnet,
    virtual_network,
)
from hacluster.plan.inventory import is_embedded
from hacluster.plan.steps import Step
from hacluster.plan.view import View, remembered
from hacluster.plan.wanted import Wanted


class Part(Protocol):
    """What every module of a part has."""

    def desired(self, view: View, /) -> tuple[Wanted, ...]:
        """Return the resources that the spec asks for."""

    def plan(self, view: View, /) -> tuple[Step, ...]:
        """Return the steps that make them so."""


PARTS: Final[tuple[Part, ...]] = (
    resource_group,
    virtual_network,
    public_address,
    nat_gateway,
    subnet,
    security_group,
    storage,
    identity,
    availability_set,
    data_disk,
    load_balancer,
    network_interface,
    machine,
    dns_zone,
    record_set,
    roles,
    run_command,
    external_nodes,
)


@remembered
def wanted(view: View) -> tuple[Wanted, ...]:
    """Return every resource that the spec asks for."""
    return tuple(one for part in PARTS for one in part.desired(view))


def watched(view: View, inventory: tuple[str, ...] = ()) -> tuple[ArmId, ...]:
    """Return all ids that a pass must see.

    Those are what the spec asks for, what that rests on, existing things included, and what the
    inventory says we made. Only the cluster of ``view`` counts, not what it has seen.
    """
    asked = wanted(view)
    found = [one.id for one in asked]
    found += [need for one in asked for need in sorted(one.needs | one.needs_begun)]
    found.append(view.names.virtual_network)
    found.append(view.names.storage_account)
    found += os_disk.ids(view)
    found += (*run_command.ids(view), *external_nodes.ids(view))
    found += [view.names.machine(node) for node in view.spec.nodes]
    found += [ArmId(item) for item in inventory if not is_embedded(ArmId(item))]
    return tuple({key(one): one for one in reversed(found)}.values())[::-1]


def plan(view: View) -> tuple[Step, ...]:
    """Return the steps that make Azure what the spec asks for, and remove what it no longer does.

    Empty means that there is nothing to do. What is unknown or in progress yields no step.
    """
    steps = tuple(step for part in PARTS for step in part.plan(view))
    others = (*os_disk.ids(view), *run_command.ids(view), *external_nodes.ids(view))
    keep = frozenset(map(key, (*(one.id for one in wanted(view)), *others)))
    planned = frozenset(key(step.id) for step in steps)
    return steps + deletion.removals(view, keep | planned)


def plan_deletion(view: View) -> tuple[Step, ...]:
    """Return the steps that remove what is ours, as far as ``management.deletionPolicy`` allows."""
    return deletion.plan(view)
