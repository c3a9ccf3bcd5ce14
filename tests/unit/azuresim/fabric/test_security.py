"""Security groups made into rules on addresses."""

from typing import Any

import pytest

from azuresim.fabric import ranges, security
from azuresim.fabric.nft import _rule
from azuresim.fabric.ranges import holds

SPACE = ranges.addresses(["10.5.0.0/16"])


def rule(**more: Any) -> dict[str, Any]:
    properties = {
        "protocol": "*", "access": "Allow", "direction": "Inbound", "priority": 100,
        "sourceAddressPrefix": "*", "destinationAddressPrefix": "*",
        "sourcePortRange": "*", "destinationPortRange": "*", **more,
    }  # fmt: skip
    return {"name": "rule", "properties": properties}


def rendered(*rules: dict[str, Any], direction: str = "inbound") -> list[str]:
    made = security.group("group", {"properties": {"securityRules": list(rules)}}, SPACE)
    return [_rule(each) for each in getattr(made, direction)]


def test_everyone_has_the_default_rules_and_they_come_last() -> None:
    inside = "{ 10.5.0.0-10.5.255.255, 168.63.129.16 }"
    assert rendered(rule(priority=4096, destinationPortRange="80", protocol="Tcp")) == [
        "meta l4proto tcp th dport { 80 } return",
        f"ip saddr {inside} ip daddr {inside} return",
        "ip saddr { 168.63.129.16 } return",
        "drop",
    ]
    assert rendered(direction="outbound") == [
        f"ip saddr {inside} ip daddr {inside} return",
        "ip daddr { 0.0.0.0-10.4.255.255, 10.6.0.0-168.63.129.15, 168.63.129.17-255.255.255.255 }"
        " return",
        "drop",
    ]


def test_rules_are_asked_by_priority_and_only_those_of_the_direction() -> None:
    made = rendered(
        rule(priority=300, access="Deny"),
        rule(priority=200, protocol="Udp"),
        rule(priority=100, direction="Outbound", access="Deny"),
    )
    assert made[:2] == ["meta l4proto udp return", "drop"]


def test_ports_without_a_protocol_are_those_of_tcp_and_udp() -> None:
    (first, *_) = rendered(rule(destinationPortRanges=["80", "8000-8010"], access="Deny"))
    assert first == "meta l4proto { tcp, udp } th dport { 80, 8000-8010 } drop"


@pytest.mark.parametrize(
    ("tag", "inside", "outside"),
    [
        ("VirtualNetwork", "10.5.3.1", "10.6.0.1"),
        ("Internet", "100.65.0.5", "10.5.3.1"),
        ("AzureLoadBalancer", "168.63.129.16", "10.5.3.1"),
        ("Storage", "100.64.128.1", "100.64.0.1"),
        ("storage.JapanEast", "100.64.128.1", "100.65.0.5"),
        ("AzureCloud", "192.0.2.1", "100.65.0.5"),
        ("10.7.0.0/16", "10.7.1.1", "10.5.0.1"),
    ],
)
def test_what_a_tag_stands_for(tag: str, inside: str, outside: str) -> None:
    body = {"properties": {"securityRules": [rule(sourceAddressPrefix=tag)]}}
    found = security.group("group", body, SPACE).inbound[0].sources
    assert holds(found, inside)
    assert not holds(found, outside)


def test_a_rule_about_an_unknown_tag_fits_nothing() -> None:
    assert rendered(rule(sourceAddressPrefix="AzureTrafficManager")) == rendered()
