"""A balancer for port 80 with a pool and a probe of port 8000, and machines behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sim.network.lab import STANDARD, SUBNET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.netns.fabric.lab import Lab, Server

LB = "loadBalancers/lb"
FRONT = "10.0.0.200"


def balancer(lab: Lab, front: Mapping[str, Any], *rules: Mapping[str, Any], **probe: Any) -> None:
    """Write a balancer with a pool, a probe of port 8000 every 5 s, and rules for port 80."""
    common = {
        "protocol": "Tcp", "frontendPort": 80, "backendPort": 80,
        "frontendIPConfiguration": lab.ref(f"{LB}/frontendIPConfigurations/front"),
        "backendAddressPool": lab.ref(f"{LB}/backendAddressPools/pool"),
        "probe": lab.ref(f"{LB}/probes/probe"),
    }  # fmt: skip
    asked = {"protocol": "Tcp", "port": 8000, "intervalInSeconds": 5, "probeThreshold": 1, **probe}
    properties = {
        "frontendIPConfigurations": [{"name": "front", "properties": dict(front)}],
        "backendAddressPools": [{"name": "pool"}],
        "probes": [{"name": "probe", "properties": asked}],
        "loadBalancingRules": [
            {"name": f"rule{number}", "properties": {**common, **rule}}
            for number, rule in enumerate(rules)
        ],
    }
    lab.put(LB, {**STANDARD, "properties": properties})


def internal(lab: Lab) -> dict[str, Any]:
    return {
        "subnet": lab.ref(SUBNET),
        "privateIPAddress": FRONT,
        "privateIPAllocationMethod": "Static",
    }


def members(lab: Lab, *names: str, group: str = "", port: int = 80) -> dict[str, str]:
    """Make machines in the pool, which serve; return their namespaces."""
    pool = {"loadBalancerBackendAddressPools": [lab.ref(f"{LB}/backendAddressPools/pool")]}
    return {
        name: lab.serving(name, f"10.0.0.{10 + place}", port, group=group, **pool)
        for place, name in enumerate(names)
    }


def cluster(
    lab: Lab,
    front: Mapping[str, Any],
    rule: Mapping[str, Any],
    *names: str,
    group: str = "",
    more: Mapping[str, Any] | None = None,
    **probe: Any,
) -> dict[str, tuple[str, Server]]:
    """Make members that answer the probe, then the rules; return namespaces and probed servers.

    In this order the first probe finds them up, and no test waits for the second.
    """
    balancer(lab, front)
    nodes = members(lab, *names, group=group, port=rule.get("backendPort", 80))
    made = {name: (space, lab.serve(space, "probe", 8000)) for name, space in nodes.items()}
    balancer(lab, front, rule, *([more] if more else []), **probe)
    return made


def health(lab: Lab, rule: str = "rule0") -> dict[str, str]:
    """Return what rule health says of each backend."""
    asked = lab.send("POST", f"{LB}/loadBalancingRules/{rule}/health")
    assert asked.status == 202, asked.body
    found = lab.sim.send("GET", str(asked.header("Location"))).body
    return {each["ipAddress"]: each["reason"] for each in found["loadBalancerBackendAddresses"]}
