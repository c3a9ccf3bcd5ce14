"""The last exchanges in full and the count of all of them, by verb, type and status."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

KEPT: Final = 5_000
"""Exchanges remembered one by one; counts go back to the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its reply, without bodies or secrets.

    Attributes:
        at: Simulated seconds since 1970.
        verb: HTTP method.
        path: Path without the query.
        kind: Full resource type, a fixed path, or `entra`.
        version: The api-version asked for.
        status: Of the reply; 0 if the connection was cut instead.
        took_ms: Milliseconds of real time.
        request_id: What the reply carried as `x-ms-request-id`.
    """

    at: float
    verb: str
    path: str
    kind: str
    version: str
    status: int
    took_ms: float
    request_id: str


class Exchanges:
    """Remembers what was said."""

    def __init__(self) -> None:
        self._last: deque[Exchange] = deque(maxlen=KEPT)
        self._counts: Counter[tuple[str, str, int]] = Counter()

    def add(self, exchange: Exchange) -> None:
        """Remember one exchange."""
        self._last.append(exchange)
        self._counts[exchange.verb, exchange.kind, exchange.status] += 1

    def clear(self) -> None:
        """Forget everything, counts included."""
        self._last.clear()
        self._counts.clear()

    def counts(self, *, verb: str = "", kind: str = "") -> list[dict[str, Any]]:
        """Return how often what was said, narrowed to a verb or a type."""
        return [
            {"verb": key[0], "type": key[1], "status": key[2], "count": count}
            for key, count in sorted(self._counts.items())
            if _fits(verb, key[0]) and _fits(kind, key[1])
        ]

    def last(self, *, verb: str = "", kind: str = "", most: int = 100) -> list[dict[str, Any]]:
        """Return the latest exchanges, oldest first."""
        return [asdict(each) for each in self._select(verb, kind)][-most:]

    def _select(self, verb: str, kind: str) -> Iterator[Exchange]:
        for each in self._last:
            if _fits(verb, each.verb) and _fits(kind, each.kind):
                yield each


def _fits(wanted: str, there: str) -> bool:
    return not wanted or wanted.casefold() == there.casefold()
