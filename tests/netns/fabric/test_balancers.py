"""Load balancers: probes, choice of backends, floating IP, flows that stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.netns.fabric.lab import Lab, ask, call, carry, echo, wait_for, who
from tests.sim.network.lab import STANDARD, STANDARD_IP, SUBNET

if TYPE_CHECKING:
    from collections.abc import Mapping

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
            for number, rule in enumerate(rules or ({},))
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


def health(lab: Lab, rule: str = "rule0") -> dict[str, str]:
    """Return what rule health says of each backend."""
    asked = lab.send("POST", f"{LB}/loadBalancingRules/{rule}/health")
    assert asked.status == 202, asked.body
    found = lab.sim.send("GET", str(asked.header("Location"))).body
    return {each["ipAddress"]: each["reason"] for each in found["loadBalancerBackendAddresses"]}


def test_only_who_answers_the_probe_is_given_flows_and_rule_health_tells(lab: Lab) -> None:
    balancer(lab, internal(lab), {"backendPort": 8080})
    nodes = members(lab, "one", "two", port=8080)
    assert who(lab.client, FRONT) == ""
    lab.serve(nodes["two"], "probe", 8000)
    wait_for(lambda: who(lab.client, FRONT) == "two", "a flow to the node that answers")
    assert ask(lab.client, FRONT) == ("two", "10.0.0.5", "10.0.0.11")
    assert {who(lab.client, FRONT) for _ in range(8)} == {"two"}
    assert health(lab) == {
        "10.0.0.10": "Down_Probe_TcpProbeTimeout", "10.0.0.11": "Up_Probe_Success",
    }  # fmt: skip


def test_flows_are_shared_out_and_stay_where_they_are_when_a_probe_fails(lab: Lab) -> None:
    balancer(lab, internal(lab))
    nodes = members(lab, "one", "two")
    probed = {name: lab.serve(space, "probe", 8000) for name, space in nodes.items()}
    wait_for(
        lambda: {who(lab.client, FRONT) for _ in range(16)} == {"one", "two"}, "flows to both nodes"
    )
    with call(lab.client, FRONT) as flow:
        chosen = flow.recv(100).decode().split()[0]
        probed[chosen].close()
        other = "two" if chosen == "one" else "one"
        wait_for(
            lambda: {who(lab.client, FRONT) for _ in range(16)} == {other}, "no more new flows"
        )
        assert echo(flow)
        probed[other].close()
        wait_for(lambda: who(lab.client, FRONT) == "", "nobody to be given flows")
        assert echo(flow)


def test_a_verdict_takes_as_many_answers_as_the_threshold(lab: Lab) -> None:
    balancer(lab, internal(lab), probeThreshold=2)
    nodes = members(lab, "one")
    lab.serve(nodes["one"], "probe", 8000)
    wait_for(
        lambda: health(lab) == {"10.0.0.10": "Down_Probe_ApproachingHealthyThreshold"},
        "the first good answer",
    )
    assert who(lab.client, FRONT) == ""
    wait_for(lambda: who(lab.client, FRONT) == "one", "the second good answer")


def test_a_page_must_answer_200(lab: Lab) -> None:
    balancer(lab, internal(lab), protocol="Http", requestPath="/health")
    nodes = members(lab, "one")
    page = lab.page(nodes["one"], 8000, 503)
    wait_for(lambda: health(lab) == {"10.0.0.10": "Down_Probe_HttpStatusCodeError"}, "a bad answer")
    page.status = 200
    wait_for(lambda: who(lab.client, FRONT) == "one", "a good answer")
    assert page.asked == ("/health", "168.63.129.16")


def test_floating_ip_leaves_the_packet_as_it_was(lab: Lab) -> None:
    balancer(lab, internal(lab), {"enableFloatingIP": True})
    nodes = members(lab, "one", "two")
    for name, space in nodes.items():
        carry(space, FRONT)
        lab.serve(space, name, 8000)
    wait_for(
        lambda: {who(lab.client, FRONT) for _ in range(16)} == {"one", "two"}, "flows to both nodes"
    )
    name, seen, reached = ask(lab.client, FRONT)
    assert (name in nodes, seen, reached) == (True, "10.0.0.5", FRONT)
    with call(lab.client, FRONT) as flow:
        chosen = flow.recv(100).decode().split()[0]
        other = "two" if chosen == "one" else "one"
        lab.site.fabric.cut(lab.machine_id(chosen), "platform")
        wait_for(
            lambda: {who(lab.client, FRONT) for _ in range(16)} == {other}, "no more new flows"
        )
        assert echo(flow)


def test_a_public_front_end_answers_the_internet_where_a_group_allows_it(lab: Lab) -> None:
    address = lab.put("publicIPAddresses/front", STANDARD_IP)["properties"]["ipAddress"]
    balancer(
        lab, {"publicIPAddress": lab.ref("publicIPAddresses/front")},
        {"backendPort": 8080, "disableOutboundSnat": True},
    )  # fmt: skip
    lab.group_of("group")
    nodes = members(lab, "one", group="group", port=8080)
    lab.serve(nodes["one"], "probe", 8000)
    wait_for(lambda: health(lab) == {"10.0.0.10": "Up_Probe_Success"}, "a good answer")
    assert ask(lab.internet, address) == ()
    lab.group_of("group", {"protocol": "Tcp", "destinationPortRange": "8080"})
    assert ask(lab.internet, address) == ("one", "100.65.0.5", "10.0.0.10")
    assert ask(lab.internet, address, 81) == ()
