"""Security groups, packet by packet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.netns.fabric.lab import SILENCE_S, ask, call, echo, pings, who
from tests.sim.network.lab import STANDARD_IP

if TYPE_CHECKING:
    from tests.netns.fabric.lab import Lab

pytestmark = pytest.mark.timeout(300)  # other work may stall the machine


def test_machines_and_the_client_of_a_network_reach_each_other(lab: Lab) -> None:
    one, two = lab.serving("one", "10.0.0.10"), lab.serving("two", "10.0.0.11")
    assert ask(lab.client, "10.0.0.10") == ("one", "10.0.0.5", "10.0.0.10")
    assert ask(one, "10.0.0.11") == ("two", "10.0.0.10", "10.0.0.11")
    assert ask(two, "10.0.0.10")[0] == "one"
    assert who(lab.client, "10.0.0.12") == ""


def test_the_client_answers_ping_and_what_azure_keeps_for_itself_does_not(lab: Lab) -> None:
    one = lab.machine("one", "10.0.0.10")
    assert pings(one, "10.0.0.5")
    assert not [a for a in ("10.0.0.1", "168.63.129.16") if pings(one, a, SILENCE_S)]


def test_the_first_rule_that_fits_decides(lab: Lab) -> None:
    lab.group_of(
        "group",
        {"priority": 200, "access": "Deny", "destinationPortRange": "80-90"},
        {"priority": 150, "sourceAddressPrefix": "10.0.0.11", "destinationPortRange": "80"},
    )
    one = lab.serving("one", "10.0.0.10", group="group")
    lab.serve(one, "beside", 91)
    two = lab.machine("two", "10.0.0.11")
    assert ask(two, "10.0.0.10")[0] == "one"
    assert who(lab.client, "10.0.0.10") == ""
    assert ask(lab.client, "10.0.0.10", 91)[0] == "beside"


def test_the_groups_of_subnet_and_interface_must_both_allow(lab: Lab) -> None:
    lab.group_of("subnet", {"access": "Deny", "destinationPortRange": "81"})
    lab.group_of("own", {"access": "Deny", "destinationPortRange": "82"})
    subnet = {"addressPrefix": "10.0.0.0/24"}
    group = lab.ref("networkSecurityGroups/subnet")
    lab.put(
        "virtualNetworks/net/subnets/nodes",
        {"properties": {**subnet, "networkSecurityGroup": group}},
    )
    one = lab.serving("one", "10.0.0.10", group="own")
    lab.serve(one, "two", 81)
    lab.serve(one, "three", 82)
    assert ask(lab.client, "10.0.0.10")[0] == "one"
    assert [who(lab.client, "10.0.0.10", port) for port in (81, 82)] == ["", ""]


def test_what_was_let_in_stays_though_a_later_rule_forbids_it(lab: Lab) -> None:
    lab.group_of("group")
    lab.serving("one", "10.0.0.10", group="group")
    with call(lab.client, "10.0.0.10") as flow:
        assert flow.recv(100)
        lab.group_of("group", {"access": "Deny"})
        assert who(lab.client, "10.0.0.10") == ""
        assert echo(flow)


def test_what_a_machine_may_not_send_does_not_leave_it(lab: Lab) -> None:
    lab.group_of(
        "group",
        {"direction": "Outbound", "access": "Deny", "destinationAddressPrefix": "VirtualNetwork"},
    )
    one = lab.serving("one", "10.0.0.10", group="group")
    lab.serving("two", "10.0.0.11")
    assert who(one, "10.0.0.11") == ""
    assert ask(lab.client, "10.0.0.10")[0] == "one"  # answers are part of what was let in


def test_the_internet_gets_in_only_where_a_group_says_so(lab: Lab) -> None:
    addresses = {}
    for name in ("bare", "closed", "open"):
        made = lab.put(f"publicIPAddresses/{name}", STANDARD_IP)
        addresses[name] = made["properties"]["ipAddress"]
    lab.group_of("closed")
    lab.group_of("open", {"sourceAddressPrefix": "Internet", "destinationPortRange": "80"})
    for number, (name, group) in enumerate((("bare", ""), ("closed", "closed"), ("open", "open"))):
        public = lab.ref(f"publicIPAddresses/{name}")
        lab.serving(name, f"10.0.0.{10 + number}", group=group, publicIPAddress=public)
    assert ask(lab.internet, addresses["open"]) == ("open", "100.65.0.5", "10.0.0.12")
    assert who(lab.internet, addresses["open"], 81) == ""
    assert [who(lab.internet, addresses[name]) for name in ("bare", "closed")] == ["", ""]
