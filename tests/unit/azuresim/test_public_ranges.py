"""Public addresses and prefixes come from ranges nobody routes, each once, until none is left."""

import ipaddress
from collections import Counter
from typing import Any, cast

import pytest

from azuresim.errors import ArmError
from azuresim.resources.call import Call
from azuresim.resources.network import public_ranges

UNROUTED = [
    ipaddress.ip_network(each)
    for each in (
        "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32",
    )
]  # fmt: skip


def drawing(start: int = 0) -> Call:
    """Return a call whose counters begin at a number."""
    counts: Counter[str] = Counter()

    def draw(name: str) -> int:
        counts[name] += 1
        return start + counts[name] - 1

    nothing: Any = None
    tx = cast("Any", nothing)
    return Call(tx=tx, now=0.0, version="", subscription="s", tenant="t", draw=draw)


@pytest.mark.parametrize("version", [4, 6])
def test_addresses_are_unrouted_and_all_different(version: int) -> None:
    call = drawing()
    drawn = [public_ranges.single(call, version) for _ in range(1000)]
    assert len(set(drawn)) == 1000
    for text in drawn:
        assert any(ipaddress.ip_address(text) in network for network in UNROUTED)


@pytest.mark.parametrize(("version", "length"), [(4, 28), (4, 31), (6, 124)])
def test_prefixes_never_overlap(version: int, length: int) -> None:
    call = drawing()
    drawn = [ipaddress.ip_network(public_ranges.block(call, version, length)) for _ in range(40)]
    for at, network in enumerate(drawn):
        assert any(network.network_address in each for each in UNROUTED)
        assert not any(network.overlaps(other) for other in drawn[at + 1 :])


def test_what_is_used_up_is_refused() -> None:
    with pytest.raises(ArmError, match="PublicIPCountLimitReached"):
        public_ranges.single(drawing(start=70_000), 4)
    with pytest.raises(ArmError, match="PublicIPCountLimitReached"):
        public_ranges.block(drawing(start=5_000), 4, 28)
