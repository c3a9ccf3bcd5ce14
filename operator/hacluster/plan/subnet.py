"""The nodes' subnet.

``defaultOutboundAccess`` is always stated: whether a new subnet has a way out by default depends on
the API version (not since 2025-07-01), and Run Command and tokens need one. Ours is explicit:
`network.outbound`.
"""

import ipaddress
from typing import Any

from hacluster.model.network import OutboundType
from hacluster.model.reasons import Reason
from hacluster.plan.settle import look_up, settle
from hacluster.plan.steps import Refuse, Step
from hacluster.plan.view import View, remembered
from hacluster.plan.wanted import Wanted, unless_seen


def plan(view: View) -> tuple[Step, ...]:
    """Return the step that makes the subnet as declared; an existing one is only used."""
    if view.spec.network.subnet.existing:
        missing = look_up(view, view.names.subnet, "network.subnet.existing.id")
        return missing or _unsuitable(view)
    return tuple(step for wanted in desired(view) for step in settle(view, wanted))


@remembered
def desired(view: View) -> tuple[Wanted, ...]:
    """Return the subnet, or nothing where it exists."""
    if view.spec.network.subnet.existing:
        return ()
    names = view.names
    gateway = {names.nat_gateway} if _has_gateway(view) else set()
    wanted = Wanted(
        id=names.subnet,
        body={"properties": _properties(view)},
        needs=frozenset({names.virtual_network, *gateway}),
        immutable={
            "properties.addressPrefix": "Set network.subnet.addressPrefix back; Azure does not "
            "change the prefix of a subnet that is in use.",
        },
        omitted=("properties.ipConfigurations",),
    )
    return (wanted,)


def _properties(view: View) -> dict[str, Any]:
    names = view.names
    properties: dict[str, Any] = {
        "addressPrefix": view.spec.network.prefix,
        "defaultOutboundAccess": False,
    }
    if _has_gateway(view):
        return properties | {"natGateway": {"id": names.nat_gateway}}
    return properties | unless_seen(view, names.subnet, "natGateway", names.nat_gateway)


def _has_gateway(view: View) -> bool:
    return view.spec.network.outbound_type is OutboundType.NAT_GATEWAY


def _unsuitable(view: View) -> tuple[Step, ...]:
    """Refuse an existing subnet that the nodes' addresses are not in."""
    seen = view.present(view.names.subnet)
    if seen is None:
        return ()
    single = seen.properties.get("addressPrefix")
    prefixes = seen.properties.get("addressPrefixes") or ([single] if single else [])
    ranges = [ipaddress.ip_network(prefix) for prefix in prefixes]
    outside = [
        node.private_ip_address
        for node in view.spec.nodes
        if not any(ipaddress.ip_address(node.private_ip_address) in one for one in ranges)
    ]
    if not ranges or not outside:
        return ()
    why = (
        f"nodes have the addresses {', '.join(outside)}, and the subnet is {', '.join(prefixes)}: "
        "choose addresses inside of it"
    )
    return (Refuse(id=view.names.subnet, reason=Reason.EXISTING_UNSUITABLE, why=why),)
