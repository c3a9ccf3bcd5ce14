"""Which orders this node has taken up, on disk: written before an order is begun, never after.

So an order is begun at most once, whatever dies when. An entry is kept while the order is still in
the document or its time is not over; after that nothing can make this node begin it again.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, Dict, FrozenSet, List, NamedTuple

from hacluster_node.errors import Broken
from hacluster_node.settings.stored import write_atomically
from hacluster_wire.orders import FAILED, LONGEST_MESSAGE, RUNNING, Order, Result, plain_results

if TYPE_CHECKING:
    from pathlib import Path

LEDGER_FILE = "orders.json"
MOST = 256
"""Entries; while so many are needed, no further order is taken up."""


class Entry(NamedTuple):
    """An order that was taken up, and how far it is."""

    order: Order
    result: Result
    epoch: int = 0
    """The group's epoch when it was begun."""


class Ledger:
    """The orders of one node. Any thread may ask; only the orders' own thread writes the file.

    Args:
        directory: the agent's state directory.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / LEDGER_FILE
        self._lock = threading.Lock()
        self._entries: Dict[str, Entry] = {}
        self.generation = 0
        self.is_lost = False
        """Whether what was kept cannot be read: then it is not known what was begun."""
        self.is_dirty = False
        """Whether there is a result that is not on disk yet."""
        self._load()

    def _load(self) -> None:
        try:
            kept = json.loads(self._path.read_bytes())
            self.generation = int(kept["generation"])
            for item in kept["orders"]:
                order, result = Order(**item["order"]), Result(**item["result"])
                self._entries[order.id] = Entry(order, result, int(item["epoch"]))
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError):
            self.is_lost = True

    def knows(self, order: str) -> bool:
        """Tell whether an order was taken up, or refused, before."""
        with self._lock:
            return order in self._entries

    def running(self) -> List[Entry]:
        """Return the entries that have not come to an end."""
        with self._lock:
            return [entry for entry in self._entries.values() if entry.result.phase == RUNNING]

    def results(self) -> List[Dict[str, Any]]:
        """Return what the status tells, oldest first."""
        with self._lock:
            return plain_results(entry.result for entry in self._entries.values())

    def take(self, order: Order, refused: str = "") -> None:
        """Note an order as taken up, or as refused with the reason; on disk when this returns.

        Raises:
            Broken: HAN-S01, the disk does not take it, or HAN-O02, too many are noted: it must
                not be begun.
        """
        phase = FAILED if refused else RUNNING
        entry = Entry(order, Result(order.id, phase, refused or "taken up", time.time()))
        with self._lock:
            if len(self._entries) >= MOST:
                raise Broken("HAN-O02", f"{len(self._entries)} orders are noted already")
            self._entries[order.id] = entry
        try:
            self.write()
        except Broken:
            with self._lock:
                del self._entries[order.id]
            raise

    def report(self, order: str, phase: str, message: str, epoch: int) -> None:
        """Note how far an order is; on disk with the next `write`."""
        with self._lock:
            entry = self._entries.get(order)
            if entry is not None and entry.result.phase == RUNNING:
                result = Result(order, phase, message[:LONGEST_MESSAGE], time.time())
                self._entries[order] = Entry(entry.order, result, epoch)
                self.is_dirty = True

    def saw(self, generation: int, named: FrozenSet[str]) -> None:
        """Note the newest document, and forget what it does not name and whose time is over.

        Raises:
            Broken: HAN-S01.
        """
        now = time.time()
        with self._lock:
            over = [
                key
                for key, entry in self._entries.items()
                if key not in named and entry.order.until < now and entry.result.phase != RUNNING
            ]
            for key in over:
                del self._entries[key]
            is_new = over or generation != self.generation or self.is_lost
            self.generation, self.is_lost = generation, False
        if is_new:
            self.write()

    def write(self) -> None:
        """Put everything on disk.

        Raises:
            Broken: HAN-S01.
        """
        with self._lock:
            text = json.dumps({"generation": self.generation, "orders": self._plain()})
            self.is_dirty = False
        try:
            write_atomically(self._path, text.encode())
        except Broken:
            self.is_dirty = True
            raise

    def _plain(self) -> List[Dict[str, Any]]:
        return [
            {"order": vars(entry.order), "result": vars(entry.result), "epoch": entry.epoch}
            for entry in self._entries.values()
        ]
