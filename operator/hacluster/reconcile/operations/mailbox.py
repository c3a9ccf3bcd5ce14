"""The store as operations see it: what nodes report, and the orders that lie there for them.

Every document is verified; what is not signed as it must be says nothing. How old a report is, is
counted from when this process first saw it, so that a node's clock need not agree with ours; only
the first one of all is taken at its own word.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hacluster.plan.operations.words import NodeWord
from hacluster.reconcile.operations.doors import Meeting
from hacluster.reconcile.store_port import NotChanged, WriteLost
from hacluster_wire.documents import ORDERS, STATUS, Document, open_sealed, seal
from hacluster_wire.errors import WireError
from hacluster_wire.orders import Order, content_of, parse_orders


@dataclass(frozen=True, slots=True)
class _Report:
    document: Document
    tag: str
    seen_at: datetime
    """When this process saw it first; its own time of writing, where it was the first of all."""
    read_at: datetime
    """When this process saw it first, in any case."""


@dataclass(frozen=True, slots=True)
class Posted:
    """The orders that lie in the store for a node."""

    orders: tuple[Order, ...] = ()
    generation: int = 0
    tag: str = ""
    """The blob's ETag; empty where there is none."""


@dataclass(slots=True)
class Notes:
    """What was read of one cluster's store; it only spares reading, and can be lost."""

    reports: dict[str, _Report] = field(default_factory=dict)
    posted: dict[str, Posted] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One cluster's store."""

    meeting: Meeting
    notes: Notes
    now: datetime

    async def words(self) -> tuple[NodeWord, ...]:
        """Return what the nodes tell, as far as it can be believed.

        Raises:
            HAClusterError: the store does not answer.
        """
        for node in self.meeting.rings:
            await self._read_report(node)
        known = ((node, self.notes.reports.get(node)) for node in self.meeting.rings)
        return tuple(self._word(node, report) for node, report in known if report is not None)

    def _word(self, node: str, report: _Report) -> NodeWord:
        age, watched = self.now - report.seen_at, self.now - report.read_at
        return NodeWord.of(node, report.document.content, max(age, timedelta()), watched)

    async def _read_report(self, node: str) -> None:
        """Note a newer report; an older or forged one leaves the last good one, which ages."""
        old = self.notes.reports.get(node)
        blob = await self.meeting.store.read(f"status/{node}", unless=old.tag if old else "")
        if blob is None or isinstance(blob, NotChanged):
            return
        try:
            document = self._opened(blob.content, STATUS, node)
        except WireError:
            return
        if old is None:
            written = datetime.fromtimestamp(document.generation / 1000, self.now.tzinfo)
            seen_at = min(written, self.now)
        elif document.generation <= old.document.generation:
            return
        else:
            seen_at = self.now
        self.notes.reports[node] = _Report(document, blob.tag, seen_at, self.now)

    async def posted(self) -> dict[str, tuple[Order, ...]]:
        """Return the orders that lie in the store, by node.

        Raises:
            HAClusterError: the store does not answer.
        """
        return {node: (await self._read_orders(node)).orders for node in self.meeting.rings}

    async def _read_orders(self, node: str) -> Posted:
        old = self.notes.posted.get(node, Posted())
        blob = await self.meeting.store.read(f"orders/{node}", unless=old.tag)
        if isinstance(blob, NotChanged):
            return old
        found = Posted()
        if blob is not None:
            found = self._posted(blob.content, blob.tag, node)
        self.notes.posted[node] = found
        return found

    def _posted(self, content: bytes, tag: str, node: str) -> Posted:
        """Return what a document holds; one that no node would believe holds nothing."""
        try:
            document = self._opened(content, ORDERS, node)
            return Posted(parse_orders(document.content), document.generation, tag)
        except WireError:
            return Posted(tag=tag)

    async def post(self, node: str, orders: Iterable[Order]) -> bool:
        """Leave orders for a node, in place of those that were read; False: read them again.

        Raises:
            HAClusterError: the store does not answer, so they may or may not be there.
        """
        old = self.notes.posted.get(node, Posted())
        wanted = tuple(orders)
        generation = max(old.generation + 1, int(self.now.timestamp() * 1000))
        document = Document(ORDERS, self.meeting.cluster_id, node, generation, content_of(wanted))
        text = seal(document, self.meeting.rings[node])
        tag = await self.meeting.store.write(f"orders/{node}", text, only_if=old.tag)
        if isinstance(tag, WriteLost):
            self.notes.posted.pop(node, None)
            return False
        self.notes.posted[node] = Posted(wanted, generation, tag)
        return True

    def _opened(self, text: bytes, expected: str, node: str) -> Document:
        ring, cluster = self.meeting.rings[node], self.meeting.cluster_id
        return open_sealed(text, ring, expected, cluster, node)
