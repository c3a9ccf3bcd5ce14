"""What the balancer's own probes say: the data plane's truth about who serves.

Azure collects it on demand: a POST starts it, and its result stands at the URL it names. A pass
waits for neither: it reads what is ready and shows the last answer until it is too old. An answer
is as old as its question: one that was left lying is not taken for news.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

from hacluster.arm import address
from hacluster.arm.caller import Call, Caller, Reply
from hacluster.model import ids
from hacluster.model.assessment import BackendHealth
from hacluster.model.ids import ArmId

TRIES: Final = 4
"""How often a collection is asked for within one reading, `PAUSE_S` apart."""
PAUSE_S: Final = 0.25


@dataclass(slots=True)
class _Collection:
    url: str | None = None
    result: tuple[BackendHealth, ...] | None = None
    at: float = 0.0
    """When Azure was asked to collect ``result``."""
    asked_at: float = 0.0
    """When Azure was asked to collect what ``url`` will have."""


class RuleHealth:
    """The health behind balancing rules, collected for all clusters of a subscription."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._collections: dict[str, _Collection] = {}

    async def read(self, rule: ArmId, max_age: timedelta) -> tuple[BackendHealth, ...] | None:
        """Return each backend's health, or None while it is not known.

        Raises:
            ArmError: Azure does not answer, or may not be asked.
        """
        known = self._collections.setdefault(ids.key(rule), _Collection())
        if _is_fresh(known, max_age):
            return known.result
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(PAUSE_S)
            if await self._advance(rule, known) and _is_fresh(known, max_age):
                return known.result
        return None

    async def _advance(self, rule: ArmId, known: _Collection) -> bool:
        """Ask once; say whether there is a result."""
        if known.url is None:
            known.asked_at = _now()
            version = address.parse(ids.parent_of(rule)).kind.version
            reply = await self._caller.send(
                Call(method="POST", path=f"{rule}/health", version=version)
            )
            known.url = reply.headers.get("location") or reply.headers.get("azure-asyncoperation")
        else:
            reply = await self._caller.send(Call(method="GET", path=known.url))
        if reply.status == HTTPStatus.OK and _has_result(reply):
            known.url, known.at = None, known.asked_at
            known.result = tuple(_backends(reply.body))
            return True
        if reply.is_absent:
            known.url = known.result = None
        return False


def _is_fresh(known: _Collection, max_age: timedelta) -> bool:
    return known.result is not None and _now() - known.at <= max_age.total_seconds()


def _has_result(reply: Reply) -> bool:
    body = reply.body
    return isinstance(body, Mapping) and "loadBalancerBackendAddresses" in _payload(body)


def _payload(body: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = body.get("properties")
    return inner if isinstance(inner, Mapping) else body


def _backends(body: Mapping[str, Any]) -> Iterator[BackendHealth]:
    for backend in _payload(body)["loadBalancerBackendAddresses"]:
        yield BackendHealth(
            address=str(backend.get("ipAddress", "")),
            is_up=str(backend.get("state", "")).casefold() == "up",
            why=str(backend.get("reason", "")),
        )


def _now() -> float:
    return asyncio.get_running_loop().time()
