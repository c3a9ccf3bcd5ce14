"""Fetches the operator's orders from the store, and hands each new one to the state machine once.

The blob `orders/<node>` is read beside the configuration, with its ETag, so that an unchanged one
costs next to nothing. What does not carry our signature, or is older than what was seen, changes
nothing. An order is on disk before it is handed on (`ledger`).
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Tuple

from hacluster_node.errors import NodeError, Refused
from hacluster_node.net.blobs import changed
from hacluster_node.runtime.ledger import Ledger
from hacluster_node.settings.own_keys import OwnKeys
from hacluster_wire.documents import ORDERS, open_sealed
from hacluster_wire.errors import WireError
from hacluster_wire.orders import Order, parse_orders

if TYPE_CHECKING:
    from hacluster_node.core import effects
    from hacluster_node.runtime.journal import Journal
    from hacluster_node.runtime.stores import Stores
    from hacluster_node.settings.node_file import NodeFile

_POLL_S = 3.0
_TIMEOUT_S = 10.0
LOST = "this node no longer knows which orders it has begun, so it does not begin this one"
Give = Callable[[Order, bool, int], None]
"""Hands an order on: whether an earlier run has begun it, and at which epoch."""


class Orders:
    """The orders of one node.

    Args:
        node: who this node is.
        stores: makes the connection.
        journal: hears of what was refused.
        give: hands an order to the state machine.
        told: called, in the state machine's thread, when a result is new.
    """

    def __init__(
        self,
        node: NodeFile,
        stores: Stores,
        journal: Journal,
        give: Give,
        told: Callable[[], None],
    ) -> None:
        self._node = node
        self._keys = OwnKeys(node)
        self._journal = journal
        self._container = stores.container()
        self._give = give
        self._told = told
        self._ledger = Ledger(node.state_directory)
        self._etag = ""
        self._generation = self._ledger.generation
        self._orders: Tuple[Order, ...] = ()
        self._news = threading.Event()

    def start(self) -> None:
        """Go on with what an earlier run has begun, then look for orders, in an own thread."""
        threading.Thread(target=self._serve, name="orders", daemon=True).start()

    def report(self, effect: effects.OrderReported) -> None:
        """Hear from the state machine how far an order is."""
        self._ledger.report(effect.order, effect.phase, effect.text, effect.epoch)
        self._news.set()
        self._told()

    def results(self) -> List[Dict[str, Any]]:
        """Return what the status tells about orders."""
        return self._ledger.results()

    def _serve(self) -> None:
        for entry in self._ledger.running():
            self._give(entry.order, True, entry.epoch)  # noqa: FBT003 - begun
        look_at, trouble = 0.0, ""
        while True:
            self._news.clear()
            try:
                if self._ledger.is_dirty:
                    self._ledger.write()
                if time.monotonic() >= look_at:
                    look_at = time.monotonic() + _POLL_S
                    self.look()
                    self._journal.over(trouble)
            except NodeError as error:
                trouble = error.code
                self._journal.trouble(error)
            self._news.wait(max(0.0, look_at - time.monotonic()))

    def look(self) -> None:
        """Look once, and hand on what is new.

        Raises:
            NodeError: HAN-O01 for orders that are not believed, HAN-O02 for too many, HAN-S01 for
                a disk that does not take them. What could not be noted is tried again.
        """
        if not self._fetch():
            return
        for order in self._orders:
            if self._ledger.knows(order.id):
                continue
            late = "it came after its deadline" if order.until <= time.time() else ""
            refused = LOST if self._ledger.is_lost else late
            self._ledger.take(order, refused)
            if refused:
                self._told()
            else:
                self._give(order, False, 0)  # noqa: FBT003 - not begun yet
        self._ledger.saw(self._generation, frozenset(order.id for order in self._orders))

    def _fetch(self) -> bool:
        """Take over the orders of a newer document; say whether the store has answered."""
        condition = changed(self._etag) if self._etag else None
        try:
            answer = self._container.get(f"orders/{self._node.node}", _TIMEOUT_S, condition)
        except OSError:
            return False  # The witness tells that the store is away.
        if answer.status == 200:
            self._etag = ""  # Other keys may come, with which a refused text is a good one.
            self._orders, self._generation = self._opened(answer.body)
            self._etag = answer.headers.get("etag", "")
        return answer.status in (200, 304, 404)

    def _opened(self, text: bytes) -> Tuple[Tuple[Order, ...], int]:
        node = self._node
        try:
            keys = self._keys.now().document
            document = open_sealed(text, keys, ORDERS, node.cluster, node.node)
            if document.generation < self._generation:
                detail = f"generation {document.generation}, seen was {self._generation}"
                raise Refused("HAN-O01", detail)
            return parse_orders(document.content), document.generation
        except WireError as error:
            raise Refused("HAN-O01", str(error)) from error
