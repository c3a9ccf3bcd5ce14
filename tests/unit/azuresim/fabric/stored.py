"""A simulator's store with resources in it, put there as a client would, without a wire."""

from pathlib import Path
from typing import Any

from azuresim import ids
from azuresim.clock import ScaledClock
from azuresim.resources.catalog import Catalog
from azuresim.resources.registry import TYPES
from azuresim.state.database import Database
from azuresim.state.store import Store
from azuresim.wire import deletes, writes
from azuresim.wire.service import Service, Settings

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
TENANT = "99999999-2222-3333-4444-555555555555"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/web"
VERSIONS = {
    "microsoft.network/dnszones": "2018-05-01",
    "microsoft.network/privatednszones": "2024-06-01",
    "microsoft.network": "2024-05-01",
    "microsoft.compute": "2024-07-01",
    "microsoft.storage": "2023-01-01",
    "microsoft.managedidentity": "2023-01-31",
    "microsoft.resources": "2022-09-01",
}


class Stored:
    """What exists in a simulator of the test's own."""

    def __init__(self, directory: Path) -> None:
        self.database = Database(directory)
        catalog = Catalog(TYPES)
        self.service = Service(
            store=Store(self.database, catalog.refer),
            catalog=catalog,
            clock=ScaledClock(),
            settings=Settings(),
            subscription=SUBSCRIPTION,
            tenant=TENANT,
        )
        self.put(GROUP, {"location": "eastus"})

    def put(self, resource_id: str, body: dict[str, Any]) -> str:
        """Write a resource, and return its id."""
        path = ids.parse(_full(resource_id))
        target = self.service.catalog.find(path)
        assert target is not None, resource_id
        call = self.service.call(version=_version(path.id), verb="PUT")
        writes.put(self.service, call, target, body, {})
        call.tx.commit()
        self.service.settle()
        return path.id

    def delete(self, resource_id: str) -> None:
        """Delete a resource."""
        path = ids.parse(_full(resource_id))
        target = self.service.catalog.find(path)
        assert target is not None, resource_id
        call = self.service.call(version=_version(path.id), verb="DELETE")
        deletes.delete(self.service, call, target, {})
        call.tx.commit()
        self.service.settle()


def _full(resource_id: str) -> str:
    return resource_id if resource_id.startswith("/") else f"{GROUP}/providers/{resource_id}"


def _version(resource_id: str) -> str:
    inside = resource_id.casefold().rpartition("/providers/")[2]
    return next((v for name, v in VERSIONS.items() if inside.startswith(name)), "2022-09-01")
