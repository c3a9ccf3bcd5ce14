"""Replays recorded traffic against a simulator and tells every difference that matters.

What may differ is listed here and nowhere else. Ids the recorder blanked, times
and signatures are compared by shape; addresses the service picks are compared
by presence; the numbers of what is left of a quota by presence.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.sim.simulator import Reply, Simulator

AZURE = "https://management.azure.com"
ZERO = "00000000-0000-0000-0000-000000000000"
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|\+00:00)")

PICKED = frozenset({"ipAddress", "internalDomainNameSuffix", "internalId", "tenantId"})
"""Properties whose values the service picks."""

POLICY_TAGS = frozenset({"createdAt", "Created"})
"""Tags that policies of the recorded subscription added."""

WATCHED = ("Azure-AsyncOperation", "Azure-AsyncNotification", "Location")
"""Headers that must be there exactly when they were recorded."""

PRESENT = ("Content-Type", "ETag", "x-ms-failure-cause")
"""Headers that must be there, with the same value or shape, when they were recorded."""


@dataclass
class Replay:
    """One recording on its way through a simulator."""

    sim: Simulator
    urls: dict[str, str] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    older: set[str] = field(default_factory=set)

    def differences(self, exchanges: list[dict[str, Any]]) -> Iterator[str]:
        """Yield what differs, each with the number of its exchange."""
        for number, exchange in enumerate(exchanges):
            where = f"#{number} {exchange['method']} {exchange['url'].removeprefix(AZURE)}"
            reply = self._send(exchange)
            for difference in self._compare(exchange, reply):
                yield f"{where}: {difference}"

    def _send(self, exchange: Mapping[str, Any]) -> Reply:
        url, verb = exchange["url"], exchange["method"]
        path = self.urls.get(url) or self._ours(url).removeprefix(AZURE)
        body = self._ours_deep(exchange["requestBody"])
        headers = {n: v for n, v in exchange["requestHeaders"].items() if n != "Content-Type"}
        reply = self.sim.send(verb, path, body, headers=headers)
        first = verb == "PUT" and url not in self.written
        if first and exchange["status"] == 200 and reply.status == 201:
            # Recorded over a resource that an earlier run had left behind.
            self.older.add(url)
            reply = self.sim.send(verb, path, body, headers=headers)
        if verb == "PUT":
            self.written.add(url)
        self._learn(exchange, reply)
        return reply

    def _learn(self, exchange: Mapping[str, Any], reply: Reply) -> None:
        """Remember which of our polling URLs stands for a recorded one."""
        for name in ("Azure-Asyncoperation", "Location"):
            recorded, ours = exchange["responseHeaders"].get(name), reply.header(name)
            if recorded and ours:
                self.urls[recorded] = ours.removeprefix(self.sim.base)

    def _compare(self, exchange: Mapping[str, Any], reply: Reply) -> Iterator[str]:
        if reply.status != exchange["status"]:
            yield f"status {reply.status}, recorded {exchange['status']}: {reply.body}"
            return
        yield from self._compare_headers(exchange["responseHeaders"], reply)
        want, have = exchange["responseBody"], reply.body
        if exchange["url"] in self.older:
            self.older.remove(exchange["url"])
            for body in (want, have):
                body.get("properties", {}).pop("provisioningState", None)
        yield from _differences(_blank(want), _blank(self._theirs_deep(have)), "")

    def _compare_headers(self, recorded: Mapping[str, str], reply: Reply) -> Iterator[str]:
        folded = {name.casefold(): value for name, value in recorded.items()}
        for name in WATCHED:
            want, have = folded.get(name.casefold()), reply.header(name)
            if (want is None) != (have is None):
                yield f"header {name} is {have}, recorded {want}"
            elif want and have and _route(want) != _route(self._theirs(have)):
                yield f"header {name} leads to {have}, recorded {want}"
        for name in PRESENT:
            want, have = folded.get(name.casefold()), reply.header(name)
            if want and _blank(want) != _blank(have):
                yield f"header {name} is {have}, recorded {want}"
        for name in folded:
            if name.startswith("x-ms-ratelimit") and not (reply.header(name) or "").isdecimal():
                yield f"header {name} is {reply.header(name)}"

    def _ours(self, text: str) -> str:
        subscription = self.sim.ready["subscriptionId"]
        return text.replace(f"/subscriptions/{ZERO}", f"/subscriptions/{subscription}")

    def _ours_deep(self, value: Any) -> Any:
        return _mapped(value, self._ours)

    def _theirs(self, text: str) -> str:
        text = text.replace(self.sim.base, AZURE)
        return text.replace(
            f"/subscriptions/{self.sim.ready['subscriptionId']}", f"/subscriptions/{ZERO}"
        )

    def _theirs_deep(self, value: Any) -> Any:
        return _mapped(value, self._theirs)


def _route(url: str) -> tuple[list[str], set[str]]:
    """Return where a URL leads, without the operation it names, and its parameters' names."""
    parts = urlsplit(url)
    names = {pair.split("=")[0] for pair in parts.query.split("&")} - {""}
    segments = _blank(parts.path).split("/")
    if len(segments) > 1 and "operation" in segments[-2].casefold():
        segments[-1] = "(operation)"
    return segments, names


def _blank(value: Any) -> Any:
    """Return a value with ids and times replaced by one of each."""
    return _mapped(value, lambda text: TIME.sub("(time)", GUID.sub(ZERO, text)))


def _mapped(value: Any, change: Any) -> Any:
    if isinstance(value, dict):
        return {name: _mapped(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    return change(value) if isinstance(value, str) else value


def _differences(want: Any, have: Any, path: str) -> Iterator[str]:
    if isinstance(want, dict) and isinstance(have, dict):
        for name in sorted(want.keys() | have.keys()):
            inner = f"{path}.{name}"
            if name == "tags":
                yield from _differences(_own(want.get(name)), _own(have.get(name)), inner)
            elif (name in want) != (name in have):
                yield f"{inner} is {have.get(name, 'absent')}, recorded {want.get(name, 'absent')}"
            elif name not in PICKED or type(want[name]) is not type(have[name]):
                yield from _differences(want[name], have[name], inner)
    elif isinstance(want, list) and isinstance(have, list) and len(want) == len(have):
        for at, (left, right) in enumerate(zip(want, have, strict=True)):
            yield from _differences(left, right, f"{path}[{at}]")
    elif want != have:
        yield f"{path or 'body'} is {have}, recorded {want}"


def _own(tags: Any) -> Any:
    return {n: v for n, v in (tags or {}).items() if n not in POLICY_TAGS}
