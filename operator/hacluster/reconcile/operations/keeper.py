"""One loop per cluster that has an operation which is not over; none for all others.

A wake-up is a name, never a change: every round looks at all operations of its cluster.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from hacluster.model.operation import OperationPhase
from hacluster.reconcile.operations.mailbox import Notes
from hacluster.reconcile.operations.one_round import Rounds
from hacluster.reconcile.ports import KubernetesError, Raw

logger = logging.getLogger(__name__)

API_AWAY: Final = timedelta(seconds=2)
"""The pause after the API server could not be asked or written to."""
AFTER_BUG: Final = timedelta(seconds=30)
_OVER: Final = frozenset({OperationPhase.SUCCEEDED, OperationPhase.FAILED})


@dataclass(slots=True)
class _Loop:
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    known: set[tuple[str, bool]] = field(default_factory=set)
    task: asyncio.Task[None] | None = None


class OperationKeeper:
    """Carries out all operations of all clusters."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds
        self._loops: dict[tuple[str, str], _Loop] = {}

    def heard(self, raw: Raw) -> None:
        """Have an operation looked at; an echo of our own writing changes nothing."""
        cluster = str((raw.body.get("spec") or {}).get("cluster") or "")
        key = (raw.namespace, cluster)
        is_over = raw.status.get("phase") in _OVER
        if key not in self._loops and is_over:
            return
        loop = self._loops.setdefault(key, _Loop())
        news = (raw.uid, raw.is_deleted)
        if news not in loop.known:
            loop.known.add(news)
            loop.wake.set()
        if loop.task is None:
            loop.task = asyncio.create_task(self._keep(key, loop))

    def gone(self, raw: Raw) -> None:
        """Hear that an operation was deleted: what it had asked for is taken back."""
        cluster = str((raw.body.get("spec") or {}).get("cluster") or "")
        loop = self._loops.get((raw.namespace, cluster))
        if loop is not None:
            loop.wake.set()

    async def close(self) -> None:
        """End every loop; what is under way is seen again by the next operator."""
        tasks = [loop.task for loop in self._loops.values() if loop.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._loops.clear()

    async def _keep(self, key: tuple[str, str], loop: _Loop) -> None:
        notes = Notes()
        while True:
            loop.wake.clear()
            wait = await self._round(key, notes)
            if wait is None and not loop.wake.is_set():
                del self._loops[key]
                return
            await _until(loop.wake, wait or timedelta())

    async def _round(self, key: tuple[str, str], notes: Notes) -> timedelta | None:
        try:
            return await self._rounds.run(*key, notes)
        except KubernetesError as error:
            extra = {"cluster": "/".join(key), "why": str(error)}
            logger.warning("Left operations for later", extra=extra)
            return API_AWAY
        except Exception:  # the top of the loop: a bug must not end it
            logger.exception("Ended round of operations by a bug", extra={"cluster": "/".join(key)})
            return AFTER_BUG


async def _until(event: asyncio.Event, wait: timedelta) -> None:
    try:
        async with asyncio.timeout(wait.total_seconds()):
            await event.wait()
    except TimeoutError:
        return
