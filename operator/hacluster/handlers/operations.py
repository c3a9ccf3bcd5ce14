"""HAClusterOperation objects in kopf's hands: wake-ups, and nothing else.

There is no daemon and no finalizer: an operation that is deleted is taken back if no node has begun
it, and nothing has to be cleaned up for it.
"""

from typing import Any, Final

import kopf

from hacluster.model import kinds
from hacluster.reconcile.operations.keeper import OperationKeeper
from hacluster.reconcile.ports import Raw

_KIND: Final = (kinds.GROUP, kinds.VERSION, kinds.OPERATION_PLURAL)


def register(registry: kopf.OperatorRegistry, keeper: OperationKeeper) -> None:
    """Put the handlers of operations into a registry."""

    @kopf.on.event(*_KIND, registry=registry)
    async def _wake(event: kopf.RawEvent, body: kopf.Body, **_: Any) -> None:
        raw = Raw(body=dict(body))
        if event["type"] == "DELETED":
            keeper.gone(raw)
        else:
            keeper.heard(raw)
