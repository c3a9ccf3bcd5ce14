"""The loop of one object: passes, one after another, for as long as the object is there.

Level-triggered: what wakes the loop carries no news, and every pass looks at all there is. Two
things end a wait early: a wake-up, and being told to stop.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Protocol

from hacluster.model import kinds
from hacluster.reconcile.memory import Memory
from hacluster.reconcile.ports import Kubernetes, KubernetesError, Raw
from hacluster.reconcile.turns import Turns

logger = logging.getLogger(__name__)

DELETION_LOOK_S: Final = 3.0
"""How often an object that is being deleted is read again: its annotations may let it go."""
AFTER_BUG: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a pass says of the next one."""

    wait: timedelta
    """How long until the next look."""
    is_finished: bool = False
    """Whether nothing is left to be done for an object that is being deleted."""


class Passes(Protocol):
    """One pass, bound to its doors."""

    async def run(self, raw: Raw, memory: Memory) -> Verdict:
        """Look, decide, act, report; never raises for what Azure or the API server does."""


@dataclass(slots=True)
class Wake:
    """The bell of one object's loop. An echo of our own writing does not ring it."""

    event: asyncio.Event = field(default_factory=asyncio.Event)
    is_stopping: bool = False
    _heard: Any = None

    def heard(self, raw: Raw) -> None:
        """Ring if the object is not as it was when the bell last rang."""
        news = (
            raw.generation,
            raw.is_deleted,
            raw.annotations.get(kinds.REQUESTED_AT),
            raw.annotations.get(kinds.ABANDON),
            raw.annotations.get(kinds.INTERRUPT),
            raw.annotations.get(kinds.ROTATE_KEYS),
        )
        if news != self._heard:
            self._heard = news
            self.event.set()

    def stop(self) -> None:
        """End the loop after the pass that is under way."""
        self.is_stopping = True
        self.event.set()


class Keeper:
    """Keeps objects: one call per object, for as long as it lives."""

    def __init__(self, passes: Passes, kubernetes: Kubernetes) -> None:
        self._passes = passes
        self._kubernetes = kubernetes
        self._locks: dict[str, asyncio.Lock] = {}
        self._memories: dict[str, Memory] = {}
        self._turns = Turns()

    async def keep(self, current: Callable[[], Raw], wake: Wake) -> None:
        """Run passes until stopped; ``current`` gives the object as it was last seen.

        What is being deleted is left to `remove`, so that its end is told once.
        """
        wake.is_stopping = False
        while not wake.is_stopping:
            wake.event.clear()
            raw = current()
            if raw.is_deleted:
                return
            verdict = await self._pass(raw)
            await _until(wake.event, verdict.wait)

    async def remove(self, raw: Raw) -> None:
        """Run passes until nothing of a deleted object is left, or it was abandoned."""
        wait = timedelta()
        due = 0.0
        seen: Any = None
        while (now := await self._kubernetes_get(raw)) is not None:
            asked = (now.generation, dict(now.annotations))
            if asked != seen or _now() >= due:
                seen = asked
                verdict = await self._pass(now)
                if verdict.is_finished:
                    break
                wait = verdict.wait
                due = _now() + wait.total_seconds()
            await asyncio.sleep(min(max(due - _now(), 0.0), DELETION_LOOK_S))
        self.forget(raw.uid)

    def forget(self, uid: str) -> None:
        """Drop what was remembered of an object that is gone."""
        self._locks.pop(uid, None)
        self._memories.pop(uid, None)

    @property
    def memories(self) -> dict[str, Memory]:
        """What is remembered of each object, by uid; for the metrics."""
        return self._memories

    async def _kubernetes_get(self, raw: Raw) -> Raw | None:
        """Return the object as it is now; the old one while the API server is away."""
        try:
            found = await self._kubernetes.get(raw.namespace, raw.name)
        except KubernetesError:
            return raw
        return found if found is not None and found.uid == raw.uid else None

    async def _pass(self, raw: Raw) -> Verdict:
        lock = self._locks.setdefault(raw.uid, asyncio.Lock())
        async with lock:
            await self._turns.next()
            memory = self._memories.setdefault(raw.uid, Memory())
            try:
                return await self._passes.run(raw, memory)
            except Exception:  # the top of the loop: a bug must not end it
                logger.exception(
                    "Ended pass by a bug",
                    extra={"cluster": f"{raw.namespace}/{raw.name}", "uid": raw.uid},
                )
                return Verdict(wait=AFTER_BUG)


async def _until(event: asyncio.Event, wait: timedelta) -> None:
    try:
        async with asyncio.timeout(wait.total_seconds()):
            await event.wait()
    except TimeoutError:
        return


def _now() -> float:
    return asyncio.get_running_loop().time()
