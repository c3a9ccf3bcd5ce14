"""Sets of numbers - addresses, ports - as sorted ranges that neither touch nor overlap.

Security groups name addresses by prefix, by range and by tag, and ports by number and range;
nft wants all of it as ranges without overlap.
"""

import ipaddress
from collections.abc import Callable, Iterable
from typing import Final

Ranges = tuple[tuple[int, int], ...]
"""Pairs of first and last, sorted, with a gap between one and the next."""

LAST_ADDRESS: Final = (1 << 32) - 1
LAST_PORT: Final = 65535
ALL_ADDRESSES: Final[Ranges] = ((0, LAST_ADDRESS),)
ALL_PORTS: Final[Ranges] = ((0, LAST_PORT),)


def merged(pairs: Iterable[tuple[int, int]]) -> Ranges:
    """Return the union of ranges, given in any order."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(pairs):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return tuple(found)


def complement(ranges: Ranges, last: int = LAST_ADDRESS) -> Ranges:
    """Return what is in 0..last and in none of the ranges."""
    edges = [-1, *(edge for pair in ranges for edge in pair), last + 1]
    gaps = zip(edges[::2], edges[1::2], strict=True)
    return tuple((low + 1, high - 1) for low, high in gaps if low + 1 <= high - 1)


def holds(ranges: Ranges, address: str) -> bool:
    """Whether an address is in one of the ranges."""
    number = int(ipaddress.IPv4Address(address))
    return any(first <= number <= last for first, last in ranges)


def addresses(texts: Iterable[str]) -> Ranges:
    """Return the IPv4 addresses that prefixes, single addresses and `first-last` stand for.

    What is of IPv6 is left out: the data plane has none.

    Raises:
        ValueError: One is none of these.
    """
    return merged(pair for text in texts for pair in _addresses(text))


def _addresses(text: str) -> Iterable[tuple[int, int]]:
    first, dash, last = (part.strip() for part in text.partition("-"))
    if dash:
        ends = ipaddress.ip_address(first), ipaddress.ip_address(last)
        return [(int(ends[0]), int(ends[1]))] if ends[0].version == 4 else []
    network = ipaddress.ip_network(first, strict=False)
    if network.version != 4:
        return []
    return [(int(network.network_address), int(network.broadcast_address))]


def ports(texts: Iterable[str]) -> Ranges:
    """Return the ports that `*`, numbers and `first-last` stand for.

    Raises:
        ValueError: One is none of these.
    """
    return merged(_ports(text) for text in texts)


def _ports(text: str) -> tuple[int, int]:
    if text.strip() == "*":
        return ALL_PORTS[0]
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def shown_addresses(ranges: Ranges) -> str:
    """Return ranges of addresses as nft writes a set."""
    return _shown(ranges, lambda number: str(ipaddress.IPv4Address(number)))


def shown_ports(ranges: Ranges) -> str:
    """Return ranges of ports as nft writes a set."""
    return _shown(ranges, str)


def _shown(ranges: Ranges, show: Callable[[int], str]) -> str:
    parts = (show(a) if a == b else f"{show(a)}-{show(b)}" for a, b in ranges)
    return "{ " + ", ".join(parts) + " }"
