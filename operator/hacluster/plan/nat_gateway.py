"""The NAT gateway: a way out that needs nothing of the balancer (``outbound.type: NATGateway``)."""

from typing import Final

from hacluster.model.network import OutboundType
from hacluster.plan.settle import settle
from hacluster.plan.steps import Step
from hacluster.plan.view import View, remembered
from hacluster.plan.wanted import LOCATION, Wanted, regional

IDLE_TIMEOUT_MIN: Final = 4


def plan(view: View) -> tuple[Step, ...]:
    """Return the step that makes the gateway what the spec asks for."""
    return tuple(step for wanted in desired(view) for step in settle(view, wanted))


@remembered
def desired(view: View) -> tuple[Wanted, ...]:
    """Return the gateway, or nothing where the nodes go out by another way."""
    network = view.spec.network
    if network.outbound_type is not OutboundType.NAT_GATEWAY or network.subnet.existing:
        return ()
    address = view.names.nat_address
    properties = {
        "publicIpAddresses": [{"id": address}],
        "idleTimeoutInMinutes": IDLE_TIMEOUT_MIN,
    }
    wanted = Wanted(
        id=view.names.nat_gateway,
        body=regional(view, properties, sku={"name": "Standard"}),
        needs=frozenset({address}),
        immutable=LOCATION | {"sku": "Delete the gateway and let it be made again."},
        omitted=("properties.subnets",),
    )
    return (wanted,)
