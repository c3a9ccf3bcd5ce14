"""One look at all operations of a cluster: decide about each, write orders, report, tell.

The status says Running before an order is in the store, and is written only if the object is still
as it was read: of two operators that both think they lead, one gives the order. If that one dies in
between, the next sees that no node has the order, and gives it; a node does an id once.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hacluster.errors import HAClusterError, SpecInvalid
from hacluster.model import kinds
from hacluster.model.cluster import Cluster
from hacluster.model.operation import Operation, OperationPhase, OperationSpec
from hacluster.model.parse import parse, parse_operation
from hacluster.model.status import ClusterStatus
from hacluster.plan.operations.case import Asked, Case, Decision, End, Follow, Send, Wait
from hacluster.plan.operations.decide import decide
from hacluster.plan.operations.words import NodeWord
from hacluster.reconcile.operations import history
from hacluster.reconcile.operations.doors import Desk, Meetings
from hacluster.reconcile.operations.mailbox import Mailbox, Notes
from hacluster.reconcile.ports import EventType, KubernetesError, Raw
from hacluster_wire.orders import Order

logger = logging.getLogger(__name__)

FOLLOWING: Final = timedelta(seconds=1)
"""How soon to look again while a node is at it."""
WAITING: Final = timedelta(seconds=3)
"""How soon to look again while nothing can be done yet."""
LONGEST: Final = 1024
"""Of a message in a status."""
LONGEST_NAME: Final = 256
"""Of the name of who asked."""
_KEPT: Final = frozenset({OperationPhase.SUCCEEDED, OperationPhase.FAILED})


@dataclass(slots=True)
class _Known:
    """What one round knows of the cluster."""

    raw: Raw | None = None
    cluster: Cluster | None = None
    trouble: str = ""
    mailbox: Mailbox | None = None
    words: tuple[NodeWord, ...] = ()
    posted: dict[str, tuple[Order, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rounds:
    """Rounds over the doors; holds nothing of its own."""

    desk: Desk
    meetings: Meetings
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def run(self, namespace: str, name: str, notes: Notes) -> timedelta | None:
        """Do one round over a cluster's operations; return when to look again, None for never.

        Raises:
            KubernetesError: the API server does not answer; nothing is lost by that.
        """
        objects = await self.desk.operations(namespace)
        asked = sorted(await self._asked(objects, name), key=lambda pair: pair[1].place)
        known = await self._known(namespace, name, notes)
        open_: dict[str, tuple[Operation, OperationPhase]] = {}
        for raw, one in asked:
            earlier = tuple(operation for operation, _ in open_.values())
            phase = await self._one(raw, one, earlier, known)
            if phase not in _KEPT:
                open_[one.operation.uid] = (one.operation, phase)
        await self._tidy(known, open_)
        if known.raw is not None and not known.raw.is_deleted:
            await history.tidy(self.desk, known.raw, objects, self.now())
        if not open_:
            return None
        is_running = any(phase is OperationPhase.RUNNING for _, phase in open_.values())
        return FOLLOWING if is_running and not known.trouble else WAITING

    async def _asked(self, objects: Iterable[Raw], name: str) -> list[tuple[Raw, Asked]]:
        found = []
        for raw in objects:
            spec = raw.body.get("spec") or {}
            phase = (raw.status or {}).get("phase")
            if spec.get("cluster") != name or phase in _KEPT or raw.is_deleted:
                continue
            try:
                found.append((raw, _asked(raw, parse_operation(raw.body), phase)))
            except SpecInvalid as error:
                await self._write(raw, OperationPhase.FAILED, str(error), is_new=True)
        return found

    async def _known(self, namespace: str, name: str, notes: Notes) -> _Known:
        raw = await self.desk.cluster(namespace, name)
        if raw is None:
            return _Known(trouble=f"there is no HAClusterSpec {name} in the namespace {namespace}")
        if raw.is_deleted:
            return _Known(raw=raw, trouble=f"{name} is being deleted")
        try:
            known = _Known(raw=raw, cluster=parse(raw.body))
        except SpecInvalid as error:
            return _Known(raw=raw, trouble=f"the spec of {name} is not valid: {error}")
        if known.cluster is not None:
            await self._look(known, known.cluster, notes)
        return known

    async def _look(self, known: _Known, cluster: Cluster, notes: Notes) -> None:
        """See what the nodes tell and what lies in the store; or why that cannot be seen."""
        try:
            meeting = await self.meetings.of(cluster)
            mailbox = Mailbox(meeting, notes, self.now())
            known.words = await mailbox.words()
            known.posted = await mailbox.posted()
            known.mailbox = mailbox
        except KubernetesError:
            raise
        except HAClusterError as error:
            known.trouble = f"the nodes cannot be reached through the store: {error}"

    async def _one(
        self, raw: Raw, asked: Asked, earlier: tuple[Operation, ...], known: _Known
    ) -> OperationPhase:
        """Decide about one operation and do it; return how far it is then."""
        case = _case(asked, earlier, known, self.now())
        decision = decide(case)
        phase = _phase(decision, asked.phase)
        if await self._report(raw, asked, phase, decision.message) is None:
            return asked.phase  # somebody else has written it: the next round looks again
        if isinstance(decision, Send):
            await self._send(known, decision, case.order())
        if phase is not asked.phase:
            asker = raw.annotations.get(kinds.REQUESTED_BY, "")[:LONGEST_NAME]
            await self._tell(known, asked.operation, phase, decision.message, asker)
        return phase

    async def _send(self, known: _Known, send: Send, order: Order) -> None:
        """Put an order beside those that lie there; what fails is seen and tried by the next."""
        if known.mailbox is None:
            return
        for node in send.nodes:
            others = tuple(one for one in known.posted.get(node, ()) if one.id != order.id)
            try:
                if await known.mailbox.post(node, (*others, order)):
                    known.posted[node] = (*others, order)
            except HAClusterError as error:
                logger.warning(
                    "Left order unwritten",
                    extra={"operation": order.id, "node": node, "why": str(error)},
                )

    async def _tidy(self, known: _Known, needed: Iterable[str]) -> None:
        """Take the orders of what is over out of the store."""
        kept = frozenset(needed)
        for node, orders in known.posted.items():
            wanted = tuple(order for order in orders if order.id in kept)
            if known.mailbox is None or wanted == orders:
                continue
            try:
                await known.mailbox.post(node, wanted)
            except HAClusterError:
                return  # an order whose time is over does no harm

    async def _report(
        self, raw: Raw, asked: Asked, phase: OperationPhase, message: str
    ) -> Raw | None:
        """Write the status, if it says something new; None: the object is not as it was read."""
        told = raw.status.get("message")
        if not asked.is_new and phase is asked.phase and told == _cut(message):
            return raw
        return await self._write(raw, phase, message, is_new="startedAt" not in raw.status)

    async def _write(
        self, raw: Raw, phase: OperationPhase, message: str, *, is_new: bool
    ) -> Raw | None:
        now = self.now().isoformat(timespec="seconds").replace("+00:00", "Z")
        status: dict[str, Any] = {"phase": str(phase), "message": _cut(message)}
        if phase is OperationPhase.RUNNING and is_new:
            status["startedAt"] = now
        if phase in _KEPT:
            status["finishedAt"] = now
        if asker := raw.annotations.get(kinds.REQUESTED_BY):
            status["requestedBy"] = asker[:LONGEST_NAME]
        return await self.desk.report(raw, status)

    async def _tell(
        self, known: _Known, operation: Operation, phase: OperationPhase, message: str, asker: str
    ) -> None:
        what = f"{operation.name} ({sentence(operation.spec)}{_by(asker)})"
        logger.info(
            "Changed operation",
            extra={
                "cluster": f"{operation.namespace}/{operation.spec.cluster}",
                "operation": operation.name,
                "phase": str(phase),
                "why": message,
            },
        )
        if known.raw is None or phase is OperationPhase.PENDING:
            return
        kind = EventType.WARNING if phase is OperationPhase.FAILED else EventType.NORMAL
        await self.desk.event(known.raw, kind, f"Operation{phase}", f"{what}: {message}")


def sentence(spec: OperationSpec) -> str:
    """Return what is asked, in words: ``Move web to web-2``."""
    words = [str(spec.type), spec.monitor or spec.group or "the service"]
    if spec.node:
        words += ["to" if spec.type == "Move" else "on", spec.node]
    return " ".join(words)


def _by(asker: str) -> str:
    return f", asked for by {asker}" if asker else ""


def _asked(raw: Raw, operation: Operation, phase: Any) -> Asked:
    created = str(raw.metadata.get("creationTimestamp") or "")
    known = OperationPhase(phase) if phase in set(OperationPhase) else OperationPhase.PENDING
    return Asked(
        operation=operation,
        created=datetime.fromisoformat(created.replace("Z", "+00:00")),
        phase=known,
        is_new=phase is None,
    )


def _case(asked: Asked, earlier: tuple[Operation, ...], known: _Known, now: datetime) -> Case:
    uid = asked.operation.uid
    holding = [node for node, orders in known.posted.items() if _has(orders, uid)]
    status: Mapping[str, Any] = known.raw.status if known.raw is not None else {}
    return Case(
        asked=asked,
        now=now,
        cluster=known.cluster,
        trouble=known.trouble,
        status=ClusterStatus.model_validate(status),
        earlier=earlier,
        words=known.words,
        posted=frozenset(holding),
    )


def _has(orders: Iterable[Order], uid: str) -> bool:
    return any(order.id == uid for order in orders)


def _phase(decision: Decision, before: OperationPhase) -> OperationPhase:
    match decision:
        case End(ok=True):
            return OperationPhase.SUCCEEDED
        case End():
            return OperationPhase.FAILED
        case Wait():
            return before
        case Send() | Follow():
            return OperationPhase.RUNNING


def _cut(message: str) -> str:
    return message if len(message) <= LONGEST else f"{message[: LONGEST - 1]}…"
