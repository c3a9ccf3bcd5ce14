"""Ways out, cuts between places, power."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

import pytest
from tests.netns.fabric.lab import PATIENCE_S, SILENCE_S, ask, call, echo, group, who
from tests.sim.network.lab import STANDARD, STANDARD_IP

from azuresim.fabric import kernel
from azuresim.fabric.desired import default_outbound
from azuresim.fabric.namespaces import NAMED, inside

if TYPE_CHECKING:
    from tests.netns.fabric.lab import Lab

pytestmark = pytest.mark.timeout(300)  # other work may stall the machine

OUTSIDE = "100.65.0.5"


def subnet(lab: Lab, **properties: object) -> None:
    lab.put(
        "virtualNetworks/net/subnets/nodes",
        {"properties": {"addressPrefix": "10.0.0.0/24", **properties}},
    )
    lab.site.settle()


def test_a_private_subnet_has_no_way_out_until_a_gateway_gives_one(lab: Lab) -> None:
    lab.serve(lab.internet, "outside", 8443)
    subnet(lab, defaultOutboundAccess=False)
    one = lab.machine("one", "10.0.0.10")
    assert who(one, OUTSIDE, 8443) == ""
    public = lab.put("publicIPAddresses/out", STANDARD_IP)["properties"]["ipAddress"]
    gateway = {"properties": {"publicIpAddresses": [lab.ref("publicIPAddresses/out")]}}
    lab.put("natGateways/out", {**STANDARD, **gateway})
    subnet(lab, defaultOutboundAccess=False, natGateway=lab.ref("natGateways/out"))
    assert ask(one, OUTSIDE, 8443) == ("outside", public, OUTSIDE)
    assert who(lab.internet, public) == ""


def test_an_instance_leaves_under_its_own_public_address(lab: Lab) -> None:
    lab.serve(lab.internet, "outside", 8443)
    public = lab.put("publicIPAddresses/own", STANDARD_IP)["properties"]["ipAddress"]
    one = lab.machine("one", "10.0.0.10", publicIPAddress=lab.ref("publicIPAddresses/own"))
    two = lab.machine("two", "10.0.0.11")
    assert ask(one, OUTSIDE, 8443) == ("outside", public, OUTSIDE)
    assert ask(two, OUTSIDE, 8443) == ("outside", default_outbound(lab.network), OUTSIDE)


def test_a_public_address_is_reached_from_inside_by_way_of_the_internet(lab: Lab) -> None:
    own = lab.put("publicIPAddresses/own", STANDARD_IP)["properties"]["ipAddress"]
    lab.group_of("group", {"sourceAddressPrefix": "Internet"})
    reference = lab.ref("publicIPAddresses/own")
    lab.serving("one", "10.0.0.10", group="group", publicIPAddress=reference)
    name, seen, reached = ask(lab.machine("two", "10.0.0.11"), own)
    assert (name, reached) == ("one", "10.0.0.10")
    assert seen == default_outbound(lab.network)


def test_an_outbound_rule_gives_a_pool_its_way_out_and_nothing_else_does(lab: Lab) -> None:
    lab.serve(lab.internet, "outside", 8443)
    public = lab.put("publicIPAddresses/out", STANDARD_IP)["properties"]["ipAddress"]
    front = {"name": "out", "properties": {"publicIPAddress": lab.ref("publicIPAddresses/out")}}
    properties = {"frontendIPConfigurations": [front], "backendAddressPools": [{"name": "pool"}]}
    lab.put("loadBalancers/lb", {**STANDARD, "properties": properties})
    pool = lab.ref("loadBalancers/lb/backendAddressPools/pool")
    one = lab.machine("one", "10.0.0.10", loadBalancerBackendAddressPools=[pool])
    assert who(one, OUTSIDE, 8443) == ""
    rule = {
        "protocol": "All",
        "frontendIPConfigurations": [lab.ref("loadBalancers/lb/frontendIPConfigurations/out")],
        "backendAddressPool": pool,
    }
    rules = {"outboundRules": [{"name": "out", "properties": rule}]}
    lab.put("loadBalancers/lb", {**STANDARD, "properties": {**properties, **rules}})
    lab.site.settle()
    assert ask(one, OUTSIDE, 8443) == ("outside", public, OUTSIDE)


def test_a_cut_works_one_way_or_both_until_it_is_healed(lab: Lab) -> None:
    one, two = lab.serving("one", "10.0.0.10"), lab.serving("two", "10.0.0.11")
    with call(one, "10.0.0.11") as flow:
        assert flow.recv(100)
        lab.site.fabric.cut(lab.machine_id("one"), lab.machine_id("two"), one_way=True)
        assert not echo(flow, SILENCE_S)
        assert who(two, "10.0.0.10") == ""  # its answers are lost
        assert ask(lab.client, "10.0.0.10")[0] == "one"
        assert lab.site.fabric.heal(lab.machine_id("two"), lab.machine_id("one")) == 1
        flow.settimeout(PATIENCE_S)
        assert flow.recv(100) == b"word\n"  # sent again by TCP
    lab.site.fabric.cut(lab.machine_id("one"), "*")
    assert [who(space, "10.0.0.10") for space in (two, lab.client)] == ["", ""]
    assert lab.site.fabric.heal(lab.machine_id("one")) == 2
    assert ask(two, "10.0.0.10")[0] == "one"


def test_a_share_of_the_packets_can_be_lost(lab: Lab) -> None:
    one = lab.machine("one", "10.0.0.10")
    with inside(one):
        listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with inside(lab.client):
        sending = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with listening, sending:
        listening.bind(("0.0.0.0", 9000))
        listening.settimeout(SILENCE_S)
        lab.site.fabric.cut(lab.machine_id("one"), "vnet", percent=50)
        for number in range(200):
            sending.sendto(bytes([number]), ("10.0.0.10", 9000))
        heard = 0
        with contextlib.suppress(TimeoutError):
            while listening.recv(10):
                heard += 1
    assert 0 < heard < 200


def test_networks_with_the_same_addresses_know_nothing_of_each_other(lab: Lab) -> None:
    lab.serving("here", "10.0.0.10")
    with group(lab.site, "elsewhere") as other:
        other.serving("there", "10.0.0.10")
        other.serving("alone", "10.0.0.11")
        assert ask(lab.client, "10.0.0.10")[0] == "here"
        assert ask(other.client, "10.0.0.10")[0] == "there"
        assert ask(other.client, "10.0.0.11")[0] == "alone"
        assert who(lab.client, "10.0.0.11") == ""


def test_a_machine_without_power_says_nothing_and_comes_back_empty(lab: Lab) -> None:
    lab.serving("one", "10.0.0.10")
    with call(lab.client, "10.0.0.10") as flow:
        assert flow.recv(100)
        lab.site.fabric.unplug(lab.machine_id("one"))
        lab.servers.pop().end()  # as the kernel closes what a killed program had open
        assert not echo(flow, SILENCE_S)
        namespace = lab.site.fabric.plug(lab.machine_id("one"))
        assert who(lab.client, "10.0.0.10") == ""
        lab.serve(namespace, "again", 80)
        assert ask(lab.client, "10.0.0.10")[0] == "again"


def test_a_deleted_machine_and_network_leave_nothing(lab: Lab) -> None:
    namespace = lab.machine("one", "10.0.0.10")
    fabric = lab.site.fabric.networks()[lab.network]
    there = kernel.namespaces()
    assert {namespace, fabric, lab.client} <= set(there)
    lab.remove()
    assert not {namespace, fabric} & set(kernel.namespaces())
    assert not (NAMED / namespace).exists()
