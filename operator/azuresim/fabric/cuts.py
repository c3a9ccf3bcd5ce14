"""Cuts between places: which packets are lost, and how many of them. Pure.

A place is a machine (its id in lower case), or one of the door's places as a machine sees them:
the client of its own network, what is outside, the stores, the platform.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from azuresim.fabric.door import EVERYTHING, INTERNET, PLACES, PLATFORM, STORE, STORES, VNET
from azuresim.fabric.names import UPLINK
from azuresim.fabric.wanted import Interface, Network

Cuts = Mapping[tuple[str, str], int]
"""Share of lost packets in percent, by the place they come from and the one they go to."""


@dataclass(frozen=True, slots=True)
class _End:
    """How packets of a place are told: by the name of their cable, and by address."""

    cables: tuple[str, ...] = ()
    addresses: str = ""
    local: bool = False


def check(one: str, other: str, percent: int) -> None:
    """Refuse a cut that means nothing.

    Raises:
        ValueError: Neither place is a machine, or the percentage is not in 1..100.
    """
    if one in PLACES and other in PLACES:
        raise ValueError(f"Cut a machine from a place, or from a machine; not {one} from {other}.")
    if not 1 <= percent <= 100:
        raise ValueError(f"A cut loses 1 to 100 percent of the packets, not {percent}.")


def chains(
    cuts: Cuts, network: Network, machines: Mapping[str, tuple[Interface, ...]]
) -> dict[str, list[str]]:
    """Return the lines of a network's three chains of cuts.

    Args:
        cuts: All there are.
        network: The virtual network.
        machines: Interfaces by machine.
    """
    lines: dict[str, list[str]] = {"cut": [], "cut_in": [], "cut_out": []}
    for (source, target), percent in cuts.items():
        verdict = "drop" if percent == 100 else f"numgen random mod 100 < {percent} drop"
        for start in _ends(source, network, machines):
            for goal in _ends(target, network, machines):
                where, match = _match(start, goal)
                if where:
                    lines[where].append(f"{match} {verdict}")
    return lines


def _ends(
    place: str, network: Network, machines: Mapping[str, tuple[Interface, ...]]
) -> Iterator[_End]:
    if place in {PLATFORM, EVERYTHING}:
        yield _End(local=True)
    if place == EVERYTHING:
        yield _End()
    elif place == VNET:
        yield from [_End(cables=(network.client.device,))] if network.client else []
    elif place == INTERNET:
        yield _End(cables=(UPLINK,), addresses=f"!= {STORES}")
    elif place == STORE:
        yield _End(cables=(UPLINK,), addresses=STORES)
    else:
        here = [each for each in machines.get(place, ()) if each.network == network.id]
        if here:
            yield _End(cables=tuple(each.device for each in here))


def _match(start: _End, goal: _End) -> tuple[str, str]:
    """Return the chain and the condition of packets between two ends."""
    if start.local and goal.local:
        return "", ""
    parts = [_cable("iifname", start), _cable("oifname", goal)]
    parts += [f"ip saddr {start.addresses}"] if start.addresses else []
    parts += [f"ip daddr {goal.addresses}"] if goal.addresses else []
    where = "cut_out" if start.local else "cut_in" if goal.local else "cut"
    return where, " ".join(part for part in parts if part)


def _cable(word: str, end: _End) -> str:
    if not end.cables:
        return ""
    listed = ", ".join(f'"{cable}"' for cable in end.cables)
    return f"{word} {{ {listed} }}"
