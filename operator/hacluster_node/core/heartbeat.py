"""What one heartbeat says. Liveness, status and evidence; never a right, except in failsafe.

The transport adds the sender, its boot id, its incarnation and a sequence number, authenticates
all of it, and drops replays. Nonces need only be unique (they are ``incarnation:counter``), since
an answer to one can be made only by who received it, with the key.
"""

from __future__ import annotations

import enum
from typing import Any, Mapping, NamedTuple, Tuple

from hacluster_node.core.record import Wanted

MAX_GROUPS = 64
"""More groups than this do not fit into one datagram; the configuration check refuses them."""


class Standing(str, enum.Enum):
    """What a node says about itself and one group."""

    INACTIVE = "Inactive"
    """Not serving, and nothing under way that could make it serve: binding evidence."""
    CONTENDING = "Contending"
    """A write is out, or it was confirmed and the node waits before it starts."""
    STARTING = "Starting"
    ACTIVE = "Active"
    STOPPING = "Stopping"
    FENCED = "Fenced"
    """Traffic is held or cut, but the right is not yet given back: not evidence."""


class GroupReport(NamedTuple):
    """A node's word about one group.

    Args:
        group: Its name.
        standing: See ``Standing``.
        epoch: The highest epoch the node knows for the group.
        eligible: The node could run it now if it were asked to.
        wanted: What the node knows to be wanted of it at that epoch (guide mode has no record).
    """

    group: str
    standing: Standing
    epoch: int
    eligible: bool
    wanted: Wanted = Wanted.STARTED


class PromiseRequest(NamedTuple):
    """A holder that lost the witness asks a peer not to contend for ``for_s`` from receipt."""

    group: str
    epoch: int
    nonce: str
    for_s: float


class Promise(NamedTuple):
    """The answer to a ``PromiseRequest``, bound to its nonce. ``given`` False means no."""

    group: str
    epoch: int
    nonce: str
    given: bool
    why: str


class Ask(NamedTuple):
    """A command given on a node that is not active, handed to the one that is.

    Args:
        ask: Unique id, so that a repeated heartbeat does not repeat the command.
        verb: ``Move`` or ``Stop``.
        group: The group.
        node: Where to move it, or "".
        epoch: The epoch the asker saw; a different one makes the ask void.
    """

    ask: str
    verb: str
    group: str
    node: str
    epoch: int


class Heartbeat(NamedTuple):
    """The body of one heartbeat.

    Args:
        nonce: A fresh nonce of the sender, for the receiver to echo.
        echo: The last nonce the sender received from this receiver, or "".
        uptime_s: The sender's raw clock: a peer's clock that ran ahead of ours shows a thaw.
        groups: The sender's word about each group.
        requests: Promises it asks for.
        promises: Promises it gives or refuses.
        asks: Commands it hands on.
        leaving: The sender stops its cluster service: its silence will not be a crash.
    """

    nonce: str
    echo: str
    uptime_s: float
    groups: Tuple[GroupReport, ...] = ()
    requests: Tuple[PromiseRequest, ...] = ()
    promises: Tuple[Promise, ...] = ()
    asks: Tuple[Ask, ...] = ()
    leaving: bool = False

    def plain(self) -> dict[str, Any]:
        """Return the body as JSON-ready lists and values."""
        return {
            "nonce": self.nonce,
            "echo": self.echo,
            "uptime_s": self.uptime_s,
            "groups": [_plain(report) for report in self.groups],
            "requests": [list(request) for request in self.requests],
            "promises": [list(promise) for promise in self.promises],
            "asks": [list(ask) for ask in self.asks],
            "leaving": self.leaving,
        }

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> Heartbeat:
        """Read what ``plain`` returned; unknown keys of newer agents are ignored.

        Raises:
            ValueError: A field is missing or malformed.
        """
        try:
            return cls(
                nonce=str(plain["nonce"]),
                echo=str(plain["echo"]),
                uptime_s=float(plain["uptime_s"]),
                groups=tuple(_report(*entry[:5]) for entry in plain.get("groups", ())),
                requests=tuple(PromiseRequest(*entry[:4]) for entry in plain.get("requests", ())),
                promises=tuple(Promise(*entry[:5]) for entry in plain.get("promises", ())),
                asks=tuple(Ask(*entry[:5]) for entry in plain.get("asks", ())),
                leaving=bool(plain.get("leaving", False)),
            )
        except (TypeError, KeyError, IndexError) as error:
            raise ValueError(f"not a heartbeat: {error}") from error


def _plain(report: GroupReport) -> list[Any]:
    return [value.value if isinstance(value, enum.Enum) else value for value in report]


def _report(
    group: str,
    standing: str,
    epoch: int,
    eligible: bool,  # noqa: FBT001  # in wire order
    wanted: str = Wanted.STARTED.value,
) -> GroupReport:
    standing_, wanted_ = Standing(standing), Wanted(wanted)
    return GroupReport(str(group), standing_, int(epoch), bool(eligible), wanted_)
