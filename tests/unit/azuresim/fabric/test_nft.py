"""What is rendered for nft; tests/netns shows that it does with packets what it says."""

from typing import Any

from tests.unit.azuresim.fabric.values import balance, interface, network

from azuresim.fabric import nft
from azuresim.fabric.names import chain as chain_of
from azuresim.fabric.nft import mark
from azuresim.fabric.wanted import Network, WayOut

BOTH = ("10.0.0.10", "10.0.0.11")


def chain(made: Network, name: str, **healthy: tuple[str, ...]) -> list[str]:
    return list(nft.table(made, healthy, {})[1][name])


def one_rule(name: str, healthy: tuple[str, ...] = BOTH, **more: Any) -> list[str]:
    """Return the lines of a chain that speak of a balancing rule."""
    lines = chain(network(balances=(balance(**more),)), name, rule=healthy)
    return [line for line in lines if "10.0.0.200" in line]


def test_flows_are_shared_out_by_their_five_facts_over_the_healthy() -> None:
    (line,) = one_rule("balance")
    assert line.startswith(
        'iifname != "internet" ip daddr 10.0.0.200 tcp dport 80 dnat ip addr . port to '
        "jhash ip saddr . th sport . ip daddr . th dport mod 2 seed 0x"
    )
    assert line.endswith("map { 0 : 10.0.0.10 . 8080, 1 : 10.0.0.11 . 8080 }")
    (line,) = one_rule("balance", ("10.0.0.11",))
    assert " mod 1 " in line
    assert line.endswith("map { 0 : 10.0.0.11 . 8080 }")
    assert one_rule("balance", ()) == []


def test_affinity_hashes_less() -> None:
    assert "jhash ip saddr . ip daddr mod 2" in one_rule("balance", hashed=2)[0]
    assert "jhash ip saddr . ip daddr . meta l4proto mod 2" in one_rule("balance", hashed=3)[0]


def test_a_rule_for_all_ports_keeps_the_port() -> None:
    lines = one_rule("balance", protocols=("tcp", "udp"), port=0, back_port=0)
    assert [line.split(" dnat to jhash")[0].split("10.0.0.200 ")[1] for line in lines] == [
        "meta l4proto tcp", "meta l4proto udp",
    ]  # fmt: skip
    assert all(line.endswith("map { 0 : 10.0.0.10, 1 : 10.0.0.11 }") for line in lines)


def test_floating_ip_marks_and_translates_nothing() -> None:
    assert one_rule("balance", floating=True, back_port=80) == []
    marks = [line for line in one_rule("arrive", floating=True) if "meta mark set jhash" in line]
    assert len(marks) == 1
    assert marks[0].endswith("map { 0 : 0xa00000a, 1 : 0xa00000b } ct mark set meta mark")
    assert mark("10.0.0.10") == 0xA00000A


def test_a_public_front_end_is_one_for_what_comes_from_the_internet() -> None:
    made = network(balances=(balance(front="192.0.2.1", public=True),))
    (line,) = [each for each in chain(made, "balance", rule=BOTH) if "192.0.2.1" in each]
    assert line.startswith('iifname "internet" ip daddr 192.0.2.1 ')


def test_strays_are_told_only_where_a_rule_says_so() -> None:
    ends = (interface("10.0.0.10"), interface("10.0.0.11"))
    quiet = network(interfaces=ends, balances=(balance(resets=False),))
    assert chain(quiet, "strays") == ["drop"]
    told = chain(network(interfaces=ends, balances=(balance(resets=True),)), "strays")
    assert told == [
        'iifname != "internet" ip daddr 10.0.0.200 tcp dport 80 reject with tcp reset',
        'iifname "cable-10" ip saddr 10.0.0.10 tcp sport 8080 reject with tcp reset',
        'iifname "cable-11" ip saddr 10.0.0.11 tcp sport 8080 reject with tcp reset',
        "drop",
    ]


def test_an_interface_without_a_group_is_closed_to_the_internet_and_open_inside() -> None:
    bare, judged = interface(), interface("10.0.0.11", inbound=("a", "b"), outbound=("b", "a"))
    chains = nft.table(network(interfaces=(bare, judged)), {}, {})[1]
    assert chains[chain_of("to", bare.id)] == ['iifname "internet" drop']
    assert chains[chain_of("to", judged.id)] == [
        f"jump {chain_of('in', 'a')}", f"jump {chain_of('in', 'b')}",
    ]  # fmt: skip


def test_only_declared_ways_lead_out() -> None:
    closed = interface()
    shared = WayOut(addresses=("192.0.2.7", "192.0.2.8"), protocols=("tcp", "udp"))
    leaves = interface("10.0.0.11", ways=(shared,))
    chains = nft.table(network(interfaces=(closed, leaves)), {}, {})[1]
    assert chains[chain_of("way", closed.id)] == ["drop"]
    assert chains[chain_of("way", leaves.id)] == ["meta l4proto { tcp, udp } accept", "drop"]
    assert chains["leave"][1:] == [
        'oifname "internet" ip saddr 10.0.0.11 meta l4proto { tcp, udp } snat to 192.0.2.8'
    ]


def test_a_table_is_replaced_in_one_step_and_loses_the_chains_that_are_gone() -> None:
    script = nft.script("", {"new": ["drop"]}, ("old", "new"))
    assert script.splitlines() == [
        "add table ip az", "flush table ip az", "delete chain ip az old",
        "table ip az {", "", "chain new {", "drop", "}", "}",
    ]  # fmt: skip
