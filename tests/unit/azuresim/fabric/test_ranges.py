"""Sets of addresses and ports."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azuresim.fabric import ranges

PAIRS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (min(pair), max(pair)))
)


def members(pairs: ranges.Ranges) -> set[int]:
    return {number for first, last in pairs for number in range(first, last + 1)}


@given(PAIRS)
def test_a_union_has_the_same_members_and_no_two_of_its_ranges_touch(
    pairs: list[tuple[int, int]],
) -> None:
    made = ranges.merged(pairs)
    assert members(made) == members(tuple(pairs))
    assert all(one[1] + 1 < two[0] for one, two in itertools.pairwise(made))


@given(PAIRS)
def test_a_number_is_in_a_set_or_in_its_complement(pairs: list[tuple[int, int]]) -> None:
    made = ranges.merged(pairs)
    outside = ranges.complement(made, 60)
    assert members(made) & members(outside) == set()
    assert members(made) | members(outside) == set(range(61))


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        (["10.0.0.0/24", "10.0.1.0/24"], "{ 10.0.0.0-10.0.1.255 }"),
        (["10.0.0.7", "10.0.0.9-10.0.0.10"], "{ 10.0.0.7, 10.0.0.9-10.0.0.10 }"),
        (["2001:db8::/32", "10.0.0.1"], "{ 10.0.0.1 }"),
    ],
    ids=["prefixes that touch", "an address and a range", "IPv6 is left out"],
)
def test_addresses_as_nft_writes_them(texts: list[str], shown: str) -> None:
    assert ranges.shown_addresses(ranges.addresses(texts)) == shown


def test_ports_as_nft_writes_them() -> None:
    assert ranges.shown_ports(ranges.ports(["443", "80-90", "85-100"])) == "{ 80-100, 443 }"
    assert ranges.ports(["*", "80"]) == ranges.ALL_PORTS
