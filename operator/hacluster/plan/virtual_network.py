"""The virtual network.

Its subnets are not sent with it: a PUT without ``subnets`` keeps those that are there (since API
version 2023-09-01), and the nodes' subnet has an URL and a module of its own.
"""

from hacluster.plan.settle import look_up, settle
from hacluster.plan.steps import Step
from hacluster.plan.view import View, remembered
from hacluster.plan.wanted import LOCATION, Wanted, regional


def plan(view: View) -> tuple[Step, ...]:
    """Return the step that makes the network as declared; an existing one is only used."""
    network = view.spec.network.virtual_network
    if network.existing:
        return look_up(view, view.names.virtual_network, "network.virtualNetwork.existing.id")
    return tuple(step for wanted in desired(view) for step in settle(view, wanted))


@remembered
def desired(view: View) -> tuple[Wanted, ...]:
    """Return the network, or nothing where it exists or the subnet tells which it is."""
    network = view.spec.network
    if network.virtual_network.existing or network.subnet.existing:
        return ()
    prefixes = list(network.virtual_network.address_prefixes)
    wanted = Wanted(
        id=view.names.virtual_network,
        body=regional(view, {"addressSpace": {"addressPrefixes": prefixes}}),
        needs=frozenset({view.names.resource_group}),
        immutable=LOCATION,
        omitted=("properties.subnets",),
    )
    return (wanted,)
