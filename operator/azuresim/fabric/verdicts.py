"""What a balancer makes of the answers to its probes. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from azuresim.fabric.health import DOWN, REASONS, UP, Verdict
from azuresim.fabric.wanted import Balance, Network, Probe

SUCCESS, SINKING = REASONS[UP][:2]
TCP_TIMEOUT, UNREACHABLE, NO_RESPONSE, BAD_STATUS, RISING = REASONS[DOWN][:5]


class Target(NamedTuple):
    """One backend as one probe asks it.

    Attributes:
        namespace: Fabric namespace to ask from.
        probe: The probe.
        address: The backend.
    """

    namespace: str
    probe: Probe
    address: str

    @property
    def key(self) -> tuple[str, str]:
        """Probe and backend."""
        return self.probe.id, self.address


@dataclass(frozen=True, slots=True)
class Tally:
    """The verdict on a backend so far; a new one is down until it has answered.

    Attributes:
        up: It gets new flows.
        against: Answers in a row that spoke against that.
        last: What the last answer was; empty for a good one, else the reason.
    """

    up: bool = False
    against: int = 0
    last: str = TCP_TIMEOUT

    def after(self, answer: str, threshold: int) -> "Tally":
        """Return the verdict after an answer; it changes after so many contrary ones in a row."""
        if (answer == "") is self.up:
            return Tally(self.up, 0, answer)
        if self.against + 1 >= threshold:
            return Tally(not self.up, 0, answer)
        return Tally(self.up, self.against + 1, answer)

    @property
    def verdict(self) -> Verdict:
        """What rule health shows of it."""
        if self.up:
            return Verdict(UP, SINKING if self.against else SUCCESS)
        return Verdict(DOWN, RISING if self.against else self.last)


Tallies = Mapping[tuple[str, str], Tally]
UNKNOWN: Final = Tally()


def targets(networks: Mapping[str, Network]) -> frozenset[Target]:
    """Return who is to be asked by which probe."""
    return frozenset(
        Target(network.namespace, balance.probe, backend.address)
        for network in networks.values()
        for balance in network.balances
        if balance.probe is not None
        for backend in balance.backends
    )


def healthy(networks: Mapping[str, Network], tallies: Tallies) -> dict[str, tuple[str, ...]]:
    """Return the addresses of the backends that get new flows, by balancing rule."""
    return {
        balance.id: tuple(_healthy(balance, tallies))
        for network in networks.values()
        for balance in network.balances
    }


def _healthy(balance: Balance, tallies: Tallies) -> Iterator[str]:
    eligible = [each for each in balance.backends if each.admin != DOWN]
    probe = balance.probe
    up = [
        each.address
        for each in eligible
        if each.admin == UP
        or probe is None
        or tallies.get((probe.id, each.address), UNKNOWN).up
    ]  # fmt: skip
    everyone = probe is not None and probe.always_one and not up
    yield from [each.address for each in eligible] if everyone else up
