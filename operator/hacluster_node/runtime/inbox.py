"""The one queue into the state machine.

An event is stamped with the clocks when it is taken out, never before (core.events): whoever
posts gives a function that makes the event from the clocks.
"""

from __future__ import annotations

import queue
from typing import Callable, Optional

from hacluster_node.core.clocks import Clocks
from hacluster_node.core.events import Event

Maker = Callable[[Clocks], Optional[Event]]
"""Makes an event from the clocks, in the machine's thread; None if it only wanted to look."""
_FULL = 10_000  # Far above what a working agent can have waiting.


class Inbox:
    """A thread-safe queue of event makers, bounded."""

    def __init__(self) -> None:
        self._queue: "queue.Queue[Maker]" = queue.Queue(_FULL)

    def post(self, maker: Maker) -> None:
        """Put an event in; waits only if ten thousand are waiting already."""
        self._queue.put(maker)

    def take(self, timeout_s: float) -> Optional[Maker]:
        """Return the next event's maker, or None after `timeout_s` seconds."""
        try:
            return self._queue.get(timeout=timeout_s) if timeout_s > 0 else self._queue.get_nowait()
        except queue.Empty:
            return None
