"""Makes connections to the cluster's store and to ARM from the node's own file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from hacluster_node.net.arm import ResourceManager
from hacluster_node.net.blobs import Container
from hacluster_node.net.tokens import ManagedIdentity

if TYPE_CHECKING:
    from hacluster_node.settings.node_file import Store


class Stores:
    """One per agent: the tokens are shared, the connections are not.

    Args:
        store: where the store is and how this node gets in.
        sas: tells the signature of this moment, where the node gets in by one.
    """

    def __init__(self, store: Store, sas: Callable[[], str]) -> None:
        self._store = store
        self._sas = sas
        self._storage = ManagedIdentity(store.storage_audience, store.client_id, store.metadata)
        audience = store.resource_manager.rstrip("/") + "/"
        self._arm = ManagedIdentity(audience, store.client_id, store.metadata)

    def container(self) -> Container:
        """Return a new connection to the cluster's container; for one thread."""
        store = self._store
        if store.access == "SAS":
            return Container(store.container, sas=self._sas, ca_file=store.ca_file)
        return Container(store.container, identity=self._storage, ca_file=store.ca_file)

    def resource_manager(self) -> ResourceManager:
        """Return a new connection to ARM; for one thread."""
        return ResourceManager(self._store.resource_manager, self._arm, self._store.ca_file)
