"""Fetches the configuration from the store, and puts the status there.

A configuration that is not accepted changes nothing: the last good one stays in force, here
and on disk, and the reason is told in status and journal until a good one arrives.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Callable, Mapping, Optional

from hacluster_node.errors import NodeError, Refused
from hacluster_node.net.blobs import changed
from hacluster_node.settings.document import Settings
from hacluster_wire.documents import STATUS, Document, seal

if TYPE_CHECKING:
    from hacluster_node.runtime.journal import Journal
    from hacluster_node.runtime.stores import Stores
    from hacluster_node.settings.node_file import NodeFile
    from hacluster_node.settings.own_keys import OwnKeys
    from hacluster_node.settings.stored import Stored

_POLL_S = 5.0
_TIMEOUT_S = 10.0
Adopt = Callable[[Settings], None]


class Configuration:
    """Looks for a new configuration every few seconds.

    Args:
        node: who this node is.
        stores: makes the connection.
        stored: verifies, and keeps the last good one on disk.
        journal: hears of what was refused.
    """

    def __init__(self, node: NodeFile, stores: Stores, stored: Stored, journal: Journal) -> None:
        self._blob = f"config/{node.node}"
        self._stored = stored
        self._journal = journal
        self._container = stores.container()
        self._etag = ""
        self._generation = -1
        self.refused = ""

    def first(self) -> Settings:
        """Return the configuration to start with: the stored one, or the first that arrives."""
        settings = self._stored.load()
        while settings is None:
            settings = self._look()
            if settings is None:
                time.sleep(_POLL_S / 5)
            else:
                self._stored.use(settings.generation)
        self._generation = settings.generation
        return settings

    def watch(self, adopt: Adopt) -> None:
        """Call `adopt` with each newer configuration, from a thread of its own."""
        threading.Thread(target=self._watch, args=(adopt,), name="config", daemon=True).start()

    def _watch(self, adopt: Adopt) -> None:
        while True:
            settings = self._look()
            if settings is not None:
                self._generation = settings.generation
                adopt(settings)
            time.sleep(_POLL_S)

    def _look(self) -> Optional[Settings]:
        condition = changed(self._etag) if self._etag else None
        try:
            answer = self._container.get(self._blob, _TIMEOUT_S, condition)
        except OSError:
            return None
        if answer.status != 200:
            return None
        self._etag = answer.headers.get("etag", "")
        try:
            return self._accept(answer.body)
        except NodeError as error:
            self._etag = ""  # Other keys may come, with which the same text is a good one.
            self.refused = str(error)
            self._journal.trouble(error)
            return None

    def _accept(self, text: bytes) -> Optional[Settings]:
        settings = self._stored.verified(text)
        if settings.generation == self._generation:
            return None
        if settings.generation < self._generation:
            detail = f"generation {settings.generation}, in force is {self._generation}"
            raise Refused("HAN-C03", detail)
        self._stored.stage(text, settings.generation)
        self.refused = ""
        for code in ("HAN-C01", "HAN-C02", "HAN-C03"):
            self._journal.over(code)
        return settings


class Publisher:
    """Puts the signed status into the store.

    Args:
        node: who this node is.
        stores: makes the connection.
        keys: what it is signed with.
    """

    def __init__(self, node: NodeFile, stores: Stores, keys: OwnKeys) -> None:
        self._node = node
        self._keys = keys
        self._container = stores.container()
        self._generation = 0

    def publish(self, status: Mapping[str, object]) -> None:
        """Write one status; what cannot be written now is written by the next one."""
        self._generation = max(self._generation + 1, int(time.time() * 1000))
        document = Document(STATUS, self._node.cluster, self._node.node, self._generation, status)
        text = seal(document, self._keys.now().document)
        try:
            self._container.put(f"status/{self._node.node}", text, _TIMEOUT_S)
        except OSError:
            return
