"""What a node tells of itself, as far as operations need it; the format is docs/node-status.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, Self

from hacluster_wire.orders import Result, parse_results

FRESH: Final = timedelta(seconds=20)
"""A node writes its status every five seconds; one that is older says nothing about now."""


WATCHED: Final = timedelta(seconds=12)
"""Whoever writes every five seconds has written again after so long, whatever its clock says."""


class Standing(StrEnum):
    """A node's own word about a group."""

    INACTIVE = "Inactive"
    CONTENDING = "Contending"
    STARTING = "Starting"
    ACTIVE = "Active"
    STOPPING = "Stopping"
    FENCED = "Fenced"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeWord:
    """One node's status, its signature checked."""

    node: str
    age: timedelta
    watched: timedelta = WATCHED
    """How long this process has waited for a newer status: until `WATCHED` is over, an old one may
    come from a node whose clock is wrong."""
    leaving: str = ""
    """Why it takes no part in the cluster, or nothing."""
    groups: Mapping[str, Standing] = field(default_factory=dict)
    heard: frozenset[str] = frozenset()
    """The other nodes that it hears."""
    results: Mapping[str, Result] = field(default_factory=dict)
    """What has become of orders, by id."""

    @property
    def is_fresh(self) -> bool:
        """Whether it tells about now."""
        return self.age <= FRESH

    @property
    def may_report(self) -> bool:
        """Whether it tells about now, or it is too early to say that it does not."""
        return self.is_fresh or self.watched < WATCHED

    @classmethod
    def of(
        cls, node: str, content: Mapping[str, Any], age: timedelta, watched: timedelta = WATCHED
    ) -> Self:
        """Return what a status says; what is malformed in it is left out."""
        return cls(
            node=node,
            age=age,
            watched=watched,
            leaving=str(content.get("leaving") or ""),
            groups=dict(_standings(content.get("groups"))),
            heard=frozenset(_alive(content.get("peers"))),
            results={result.id: result for result in parse_results(content)},
        )


def _standings(groups: Any) -> list[tuple[str, Standing]]:
    known = set(Standing)
    return [
        (str(group["name"]), Standing(group["standing"]))
        for group in _objects(groups)
        if "name" in group and group.get("standing") in known
    ]


def _alive(peers: Any) -> list[str]:
    return [str(peer["name"]) for peer in _objects(peers) if peer.get("alive") and "name" in peer]


def _objects(items: Any) -> list[Mapping[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
