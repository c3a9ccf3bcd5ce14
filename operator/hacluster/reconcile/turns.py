"""Turns to think: however many clusters want to, they do it one by one, with room in between.

A thousand passes can become ready in the same moment: after a start, and whenever a list that they
share has been read. The event loop would run them all before it looks at anything else, for many
seconds, and the lease would be lost meanwhile though nothing is wrong.
"""

import asyncio


class Turns:
    """One queue of those who want to think."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def next(self) -> None:
        """Return when it is the caller's turn: all else that is ready has run since the last one.

        Whatever the caller does up to its next wait is its turn; there is nothing to give back.
        """
        async with self._lock:
            await asyncio.sleep(0)
