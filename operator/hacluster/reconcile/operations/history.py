"""The trail that planned moves leave: only the last few stay. What people asked for is theirs."""

import logging
from collections.abc import Iterable
from datetime import datetime

from hacluster.model.operation import OperationPhase
from hacluster.plan.operations.relocation import is_planned_move, surplus
from hacluster.reconcile.operations.doors import Desk
from hacluster.reconcile.ports import KubernetesError, Raw

logger = logging.getLogger(__name__)
_OVER = frozenset({OperationPhase.SUCCEEDED, OperationPhase.FAILED})


async def tidy(desk: Desk, cluster: Raw, operations: Iterable[Raw], now: datetime) -> None:
    """Delete the oldest planned moves of a cluster that are over, if they are still as read.

    That the API server does not let us is told and holds up nothing: the next round tries again.
    """
    mine = {
        one.name: one
        for one in operations
        if one.status.get("phase") in _OVER
        and not one.is_deleted
        and is_planned_move(one.metadata, cluster.uid)
    }
    finished = {name: found for name, one in mine.items() if (found := _finished(one)) is not None}
    for name in surplus(finished, now):
        try:
            await desk.delete(mine[name])
        except KubernetesError as error:
            extra = {"cluster": f"{cluster.namespace}/{cluster.name}", "why": str(error)}
            logger.warning("Left old planned moves", extra=extra)
            return


def _finished(one: Raw) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(one.status.get("finishedAt")).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else None
