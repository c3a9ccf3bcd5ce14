"""HAClusterSpec objects in kopf's hands.

One daemon per object is its loop; any event wakes it; a deletion runs until nothing of ours is
left, and kopf's finalizer holds the object so long. There are no create, update or field handlers:
what changed does not matter, only what is.
"""

import asyncio
from typing import Any, Final

import kopf

from hacluster.model import kinds
from hacluster.reconcile.keeper import Keeper, Wake
from hacluster.reconcile.ports import Raw

PASS_ENDS_S: Final = 3.0
"""A pass that is under way may end by itself so long; what it sent and did not hear of is seen by
the next one."""
_KIND: Final = (kinds.GROUP, kinds.VERSION, kinds.CLUSTER_PLURAL)


def register(registry: kopf.OperatorRegistry, keeper: Keeper) -> None:
    """Put the handlers of clusters into a registry."""

    @kopf.on.event(*_KIND, registry=registry)
    async def _wake(event: kopf.RawEvent, body: kopf.Body, memo: kopf.Memo, **_: Any) -> None:
        _lighten(event)
        raw = _raw(body)
        if event["type"] == "DELETED":
            keeper.forget(raw.uid)
        else:
            _bell(memo).heard(raw)

    @kopf.daemon(
        *_KIND, registry=registry, cancellation_backoff=PASS_ENDS_S, cancellation_timeout=1.0
    )
    async def _keep(
        body: kopf.Body, memo: kopf.Memo, stopped: kopf.DaemonStopped, **_: Any
    ) -> None:
        bell = _bell(memo)
        stopping = asyncio.create_task(_stop(bell, stopped))
        try:
            await keeper.keep(lambda: _raw(body), bell)
        finally:
            stopping.cancel()

    @kopf.on.delete(*_KIND, registry=registry)
    async def _remove(body: kopf.Body, **_: Any) -> None:
        await keeper.remove(_raw(body))


async def _stop(bell: Wake, stopped: kopf.DaemonStopped) -> None:
    _ = await stopped.wait()
    bell.stop()


def _lighten(event: kopf.RawEvent) -> None:
    """Drop who wrote which field: nobody asks, and kopf would keep it for each object.

    It is more than the rest of an object, whose body kopf keeps as it is in the event.
    """
    metadata: Any = event["object"].get("metadata") or {}
    metadata.pop("managedFields", None)


def _raw(body: kopf.Body) -> Raw:
    return Raw(body=dict(body))


def _bell(memo: kopf.Memo) -> Wake:
    if "wake" not in memo:
        memo.wake = Wake()
    found: Wake = memo.wake
    return found
