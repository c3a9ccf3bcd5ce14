"""Whether a balancer's probes reach a backend: the door, and the model that stands in it.

A `Prober` is asked once for each backend of a rule. Here it is a script that an
outsider writes through the control socket, over a model in which whatever has a
machine answers. Real probes between real machines take the same place.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

UP: Final = "Up"
DOWN: Final = "Down"
REASONS: Final = {
    "Up": ("Up_Probe_Success", "Up_Probe_ApproachingUnhealthyThreshold", "Up_Platform"),
    "Down": (
        "Down_Probe_TcpProbeTimeout",
        "Down_Probe_HttpEndpointUnreachable",
        "Down_Probe_HttpNoResponse",
        "Down_Probe_HttpStatusCodeError",
        "Down_Probe_ApproachingHealthyThreshold",
        "Down_Probe_NoHealthyBackend",
        "Down_Platform",
    ),
}
"""What probes may give as a reason, by state (source: document); the first is the default."""


class Verdict(NamedTuple):
    """What probes say of one backend.

    Attributes:
        state: `Up` or `Down`.
        reason: Azure's code for it.
    """

    state: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """One backend of one rule, as a prober needs to know it.

    Attributes:
        balancer: Name of the balancer.
        rule: Id of the rule.
        probe: The probe's properties: protocol, port, requestPath, intervalInSeconds and so on.
        address: The backend's address.
        configuration: Id of the interface's IP configuration; empty for a bare address.
        attached: There is a machine behind it, as far as ARM knows.
    """

    balancer: str
    rule: str
    probe: Mapping[str, Any]
    address: str
    configuration: str
    attached: bool


Prober = Callable[[Probed], Verdict]


def everything_up(probed: Probed) -> Verdict:
    """Find everything up that has a machine behind it: the model (source: assumed)."""
    if probed.attached:
        return Verdict(UP, REASONS[UP][0])
    is_http = str(probed.probe.get("protocol", "")).startswith("Http")
    return Verdict(DOWN, REASONS[DOWN][1 if is_http else 0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the script: which backends are how.

    Attributes:
        address: The backend's address, or `*` for any.
        balancer: Name of the balancer; `*` stands for anything.
        state: `Up` or `Down`.
        reason: Azure's code for it.
    """

    address: str
    balancer: str
    state: str
    reason: str


class Script:
    """A prober that says what it was told to, and asks another one about the rest.

    Args:
        kept: The lines an earlier process kept.
        keep: Makes the lines durable.

    Attributes:
        rest: Who is asked about the rest: the model, or the data plane where there is one.
    """

    def __init__(
        self, kept: list[dict[str, Any]], keep: Callable[[list[dict[str, Any]]], None]
    ) -> None:
        self._lines = [Line(**line) for line in kept]
        self._keep = keep
        self.rest: Prober = everything_up

    def __call__(self, probed: Probed) -> Verdict:
        """Return the newest fitting line's verdict, else the other prober's."""
        for line in reversed(self._lines):
            if line.address in {"*", probed.address} and fnmatchcase(
                probed.balancer.casefold(), line.balancer.casefold()
            ):
                return Verdict(line.state, line.reason)
        return self.rest(probed)

    def set(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Add a line from its fields and return it.

        Raises:
            ValueError: If a field is missing or is not a known state or reason.
        """
        line = _line(wish)
        kept = [old for old in self._lines if (old.address, old.balancer) != _place(line)]
        self._lines = [*kept, line]
        self._save()
        return asdict(line)

    def list(self) -> list[dict[str, Any]]:
        """Return the lines, oldest first."""
        return [asdict(line) for line in self._lines]

    def clear(self, address: str = "") -> int:
        """Take away the lines of one address, or all, and return how many went."""
        left = [line for line in self._lines if address and line.address != address]
        gone = len(self._lines) - len(left)
        self._lines = left
        self._save()
        return gone

    def _save(self) -> None:
        self._keep(self.list())


def _place(line: Line) -> tuple[str, str]:
    return line.address, line.balancer


def _line(wish: Mapping[str, Any]) -> Line:
    unknown = set(wish) - {"address", "balancer", "state", "reason"}
    if unknown:
        raise ValueError(f"Unknown fields: {', '.join(sorted(unknown))}.")
    state = str(wish.get("state", "")).capitalize()
    if state not in REASONS:
        raise ValueError("Say up or down in 'state'.")
    if not wish.get("address"):
        raise ValueError("Say whose state it is in 'address': an IP address, or * for all.")
    reason = str(wish.get("reason") or REASONS[state][0])
    if reason not in REASONS[state]:
        raise ValueError(f"For {state}, 'reason' is one of {', '.join(REASONS[state])}.")
    return Line(
        address=str(wish["address"]),
        balancer=str(wish.get("balancer") or "*"),
        state=state,
        reason=reason,
    )
