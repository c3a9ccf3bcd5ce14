"""Threads that carry out what may wait: one lane per thing that must keep its order."""

from __future__ import annotations

import logging
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Dict

Job = Callable[[], None]
_LOG = logging.getLogger(__name__)
_CHECKS_AT_ONCE = 16


class Workers:
    """Named lanes (in order, one thread each) and a pool for what is independent."""

    def __init__(self) -> None:
        self._lanes: Dict[str, "queue.Queue[Job]"] = {}
        self._pool = ThreadPoolExecutor(_CHECKS_AT_ONCE, thread_name_prefix="check")

    def in_order(self, lane: str, job: Job) -> None:
        """Run a job after all earlier ones of the same lane."""
        if lane not in self._lanes:
            self._lanes[lane] = queue.Queue()
            arguments = (self._lanes[lane],)
            threading.Thread(target=_serve, args=arguments, name=lane, daemon=True).start()
        self._lanes[lane].put(job)

    def beside(self, job: Job) -> None:
        """Run a job as soon as a thread of the pool is free."""
        self._pool.submit(_guarded, job)


def _serve(lane: "queue.Queue[Job]") -> None:
    while True:
        _guarded(lane.get())


def _guarded(job: Job) -> None:
    try:
        job()
    except Exception:  # noqa: BLE001 - the top of a thread: a job's bug must not end its lane
        _LOG.exception("Job failed")
