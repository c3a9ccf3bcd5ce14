"""The availability set: at most 3 fault and 20 update domains, fixed when it is made."""

from typing import Final

from hacluster.model.machines import AvailabilitySet, PlacementType
from hacluster.plan.settle import settle
from hacluster.plan.steps import Step
from hacluster.plan.view import View, remembered
from hacluster.plan.wanted import LOCATION, Wanted, regional

_RENEW: Final = "Set it back, or declare an availability set of another name."


def plan(view: View) -> tuple[Step, ...]:
    """Return the step that makes the set what the spec asks for."""
    return tuple(step for wanted in desired(view) for step in settle(view, wanted))


@remembered
def desired(view: View) -> tuple[Wanted, ...]:
    """Return the set, or nothing where the nodes are placed by another way or exist."""
    placement = view.spec.placement
    if placement.type is not PlacementType.AVAILABILITY_SET or not view.makes_machines:
        return ()
    declared = placement.availability_set or AvailabilitySet()
    properties = {
        "platformUpdateDomainCount": declared.update_domains,
        "platformFaultDomainCount": declared.fault_domains,
    }
    wanted = Wanted(
        id=view.names.availability_set,
        body=regional(view, properties, sku={"name": "Aligned"}),
        needs=frozenset({view.names.resource_group}),
        immutable=LOCATION
        | {
            "sku": _RENEW,
            "properties.platformUpdateDomainCount": _RENEW,
            "properties.platformFaultDomainCount": _RENEW,
        },
        omitted=("properties.virtualMachines",),
    )
    return (wanted,)
