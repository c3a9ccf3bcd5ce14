"""The nodes' network interfaces: static addresses in the subnet, and a place in the pool."""

from typing import Any, Final

from hacluster.model.ids import ArmId, key
from hacluster.model.machines import Node
from hacluster.model.network import OutboundType
from hacluster.plan.settle import settle
from hacluster.plan.steps import Step
from hacluster.plan.view import View, remembered
from hacluster.plan.wanted import LOCATION, Wanted, regional

IP_CONFIGURATION: Final = "primary"
_AT: Final = "properties.ipConfigurations[].properties"


def plan(view: View) -> tuple[Step, ...]:
    """Return the steps that make the interfaces what the spec asks for."""
    return tuple(step for wanted in desired(view) for step in settle(view, wanted))


@remembered
def desired(view: View) -> tuple[Wanted, ...]:
    """Return one interface for each node, or nothing where the machines exist."""
    if not view.makes_machines:
        return ()
    return tuple(_interface(view, node) for node in view.spec.nodes)


def _interface(view: View, node: Node) -> Wanted:
    names = view.names
    configuration = {"name": IP_CONFIGURATION, "properties": _configuration(view, node)}
    return Wanted(
        id=names.interface(node),
        body=regional(
            view,
            {
                "ipConfigurations": [configuration],
                "networkSecurityGroup": {"id": names.security_group},
            },
        ),
        needs=_needs(view, node),
        immutable=LOCATION
        | {
            f"{_AT}.subnet": "A machine's interface stays in its network: remove the node and add "
            "it again under another name."
        },
        disruptive=(f"{_AT}.privateIPAddress",),
        omitted=("properties.primary",),
        node=node.name,
    )


def _configuration(view: View, node: Node) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "privateIPAllocationMethod": "Static",
        "privateIPAddress": node.private_ip_address,
        "subnet": {"id": view.names.subnet},
        "loadBalancerBackendAddressPools": [],
    }
    if balancer := view.spec.access.load_balancer:
        pool = view.names.pool(balancer)
        properties["loadBalancerBackendAddressPools"] = [{"id": pool}]
    address = view.names.interface_address(node)
    if _has_address(view):
        properties["publicIPAddress"] = {"id": address}
    elif _carries(view, node, address):
        properties["publicIPAddress"] = None
    return properties


def _needs(view: View, node: Node) -> frozenset[ArmId]:
    names = view.names
    needs = {names.subnet, names.security_group}
    if view.spec.access.load_balancer:
        needs.add(names.load_balancer)
    if _has_address(view):
        needs.add(names.interface_address(node))
    return frozenset(needs)


def _has_address(view: View) -> bool:
    return view.spec.network.outbound_type is OutboundType.PUBLIC_IP


def _carries(view: View, node: Node, address: ArmId) -> bool:
    """Say whether an interface still has the public address that we once gave it."""
    seen = view.present(view.names.interface(node))
    found = seen.properties.get("ipConfigurations") or () if seen else ()
    references = [one["properties"].get("publicIPAddress") or {} for one in found]
    return any(key(str(one.get("id") or "")) == key(address) for one in references)
