"""The load balancer that gives a cluster its one stable address.

All rules share one probe, so that the node that gets the traffic is the node that answers it. A
failover moves the service without a change here, and works while Azure Resource Manager is down.

A PUT takes the lists as the whole truth, so that what others have put beside ours is read, kept and
sent back. Admin states that overrule the probe are set back: they would send traffic to two nodes.
"""

from typing import Any, Final

from hacluster.model.access import BalancingRule, LoadBalancer, ProbeProtocol, Transport
from hacluster.model.ids import ArmId
from hacluster.model.machines import PlacementType
from hacluster.model.network import OutboundType
from hacluster.model.reasons import Reason
from hacluster.plan.public_address import ALL_ZONES
from hacluster.plan.settle import settle
from hacluster.plan.steps import Refuse, Step
from hacluster.plan.view import View, remembered
from hacluster.plan.wanted import LOCATION, Wanted, regional

NEVER_ALL: Final = "AllProbedDown"
"""With no healthy node, traffic goes nowhere; AllProbedUp would send it to every node."""
ADMIN_NONE: Final = "None"
OUTBOUND_IDLE_MIN: Final = 4

_RULE: Final = "Give the rule another name: it is then made anew, and the old one removed."
_FRONTEND: Final = "Give the front end another name: it is then made anew, and the old one removed."


def plan(view: View) -> tuple[Step, ...]:
    """Return the step that makes the balancer what the spec asks for."""
    if _outbound(view) and not view.names.is_public:
        why = "network.outbound.type LoadBalancer needs a balancer of type Public: write NATGateway"
        return (Refuse(id=view.names.load_balancer, reason=Reason.REFUSED, why=why),)
    return tuple(step for wanted in desired(view) for step in settle(view, wanted))


@remembered
def desired(view: View) -> tuple[Wanted, ...]:
    """Return the balancer, or nothing where clients come by a DNS name alone."""
    balancer = view.spec.access.load_balancer
    if balancer is None:
        return ()
    properties = {
        "frontendIPConfigurations": [_frontend(view, balancer)],
        "backendAddressPools": [_pool(view, balancer)],
        "probes": [_probe(balancer)],
        "loadBalancingRules": [_rule(view, balancer, rule) for rule in balancer.rules],
        "outboundRules": [_outbound_rule(view, balancer)] if _outbound(view) else [],
    }
    at_rule, at_frontend = (
        "properties.loadBalancingRules[]",
        "properties.frontendIPConfigurations[]",
    )
    wanted = Wanted(
        id=view.names.load_balancer,
        body=regional(view, properties, sku={"name": "Standard"}),
        needs=_needs(view),
        immutable=LOCATION
        | {
            "sku": "Delete the balancer and let it be made again.",
            f"{at_rule}.properties.enableFloatingIP": _RULE,
            f"{at_frontend}.zones": _FRONTEND,
            f"{at_frontend}.properties.subnet": _FRONTEND,
        },
        children=tuple(properties),
    )
    return (wanted,)


def _needs(view: View) -> frozenset[ArmId]:
    names = view.names
    needs = {names.balancer_address if names.is_public else names.subnet}
    return frozenset(needs if view.makes_machines else {*needs, names.virtual_network})


def _outbound(view: View) -> bool:
    return view.spec.network.outbound_type is OutboundType.LOAD_BALANCER


def _frontend(view: View, balancer: LoadBalancer) -> dict[str, Any]:
    name = balancer.frontend.name
    if view.names.is_public:
        address = {"publicIPAddress": {"id": view.names.balancer_address}}
        return {"name": name, "properties": address}
    properties = {
        "subnet": {"id": view.names.subnet},
        "privateIPAllocationMethod": "Static",
        "privateIPAddress": balancer.frontend.private_ip_address,
    }
    is_zonal = view.spec.placement.type is PlacementType.ZONES
    return {"name": name, "properties": properties} | ({"zones": ALL_ZONES} if is_zonal else {})


def _pool(view: View, balancer: LoadBalancer) -> dict[str, Any]:
    """Return the pool: interfaces join it by themselves, existing machines by their addresses."""
    pool: dict[str, Any] = {"name": balancer.backend_pool.name}
    addresses = _overruled(view, balancer) if view.makes_machines else _addresses(view)
    return pool | ({"properties": {"loadBalancerBackendAddresses": addresses}} if addresses else {})


def _addresses(view: View) -> list[dict[str, Any]]:
    network = {"id": view.names.virtual_network}
    return [
        {
            "name": node.name,
            "properties": {"ipAddress": node.private_ip_address, "virtualNetwork": network},
        }
        for node in view.spec.nodes
    ]


def _overruled(view: View, balancer: LoadBalancer) -> list[dict[str, Any]]:
    """Return the pool's members whose admin state overrules the probe, with that state set back."""
    return [
        {**address, "properties": {**address["properties"], "adminState": ADMIN_NONE}}
        for address in pool_members(view, balancer)
        if (address.get("properties") or {}).get("adminState", ADMIN_NONE) != ADMIN_NONE
    ]


def pool_members(view: View, balancer: LoadBalancer) -> list[dict[str, Any]]:
    """Return the pool's backend addresses as Azure has them."""
    seen = view.present(view.names.load_balancer)
    pools = seen.properties.get("backendAddressPools") or () if seen else ()
    return [
        member
        for pool in pools
        if pool["name"].casefold() == balancer.backend_pool.name.casefold()
        for member in (pool.get("properties") or {}).get("loadBalancerBackendAddresses") or ()
    ]


def _probe(balancer: LoadBalancer) -> dict[str, Any]:
    probe = balancer.probe
    is_http = probe.protocol is ProbeProtocol.HTTP
    properties = {
        "protocol": "Http" if is_http else "Tcp",
        "port": probe.port,
        "requestPath": probe.path if is_http else None,
        "intervalInSeconds": probe.interval_seconds,
        "probeThreshold": probe.threshold,
        "noHealthyBackendsBehavior": NEVER_ALL,
    }
    return {"name": probe.name, "properties": properties}


def _rule(view: View, balancer: LoadBalancer, rule: BalancingRule) -> dict[str, Any]:
    names = view.names
    is_tcp = rule.protocol is Transport.TCP
    properties = {
        "protocol": "Tcp" if is_tcp else "Udp",
        "frontendPort": rule.frontend_port,
        "backendPort": rule.backend_port,
        "enableFloatingIP": rule.floating_ip,
        "enableTcpReset": is_tcp and rule.tcp_reset,
        "idleTimeoutInMinutes": rule.idle_timeout_minutes,
        "loadDistribution": "Default",
        # The way out is network.outbound's; a rule that also were one would exhaust its ports.
        "disableOutboundSnat": names.is_public,
        "frontendIPConfiguration": {"id": names.frontend(balancer)},
        "backendAddressPool": {"id": names.pool(balancer)},
        "probe": {"id": names.probe(balancer)},
    }
    return {"name": names.balancing_rule(rule).rsplit("/", 1)[-1], "properties": properties}


def _outbound_rule(view: View, balancer: LoadBalancer) -> dict[str, Any]:
    names = view.names
    properties = {
        "protocol": "All",
        "enableTcpReset": True,
        "idleTimeoutInMinutes": OUTBOUND_IDLE_MIN,
        "frontendIPConfigurations": [{"id": names.frontend(balancer)}],
        "backendAddressPool": {"id": names.pool(balancer)},
    }
    return {"name": names.outbound_rule.rsplit("/", 1)[-1], "properties": properties}
