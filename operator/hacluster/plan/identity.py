"""The identity that all nodes have.

With it they reach the store and the record set, so that no secret on a node can expire.
"""

from hacluster.plan.settle import settle
from hacluster.plan.steps import Step
from hacluster.plan.view import View, remembered
from hacluster.plan.wanted import LOCATION, Wanted


def plan(view: View) -> tuple[Step, ...]:
    """Return the step that makes the identity."""
    return tuple(step for wanted in desired(view) for step in settle(view, wanted))


@remembered
def desired(view: View) -> tuple[Wanted, ...]:
    """Return the identity; where the machines exist, it is for their owner to attach."""
    wanted = Wanted(
        id=view.names.identity,
        body={"location": view.spec.azure.location, "tags": view.names.tags},
        needs=frozenset({view.names.resource_group}),
        immutable=LOCATION,
    )
    return (wanted,)
