"""Load balancers: probes, choice of backends, floating IP, flows that stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.netns.fabric.balancer import FRONT, LB, balancer, cluster, health, internal, members
from tests.netns.fabric.lab import ask, call, carry, echo, wait_for, who
from tests.netns.world import make_certificate
from tests.sim.network.lab import STANDARD, STANDARD_IP

if TYPE_CHECKING:
    from pathlib import Path

    from tests.netns.fabric.lab import Lab

pytestmark = pytest.mark.timeout(300)  # other work may stall the machine


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
    nodes = cluster(lab, internal(lab), {}, "one", "two")
    wait_for(
        lambda: {who(lab.client, FRONT) for _ in range(16)} == {"one", "two"}, "flows to both nodes"
    )
    with call(lab.client, FRONT) as flow:
        chosen = flow.recv(100).decode().split()[0]
        nodes[chosen][1].close()
        other = "two" if chosen == "one" else "one"
        wait_for(
            lambda: {who(lab.client, FRONT) for _ in range(16)} == {other}, "no more new flows"
        )
        assert echo(flow)
        nodes[other][1].close()
        wait_for(lambda: who(lab.client, FRONT) == "", "nobody to be given flows")
        assert echo(flow)


@pytest.mark.parametrize("protocol", ["Http", "Https"])
def test_a_page_must_answer_200(lab: Lab, protocol: str, tmp_path: Path) -> None:
    balancer(lab, internal(lab))
    (node,) = members(lab, "one").values()
    make_certificate("10.9.9.9", tmp_path)  # of somebody else: probes do not look
    page = lab.page(node, 8000, 503, tmp_path if protocol == "Https" else None)
    balancer(lab, internal(lab), {}, protocol=protocol, requestPath="/health")
    wait_for(lambda: health(lab) == {"10.0.0.10": "Down_Probe_HttpStatusCodeError"}, "a bad answer")
    page.status = 200
    wait_for(lambda: who(lab.client, FRONT) == "one", "a good answer")
    assert page.asked == ("/health", "168.63.129.16")


def test_floating_ip_leaves_the_packet_as_it_was(lab: Lab) -> None:
    nodes = cluster(lab, internal(lab), {"enableFloatingIP": True}, "one", "two")
    for space, _ in nodes.values():
        carry(space, FRONT)
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
    assert who(lab.internet, address) == ""
    lab.group_of("group", {"protocol": "Tcp", "destinationPortRange": "8080"})
    assert ask(lab.internet, address) == ("one", "100.65.0.5", "10.0.0.10")
    assert who(lab.internet, address, 81) == ""


def test_a_node_reaches_its_own_public_front_end_as_the_internet_does(lab: Lab) -> None:
    address = lab.put("publicIPAddresses/front", STANDARD_IP)["properties"]["ipAddress"]
    lab.group_of("group", {"protocol": "Tcp", "destinationPortRange": "80"})
    front = {"publicIPAddress": lab.ref("publicIPAddresses/front")}
    nodes = cluster(lab, front, {"disableOutboundSnat": False}, "one", group="group")
    wait_for(lambda: health(lab) == {"10.0.0.10": "Up_Probe_Success"}, "a good answer")
    assert ask(nodes["one"][0], address) == ("one", address, "10.0.0.10")


def test_flows_of_one_client_stay_together_where_a_rule_says_so(lab: Lab) -> None:
    cluster(lab, internal(lab), {"loadDistribution": "SourceIP"}, "one", "two")
    wait_for(lambda: set(health(lab).values()) == {"Up_Probe_Success"}, "good answers of both")
    assert len({ask(lab.client, FRONT)[0] for _ in range(16)}) == 1


def test_a_node_reaches_the_others_behind_its_balancer_but_never_itself(lab: Lab) -> None:
    nodes = cluster(lab, internal(lab), {}, "one", "two")
    wait_for(lambda: set(health(lab).values()) == {"Up_Probe_Success"}, "good answers of both")
    wait_for(lambda: who(nodes["one"][0], FRONT), "a flow to the other node")
    assert {who(nodes["one"][0], FRONT) for _ in range(6)} <= {"two", ""}


def test_an_inbound_rule_leads_a_port_to_one_node(lab: Lab) -> None:
    rule = {
        "protocol": "Tcp", "frontendPort": 2201, "backendPort": 22,
        "frontendIPConfiguration": lab.ref(f"{LB}/frontendIPConfigurations/front"),
    }  # fmt: skip
    properties = {
        "frontendIPConfigurations": [{"name": "front", "properties": internal(lab)}],
        "inboundNatRules": [{"name": "shell", "properties": rule}],
    }
    lab.put(LB, {**STANDARD, "properties": properties})
    rules = [lab.ref(f"{LB}/inboundNatRules/shell")]
    lab.serving("one", "10.0.0.10", 22, loadBalancerInboundNatRules=rules)
    assert ask(lab.client, FRONT, 2201) == ("one", "10.0.0.5", "10.0.0.10")
