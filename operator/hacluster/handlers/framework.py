"""kopf as it is used here: silent, with its own finalizer, and without a memory in the objects."""

import logging
from typing import Any, Final

import kopf

from hacluster.handlers import clusters, operations
from hacluster.model import kinds
from hacluster.reconcile.keeper import Keeper
from hacluster.reconcile.operations.keeper import OperationKeeper

FINALIZER: Final = f"{kinds.GROUP}/finalizer"
WATCH_S: Final = 300
"""A watch is begun anew after so long, so that a silently dead one is noticed."""


class NoDiffBase(kopf.DiffBaseStorage):
    """Keeps no copy of the spec in annotations: nothing here asks what has changed."""

    def fetch(self, *, body: kopf.Body) -> Any:
        """Return what would be compared with, which is the object as it is."""
        return self.build(body=body)

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: Any) -> None:
        """Store nothing."""


def settings() -> kopf.OperatorSettings:
    """Return kopf's settings."""
    made = kopf.OperatorSettings()
    made.posting.enabled = False  # events are told by us, on transitions only
    made.persistence.finalizer = FINALIZER
    made.persistence.diffbase_storage = NoDiffBase()
    made.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=kinds.GROUP)
    made.watching.server_timeout = WATCH_S
    made.watching.client_timeout = WATCH_S + 30
    made.networking.request_timeout = 20
    made.networking.error_backoffs = [1, 2, 5, 10, 20]
    made.background.cancellation_polling = 1
    return made


def registry(keeper: Keeper, operation_keeper: OperationKeeper) -> kopf.OperatorRegistry:
    """Return the handlers, and how kopf signs in: as the rest of the operator does."""
    made = kopf.OperatorRegistry()
    clusters.register(made, keeper)
    operations.register(made, operation_keeper)

    @kopf.on.login(registry=made)
    def _login(**arguments: Any) -> Any:
        return kopf.login_with_service_account(**arguments) or kopf.login_with_kubeconfig(
            **arguments
        )

    return made


async def run(keeper: Keeper, operation_keeper: OperationKeeper, stop: Any, ready: Any) -> None:
    """Watch all objects of all namespaces until ``stop`` is set; both are asyncio events."""
    is_debug = logging.getLogger().isEnabledFor(logging.DEBUG)
    logging.getLogger("kopf").setLevel(logging.DEBUG if is_debug else logging.WARNING)
    await kopf.operator(
        registry=registry(keeper, operation_keeper),
        settings=settings(),
        standalone=True,
        clusterwide=True,
        stop_flag=stop,
        ready_flag=ready,
    )
