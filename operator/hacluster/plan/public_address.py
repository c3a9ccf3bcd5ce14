"""Public addresses: the balancer's, the NAT gateway's, and one for each node that goes out alone.

All are static and of the Standard SKU, which is closed until a security rule opens it.
"""

from typing import Any, Final

from hacluster.model.ids import ArmId
from hacluster.model.machines import PlacementType
from hacluster.model.network import OutboundType
from hacluster.plan import nat_gateway
from hacluster.plan.settle import look_up, settle
from hacluster.plan.steps import Step
from hacluster.plan.view import View, remembered
from hacluster.plan.wanted import LOCATION, Wanted, regional

ALL_ZONES: Final = ["1", "2", "3"]
"""Every region with zones has three: https://learn.microsoft.com/azure/reliability/regions-list"""

_RENEW: Final = "Delete the address and let it be made again; it will be another address."


def plan(view: View) -> tuple[Step, ...]:
    """Return the steps that make the addresses as declared; an existing one is only used."""
    missing: tuple[Step, ...] = ()
    if view.names.is_public and _is_existing(view):
        path = "access.loadBalancer.frontend.publicIPAddress.existing.id"
        missing = look_up(view, view.names.balancer_address, path)
    return missing + tuple(step for wanted in desired(view) for step in settle(view, wanted))


@remembered
def desired(view: View) -> tuple[Wanted, ...]:
    """Return all addresses that the spec asks for."""
    names, zones = view.names, _zones(view)
    wanted = []
    if names.is_public and not _is_existing(view):
        wanted.append(_address(view, names.balancer_address, zones))
    if nat_gateway.desired(view):
        wanted.append(_address(view, names.nat_address, zones))
    if view.spec.network.outbound_type is OutboundType.PUBLIC_IP and view.makes_machines:
        # Without zones it can go with a machine of any zone.
        wanted += [_address(view, names.interface_address(node), []) for node in view.spec.nodes]
    return tuple(wanted)


def _address(view: View, address: ArmId, zones: list[str]) -> Wanted:
    properties = {"publicIPAllocationMethod": "Static", "publicIPAddressVersion": "IPv4"}
    top: dict[str, Any] = {"sku": {"name": "Standard"}}
    if zones:
        top["zones"] = zones
    return Wanted(
        id=address,
        body=regional(view, properties, **top),
        needs=frozenset({view.names.resource_group}),
        immutable=LOCATION | {"sku": _RENEW, "zones": _RENEW},
    )


def _zones(view: View) -> list[str]:
    return ALL_ZONES if view.spec.placement.type is PlacementType.ZONES else []


def _is_existing(view: View) -> bool:
    balancer = view.spec.access.load_balancer
    declared = balancer and balancer.frontend.public_ip_address
    return bool(declared and declared.existing)
