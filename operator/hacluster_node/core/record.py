"""The witness's record of one failover group: the only thing that gives the right to be active.

It is changed by compare-and-set alone. ``version`` (an ETag, a resourceVersion) is not part of it:
the witness makes it, and a new one with every write.
"""

from __future__ import annotations

import enum
from typing import Any, Mapping, NamedTuple, Tuple


class Wanted(str, enum.Enum):
    """What the cluster wants of a group, whoever holds it."""

    STARTED = "Started"
    """Some node should run it."""
    STOPPED = "Stopped"
    """An administrator stopped it: nobody takes it over."""
    GIVEN_UP = "GivenUp"
    """It failed more often than its limit allows: it waits for an administrator."""


class Suspect(NamedTuple):
    """An earlier holder that was not yet proven out when the right passed on."""

    node: str
    incarnation: str
    boot_id: str
    epoch: int


class Record(NamedTuple):
    """Who may run a group.

    Args:
        holder: The node that holds it, or that released it last.
        incarnation: The holder's agent run: a restarted agent is a different holder.
        boot_id: The holder's kernel boot; another one proves that the old kernel is dead.
        epoch: Rises by one with every change of holder, never falls.
        duration_s: The holder's D. Contenders wait for it even if their own is shorter.
        counter: Rises with every write, so that no two records of one holder are equal.
        released: The holder wrote this after its fence was complete: it does not serve.
        wanted: What the cluster wants of the group.
        successor: The node meant to take a released group next, or "".
        failovers: How often in a row nodes gave the group up because it failed on them.
        failed_on: The nodes on which it failed since it last ran well.
        suspects: Earlier holders that may still serve after a freeze: the holder activates only
            with evidence against each, or after G. Empty once it activated.
        promise_s: The holder's P: for how long others may have promised it not to contend.
    """

    holder: str
    incarnation: str
    boot_id: str
    epoch: int
    duration_s: float
    counter: int
    released: bool = False
    wanted: Wanted = Wanted.STARTED
    successor: str = ""
    failovers: int = 0
    failed_on: Tuple[str, ...] = ()
    suspects: Tuple[Suspect, ...] = ()
    promise_s: float = 0.0

    def plain(self) -> dict[str, Any]:
        """Return the record as JSON-ready values, as the witness stores it."""
        lists = {
            "failed_on": list(self.failed_on),
            "suspects": [list(suspect) for suspect in self.suspects],
        }
        return {**self._asdict(), **lists, "wanted": self.wanted.value}

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> Record:
        """Read what ``plain`` returned; unknown fields of newer agents are ignored.

        Raises:
            ValueError: A field is missing or of the wrong type.
        """
        known = {name: plain[name] for name in cls._fields if name in plain}
        try:
            known["wanted"] = Wanted(known.get("wanted", Wanted.STARTED))
            known["failed_on"] = tuple(str(node) for node in known.get("failed_on", ()))
            known["suspects"] = tuple(Suspect(*entry[:4]) for entry in known.get("suspects", ()))
            for name in ("epoch", "counter", "failovers"):
                known[name] = int(known.get(name, 0))
            known["duration_s"] = float(known["duration_s"])
            known["promise_s"] = float(known.get("promise_s", 0.0))
            known["released"] = bool(known.get("released", False))
            return cls(**known)
        except (TypeError, KeyError) as error:
            raise ValueError(f"not a witness record: {error}") from error

    def is_held_by(self, incarnation: str) -> bool:
        """Tell whether the agent run ``incarnation`` holds it now."""
        return not self.released and self.incarnation == incarnation
