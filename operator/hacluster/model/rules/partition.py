"""Rules about heartbeats, targets and the store."""

import re
from typing import TYPE_CHECKING, Final

from hacluster.model.base import Invariant
from hacluster.model.rules.blocks import blocks
from hacluster.model.rules.changes import keeps, keeps_if_any
from hacluster.model.spellings import GUID

if TYPE_CHECKING:
    from hacluster.model.network import Existing
    from hacluster.model.partition import Heartbeat, Store


def _outlasts_one(heartbeat: "Heartbeat") -> bool:
    timeout = heartbeat.timeout_seconds
    return timeout is None or timeout >= 2 * heartbeat.interval_seconds


HEARTBEAT: Final = Invariant(
    message="one lost message must not make a node count as down: write a timeoutSeconds of at "
    "least twice intervalSeconds",
    holds=_outlasts_one,
    cel=("!has(self.timeoutSeconds) || self.timeoutSeconds >= 2.0 * self.intervalSeconds"),
    field="timeoutSeconds",
)

_APART: Final = "nodes that ask different witnesses could both be active: keep"
PARTITION_KEEPS: Final = (keeps("witness", f"{_APART} witness, or make a new object"),)
STORE_KEEPS: Final = (
    keeps_if_any("storageAccount", f"{_APART} storageAccount, or make a new object"),
    keeps_if_any("container", f"{_APART} container, or make a new object"),
    keeps_if_any("existing", f"{_APART} the existing one's id, or make a new object"),
)

TARGET: Final = blocks({"Ping": "ping", "TCP": "tcp", "HTTP": "http"})

_STORE_ID: Final = (
    f"/subscriptions/{GUID}/resourceGroups/[^/]+/providers/Microsoft.Storage/storageAccounts/[^/]+"
    "(?:/blobServices/default/containers/[^/]+)?"
)
_STORE: Final = re.compile(_STORE_ID, re.ASCII | re.IGNORECASE)


def _is_store_id(existing: "Existing") -> bool:
    return _STORE.fullmatch(existing.id) is not None


EXISTING_STORE: Final = Invariant(
    message="write the whole id of an account, /subscriptions/<id>/resourceGroups/<group>/"
    "providers/Microsoft.Storage/storageAccounts/<name>, or of a container, with "
    "/blobServices/default/containers/<name> behind it",
    holds=_is_store_id,
    cel=f"self.id.matches('^(?i:{_STORE_ID})$')",
    field="id",
)


def _is_one_store(store: "Store") -> bool:
    if store.existing is None:
        return True
    is_container = "/containers/" in store.existing.id.lower()
    return store.storage_account is None and not (is_container and store.container)


STORE: Final = Invariant(
    message="what exists is used as it is: leave out existing, or storageAccount, and container "
    "where the id is a container's",
    holds=_is_one_store,
    cel=(
        "!has(self.existing) || (!has(self.storageAccount) && !(has(self.container)"
        " && self.existing.id.lowerAscii().contains('/containers/')))"
    ),
    field="existing",
)
