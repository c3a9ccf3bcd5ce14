"""Has the helper put packages, files and commands in place: at the start, and every minute."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from hacluster_node.errors import Broken, NodeError

if TYPE_CHECKING:
    from hacluster_node.runtime.journal import Journal
    from hacluster_node.runtime.links import Link

EVERY_S = 60.0
FIRST_S = 180.0
"""A node takes no part before its software is there. If it cannot be had so long, it begins
without: a node that was complete once has all it needs on its disk."""
AGAIN_S = 5.0
LONGEST_S = 1800.0
CODE = "HAN-F01"


class Software:
    """What the status says of it is `trouble`: empty if all is in place.

    Args:
        helper: who does it, as root.
        journal: hears of what was not in place.
    """

    def __init__(self, helper: Link, journal: Journal) -> None:
        self._helper = helper
        self._journal = journal
        self._lock = threading.Lock()
        self.trouble = ""

    def first(self) -> None:
        """Return when all is in place, or could not be put there in time."""
        end = time.monotonic() + FIRST_S
        while not self.put() and time.monotonic() < end:
            time.sleep(AGAIN_S)

    def watch(self) -> None:
        """Repair what drifts, from a thread of its own."""
        threading.Thread(target=self._watch, name="software", daemon=True).start()

    def put(self, generation: int = 0) -> bool:
        """Put all in place that is not; tell whether it is now.

        Args:
            generation: of a configuration that waits to be put in force; 0 for the one in force.
        """
        with self._lock:
            try:
                request = {"do": "software", "generation": generation}
                answer = self._helper.call(request, LONGEST_S)
                if not answer["ok"]:
                    raise Broken(answer["code"] or CODE, answer["detail"])
            except NodeError as error:
                self.trouble = error.detail
                self._journal.trouble(error)
                return False
            self._journal.over(CODE)
            self.trouble = ""
            if answer["detail"]:
                self._journal.noted("software", "PutInPlace", answer["detail"])
            return True

    def _watch(self) -> None:
        while True:
            time.sleep(EVERY_S)
            self.put()
