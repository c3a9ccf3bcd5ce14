"""Rules about the way to the service: what answers the probe, the name, and who carries what."""

from typing import TYPE_CHECKING, Final

from hacluster.model.base import Invariant
from hacluster.model.rules.resources import (
    GROUPS,
    MANAGED,
    any_resource,
    every_resource,
    is_managed,
    number_of,
    of_type,
)

if TYPE_CHECKING:
    from hacluster.model.cluster import ClusterSpec

_IS_PROBEPORT: Final = "each.type == 'ProbePort'"
_IS_AZUREDNS: Final = "each.type == 'AzureDNS'"
_NO_PROBEPORT: Final = "each.type != 'ProbePort'"
_NO_AZUREDNS: Final = "each.type != 'AzureDNS'"


def _has_group(spec: "ClusterSpec") -> bool:
    return not is_managed(spec) or len(spec.cluster.failover_groups) > 0


def _probes_a_balancer(spec: "ClusterSpec") -> bool:
    return spec.access.load_balancer is not None or not of_type(spec, "ProbePort")


def _registers_a_name(spec: "ClusterSpec") -> bool:
    return spec.access.dns is not None or not of_type(spec, "AzureDNS")


def _is_probed(spec: "ClusterSpec") -> bool:
    is_needed = is_managed(spec) and spec.access.load_balancer is not None
    return not is_needed or len(of_type(spec, "ProbePort")) > 0


def _is_registered(spec: "ClusterSpec") -> bool:
    is_needed = is_managed(spec) and spec.access.dns is not None
    return not is_needed or len(of_type(spec, "AzureDNS")) > 0


def _has_one_probe(spec: "ClusterSpec") -> bool:
    return len(of_type(spec, "ProbePort")) < 2


def _has_one_record(spec: "ClusterSpec") -> bool:
    return len(of_type(spec, "AzureDNS")) < 2


def _probe_ports_match(spec: "ClusterSpec") -> bool:
    balancer = spec.access.load_balancer
    if balancer is None:
        return True
    blocks = [resource.probe_port for resource in of_type(spec, "ProbePort")]
    return all(not block or block.port in (None, balancer.probe.port) for block in blocks)


def _carries_frontend(spec: "ClusterSpec") -> bool:
    balancer = spec.access.load_balancer
    if balancer is None or not is_managed(spec):
        return True
    if not any(rule.floating_ip for rule in balancer.rules):
        return True
    frontend = balancer.frontend.private_ip_address
    blocks = [resource.loopback_address for resource in of_type(spec, "LoopbackAddress")]
    carried = [block and block.address for block in blocks]
    return any(address is None or frontend in (None, address) for address in carried)


_CARRIES_FRONTEND: Final = any_resource(
    "each.type == 'LoopbackAddress' && (!has(each.loopbackAddress)"
    " || !has(each.loopbackAddress.address)"
    " || !has(self.access.loadBalancer.frontend.privateIPAddress)"
    " || each.loopbackAddress.address == self.access.loadBalancer.frontend.privateIPAddress)"
)

ACCESS: Final = (
    Invariant(
        message="our agent runs failover groups: write at least one, or nodeAgent: External",
        holds=_has_group,
        cel=f"!({MANAGED}) || size({GROUPS}) > 0",
        field="cluster.failoverGroups",
    ),
    Invariant(
        message="a ProbePort resource answers a balancer's probe: write access.loadBalancer, or "
        "take the resource out",
        holds=_probes_a_balancer,
        cel=f"has(self.access.loadBalancer) || {every_resource(_NO_PROBEPORT)}",
        field="cluster.failoverGroups",
    ),
    Invariant(
        message="an AzureDNS resource registers the name of access.dns: write access.dns, or take "
        "the resource out",
        holds=_registers_a_name,
        cel=f"has(self.access.dns) || {every_resource(_NO_AZUREDNS)}",
        field="cluster.failoverGroups",
    ),
    Invariant(
        message="nothing would answer the balancer's probe: write a resource of type ProbePort in "
        "the group that it leads to",
        holds=_is_probed,
        cel=(f"!has(self.access.loadBalancer) || !({MANAGED}) || {any_resource(_IS_PROBEPORT)}"),
        field="cluster.failoverGroups",
    ),
    Invariant(
        message="nothing would register the name: write a resource of type AzureDNS in the group "
        "that it leads to",
        holds=_is_registered,
        cel=f"!has(self.access.dns) || !({MANAGED}) || {any_resource(_IS_AZUREDNS)}",
        field="cluster.failoverGroups",
    ),
    Invariant(
        message="the balancer has one probe, so only one group can have a ProbePort resource: "
        "take the others out",
        holds=_has_one_probe,
        cel=f"{number_of('ProbePort')} < 2",
        field="cluster.failoverGroups",
    ),
    Invariant(
        message="there is one record set, so only one group can have an AzureDNS resource: take "
        "the others out",
        holds=_has_one_record,
        cel=f"{number_of('AzureDNS')} < 2",
        field="cluster.failoverGroups",
    ),
    Invariant(
        message="a ProbePort resource listens where the balancer asks: write the port of "
        "access.loadBalancer.probe, or leave it out",
        holds=_probe_ports_match,
        cel=(
            "!has(self.access.loadBalancer) || "
            + every_resource(
                "each.type != 'ProbePort' || !has(each.probePort) || !has(each.probePort.port)"
                " || each.probePort.port == self.access.loadBalancer.probe.port"
            )
        ),
        field="cluster.failoverGroups",
    ),
    Invariant(
        message="with floating IP the active node carries the front end's address: write a "
        "resource of type LoopbackAddress with that address, or floatingIP: false",
        holds=_carries_frontend,
        cel=(
            f"!has(self.access.loadBalancer) || !({MANAGED})"
            " || !self.access.loadBalancer.rules.exists(rule, rule.floatingIP)"
            f" || {_CARRIES_FRONTEND}"
        ),
        field="cluster.failoverGroups",
    ),
)


def _has_public_balancer(spec: "ClusterSpec") -> bool:
    balancer = spec.access.load_balancer
    is_public = balancer is not None and balancer.type == "Public"
    return spec.network.outbound.type != "LoadBalancer" or is_public


OUTBOUND: Final = Invariant(
    message="only a Public balancer lets traffic out: write outbound.type NATGateway or PublicIP, "
    "or access.loadBalancer.type: Public",
    holds=_has_public_balancer,
    cel=(
        "!has(self.network.outbound.type) || self.network.outbound.type != 'LoadBalancer'"
        " || (has(self.access.loadBalancer) && self.access.loadBalancer.type == 'Public')"
    ),
    field="network.outbound.type",
)
