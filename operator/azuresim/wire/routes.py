"""The fixed paths, matched segment by segment without regard to letter case."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from azuresim.resources.subscriptions import Route


class Match(NamedTuple):
    """A route and the values of its `{...}` segments."""

    route: Route
    names: Mapping[str, str]


class Routes:
    """Finds the route of a verb and path.

    Args:
        routes: All there are; of two that match, the earlier wins.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_length: dict[int, list[tuple[tuple[str, ...], Route]]] = {}
        for route in routes:
            pattern = tuple(route.pattern.strip("/").split("/"))
            self._by_length.setdefault(len(pattern), []).append((pattern, route))

    def find(self, verb: str, segments: tuple[str, ...]) -> Match | None:
        """Return the route for a request, or None."""
        for pattern, route in self._by_length.get(len(segments), ()):
            names = _match(pattern, segments)
            if route.verb == verb and names is not None:
                return Match(route, names)
        return None

    def patterns(self) -> list[str]:
        """Return every verb and pattern, to tell what is supported."""
        return sorted(
            f"{route.verb} {route.pattern}"
            for routes in self._by_length.values()
            for _, route in routes
        )


def _match(pattern: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
    names: dict[str, str] = {}
    for want, have in zip(pattern, segments, strict=True):
        if want.startswith("{"):
            names[want[1:-1]] = have
        elif want.casefold() != have.casefold():
            return None
    return names
