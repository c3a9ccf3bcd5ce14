"""The serving truth, and the only way to change it.

A request opens a `Transaction`, reads through it, collects its changes there
and commits once. Until then nothing has happened; an exception leaves no trace.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from azuresim import ids
from azuresim.state.database import Database
from azuresim.state.records import Link, Operation, Record

KEPT_OPERATIONS = 20_000
"""Older operations are forgotten once they are over; Azure keeps results for about a day."""

SWEEP = 1_000
"""They are forgotten this many at a time, so that most commits need not look for them."""

Refer = Callable[[Record], Iterable[Link]]


class Store:
    """Records and operations in memory, indexed the ways requests ask for them.

    Args:
        database: Where every commit goes first.
        refer: Tells the references a record makes; pure.
    """

    def __init__(self, database: Database, refer: Refer) -> None:
        self._database = database
        self._refer = refer
        self._records: dict[str, Record] = {}
        self._operations: dict[str, Operation] = {}
        self._members: dict[tuple[str, str], dict[str, None]] = {}
        self._within: dict[str, dict[str, None]] = {}
        self._links: dict[str, tuple[Link, ...]] = {}
        self._referrers: dict[str, dict[Link, None]] = {}
        self._changes: Counter[str] = Counter()
        self._followers: dict[str, list[set[str]]] = {}
        self._due: list[tuple[float, str]] = []
        self._drawn: dict[str, int] = {}
        self._facts: dict[str, Any] = {}
        for operation in database.operations():
            self._keep_operation(operation)
        for record in database.records():
            self._keep(record)

    def transaction(self) -> "Transaction":
        """Return a view of now on which changes can be collected."""
        return Transaction(self)

    def get(self, key: str) -> Record | None:
        """Return the record with this key."""
        return self._records.get(key)

    def operation(self, operation_id: str | None) -> Operation | None:
        """Return the operation with this id, unless it is forgotten."""
        return self._operations.get(operation_id) if operation_id else None

    def members(self, container: str, kind: str) -> Iterator[Record]:
        """Yield the records of a kind directly in a group, a parent, or a subscription."""
        for key in self._members.get((container, kind), ()):
            yield self._records[key]

    def size(self, container: str, kind: str) -> int:
        """Return how many records `members` would yield."""
        return len(self._members.get((container, kind), ()))

    def within(self, key: str) -> Iterator[Record]:
        """Yield all records below this one, deepest first."""
        for inner in tuple(self._within.get(key, ())):
            yield from self.within(inner)
            yield self._records[inner]

    def referrers(self, target: str) -> Iterable[Link]:
        """Return the links that point at a key."""
        return self._referrers.get(target, {})

    def links(self, key: str) -> tuple[Link, ...]:
        """Return the links a record makes."""
        return self._links.get(key, ())

    def refer(self, record: Record) -> tuple[Link, ...]:
        """Return the links a record would make."""
        return tuple(self._refer(record))

    def next_due(self, now: float) -> Operation | None:
        """Return an operation whose time has come and that has not been settled, and forget it."""
        while self._due and self._due[0][0] <= now:
            due, operation_id = heapq.heappop(self._due)
            operation = self._operations.get(operation_id)
            if operation is not None and operation.due == due:
                return operation
        return None

    def changes(self, kind: str) -> int:
        """Return how often records of a kind were written or removed since the start."""
        return self._changes[kind]

    def follow(self, kinds: Iterable[str]) -> set[str]:
        """Return where the key of each record of these kinds goes that is written or removed.

        The keys of those there are now are in it already. Who reads the set empties it.
        """
        kinds = frozenset(kinds)
        touched = {key for key, record in self._records.items() if record.kind in kinds}
        for kind in kinds:
            self._followers.setdefault(kind, []).append(touched)
        return touched

    def stuck(self) -> list[Operation]:
        """Return the operations that never end."""
        return [kept for kept in self._operations.values() if kept.due is None]

    def draw(self, name: str) -> int:
        """Return a number, counted from 0, that was never returned before, killed or not."""
        drawn = self._drawn.get(name)
        if drawn is None:
            drawn = int(self._database.fact(f"drawn {name}") or 0)
        self._drawn[name] = drawn + 1
        self._database.set_fact(f"drawn {name}", drawn + 1)
        return drawn

    def etags(self) -> list[dict[str, str]]:
        """Return id and etag of every record."""
        return [{"id": one.id, "etag": one.etag} for one in self._records.values()]

    def count(self) -> int:
        """Return how many records there are."""
        return len(self._records)

    def fact(self, name: str) -> Any:
        """Return something kept that is no resource, or None."""
        if name not in self._facts:
            self._facts[name] = self._database.fact(f"kept {name}")
        return self._facts[name]

    def apply(
        self,
        changed: Mapping[str, Record | None],
        operations: Mapping[str, Operation],
        facts: Mapping[str, Any],
    ) -> None:
        """Make changes durable, then visible."""
        saved = [record for record in changed.values() if record is not None]
        removed = [key for key, record in changed.items() if record is None]
        forgotten = self._forgettable(len(operations))
        kept = {f"kept {name}": value for name, value in facts.items()}
        self._database.commit(saved, removed, operations.values(), forgotten, kept)
        self._facts |= facts
        for operation_id in forgotten:
            del self._operations[operation_id]
        for operation in operations.values():
            self._keep_operation(operation)
        for key in removed:
            self._drop(key)
        for record in saved:
            self._keep(record)

    def _forgettable(self, coming: int) -> list[str]:
        excess = len(self._operations) + coming - KEPT_OPERATIONS
        if excess <= SWEEP:
            return []
        pending = {operation_id for _, operation_id in self._due}
        oldest = (key for key, kept in self._operations.items() if kept.due is not None)
        return [key for key, _ in zip(oldest, range(excess), strict=False) if key not in pending]

    def _keep_operation(self, operation: Operation) -> None:
        self._operations[operation.id] = operation
        if operation.due is not None:
            heapq.heappush(self._due, (operation.due, operation.id))

    def _keep(self, record: Record) -> None:
        key = record.key
        self._tell(record)
        self._drop_links(key)
        if key not in self._records:
            for container in _containers(record):
                self._members.setdefault((container, record.kind), {})[key] = None
            self._within.setdefault(container_key(key), {})[key] = None
        self._records[key] = record
        links = tuple(self._refer(record))
        if links:
            self._links[key] = links
        for link in links:
            self._referrers.setdefault(link.target, {})[link] = None

    def _drop(self, key: str) -> None:
        record = self._records.pop(key, None)
        if record is None:
            return
        self._tell(record)
        self._drop_links(key)
        for container in _containers(record):
            _discard(self._members, (container, record.kind), key)
        _discard(self._within, container_key(key), key)

    def _tell(self, record: Record) -> None:
        """Count a record as changed, and tell those who follow its kind."""
        self._changes[record.kind] += 1
        for touched in self._followers.get(record.kind, ()):
            touched.add(record.key)

    def _drop_links(self, key: str) -> None:
        for link in self._links.pop(key, ()):
            _discard(self._referrers, link.target, link)


class Transaction:
    """One request's view of the store: what is stored, overlaid with what it changed."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._changed: dict[str, Record | None] = {}
        self._relinked: tuple[set[Link], dict[str, list[Link]]] | None = None
        self._started: dict[str, Operation] = {}
        self._facts: dict[str, Any] = {}
        self._after: list[Callable[[], None]] = []

    def get(self, key: str) -> Record | None:
        """Return a record as this request sees it."""
        if key in self._changed:
            return self._changed[key]
        return self.store.get(key)

    def operation(self, operation_id: str | None) -> Operation | None:
        """Return an operation as this request sees it."""
        if operation_id in self._started:
            return self._started[operation_id]
        return self.store.operation(operation_id)

    def members(self, container: str, kind: str) -> list[Record]:
        """Return the records of a kind directly in a container, ordered by name."""
        kept = {record.key: record for record in self.store.members(container, kind)}
        for key, record in self._changed.items():
            if record is None:
                kept.pop(key, None)
            elif record.kind == kind and container in _containers(record):
                kept[key] = record
        return [kept[key] for key in sorted(kept)]

    def count(self, container: str, kind: str) -> int:
        """Return how many records of a kind are directly in a container."""
        if any(record is None or record.kind == kind for record in self._changed.values()):
            return len(self.members(container, kind))
        return self.store.size(container, kind)

    def referrers(self, target: str) -> list[Link]:
        """Return the links that point at a key, as this request sees them."""
        if not self._changed:
            return list(self.store.referrers(target))
        gone, come = self._overlay()
        links = [link for link in self.store.referrers(target) if link not in gone]
        return links + come.get(target, [])

    def _overlay(self) -> tuple[set[Link], dict[str, list[Link]]]:
        """Return the links that its changes took away, and those they made, by target.

        Found once for all questions between two changes: a body with thousands of children asks
        for each of them.
        """
        if self._relinked is None:
            come: dict[str, list[Link]] = {}
            for record in self._changed.values():
                for link in self.store.refer(record) if record is not None else ():
                    come.setdefault(link.target, []).append(link)
            gone = {link for key in self._changed for link in self.store.links(key)}
            self._relinked = gone, come
        return self._relinked

    def save(self, record: Record) -> None:
        """Create or replace a record."""
        self._relinked = None
        self._changed[record.key] = record

    def remove(self, key: str) -> None:
        """Remove a record and everything below it, what this request put there included."""
        self._relinked = None
        for inner in self.store.within(key):
            self._changed[inner.key] = None
        for changed in self._changed:
            if changed.startswith(f"{key}/"):
                self._changed[changed] = None
        self._changed[key] = None

    def fact(self, name: str) -> Any:
        """Return something kept that is no resource, as this request sees it, or None."""
        return self._facts[name] if name in self._facts else self.store.fact(name)

    def keep(self, name: str, value: Any) -> None:
        """Keep something that is no resource; None forgets it."""
        self._facts[name] = value

    def start(self, operation: Operation) -> None:
        """Keep an operation, new or changed."""
        self._started[operation.id] = operation

    def drop(self) -> None:
        """Forget everything that was collected."""
        self._relinked = None
        self._changed, self._started, self._facts, self._after = {}, {}, {}, []

    def after(self, act: Callable[[], None]) -> None:
        """Do something once the changes are durable; a refused request does nothing."""
        self._after.append(act)

    def commit(self) -> None:
        """Make everything collected durable and visible, all of it or none."""
        if self._changed or self._started or self._facts:
            self.store.apply(self._changed, self._started, self._facts)
            self._changed, self._started, self._facts = {}, {}, {}
            self._relinked = None
        acts, self._after = self._after, []
        for act in acts:
            act()


def container_key(key: str) -> str:
    """Return the key of what holds a record: its group, its parent or the scope it extends."""
    if "/providers/" not in key:
        return ids.parent_key(key)
    scope, _, rest = key.rpartition("/providers/")
    return ids.parent_key(key) if rest.count("/") > 2 else scope


def _containers(record: Record) -> set[str]:
    """Return where a record is listed: its container and its subscription."""
    key = record.key
    return {container_key(key), "/".join(key.split("/", 3)[:3])}


K = TypeVar("K")
V = TypeVar("V")


def _discard(index: dict[K, dict[V, None]], at: K, value: V) -> None:
    entries = index.get(at)
    if entries is not None:
        entries.pop(value, None)
        if not entries:
            del index[at]
