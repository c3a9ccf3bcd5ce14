"""Cuts between places."""

import pytest
from tests.unit.azuresim.fabric.values import interface, network

from azuresim.fabric import cuts

ONE, TWO = interface("10.0.0.10"), interface("10.0.0.11")
CLIENT = interface("10.0.0.5", device="cable-client")
NET = network(interfaces=(ONE, TWO), client=CLIENT)
OUT = 'iifname { "cable-10" } oifname { "internet" }'
MACHINES = {"one": (ONE,), "two": (TWO,)}


def lines(source: str, target: str, percent: int = 100) -> dict[str, list[str]]:
    made = cuts.chains({(source, target): percent}, NET, MACHINES)
    return {chain: found for chain, found in made.items() if found}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("two", {"cut": ['iifname { "cable-10" } oifname { "cable-11" } drop']}),
        ("vnet", {"cut": ['iifname { "cable-10" } oifname { "cable-client" } drop']}),
        ("store", {"cut": [f"{OUT} ip daddr 100.64.128.0/17 drop"]}),
        ("internet", {"cut": [f"{OUT} ip daddr != 100.64.128.0/17 drop"]}),
        ("platform", {"cut_in": ['iifname { "cable-10" } drop']}),
        ("*", {"cut": ['iifname { "cable-10" } drop'], "cut_in": ['iifname { "cable-10" } drop']}),
        ("elsewhere", {}),
    ],
)  # fmt: skip
def test_what_a_machine_sends_to_a_place_is_lost(
    target: str, expected: dict[str, list[str]]
) -> None:
    assert lines("one", target) == expected


def test_what_a_place_sends_to_a_machine_is_lost() -> None:
    assert lines("platform", "one") == {"cut_out": ['oifname { "cable-10" } drop']}
    assert lines("store", "one")["cut"][0].endswith("ip saddr 100.64.128.0/17 drop")


def test_a_share_of_the_packets_is_lost() -> None:
    (line,) = lines("one", "two", 30)["cut"]
    assert line.endswith('oifname { "cable-11" } numgen random mod 100 < 30 drop')


@pytest.mark.parametrize(
    ("one", "other", "percent"), [("vnet", "store", 100), ("one", "two", 0), ("one", "two", 101)]
)
def test_a_cut_that_means_nothing_is_refused(one: str, other: str, percent: int) -> None:
    with pytest.raises(ValueError, match=r"Cut a machine|A cut loses"):
        cuts.check(one, other, percent)
