"""The node's keys, SAS and token, as its own file holds them now.

Run Command replaces the file when one of them changes; guard, helper and agent take them up
from there without a new start. A file that cannot be read changes nothing.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple, Optional, Tuple

from hacluster_node.errors import NodeError
from hacluster_node.settings import node_file

if TYPE_CHECKING:
    from hacluster_node.settings.node_file import NodeFile
    from hacluster_wire.keys import KeyRing

Mark = Tuple[int, int, int]


class Keys(NamedTuple):
    """Both rings, of one moment."""

    heartbeat: KeyRing
    document: KeyRing


class OwnKeys:
    """Reads the file again when it is another one; a look costs one system call.

    Args:
        node: the file as it was read at the start.
    """

    def __init__(self, node: NodeFile) -> None:
        self._path = node.path
        self._node = node
        self._keys = Keys(node.heartbeat_keys, node.document_keys)
        self._sas = node.store.sas
        self._token = node.kubernetes.token if node.kubernetes else ""
        self._lock = threading.Lock()
        self._mark = self._look()

    def now(self) -> Keys:
        """Return the keys to use."""
        with self._lock:
            self._renew()
            return self._keys

    def sas(self) -> str:
        """Return the signature to use; empty where the node gets in by its identity."""
        with self._lock:
            self._renew()
            return self._sas

    def token(self) -> str:
        """Return what to show to the Kubernetes API server; empty where that is not asked."""
        with self._lock:
            self._renew()
            return self._token

    def _renew(self) -> None:
        mark = self._look()
        if mark is None or mark == self._mark or self._path is None:
            return
        try:
            found = node_file.read(self._path)
        except NodeError:
            return
        if (found.cluster, found.node) == (self._node.cluster, self._node.node):
            self._keys = Keys(found.heartbeat_keys, found.document_keys)
            self._sas = found.store.sas or self._sas
            self._token = found.kubernetes.token if found.kubernetes else self._token
        self._mark = mark

    def _look(self) -> Optional[Mark]:
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size
