"""Orders from the store: believed only when signed, on disk before they are begun, never twice."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.agent.nodes import MASTER, node_file
from tests.unit.agent.servers import Answer, Request, Token, serving

from hacluster_node.core import effects
from hacluster_node.errors import Broken, NodeError
from hacluster_node.net.blobs import Container
from hacluster_node.runtime import ledger
from hacluster_node.runtime.journal import Journal
from hacluster_node.runtime.ledger import LEDGER_FILE, Ledger
from hacluster_node.runtime.orders import LOST, Orders
from hacluster_wire.documents import CONFIGURATION, ORDERS, Document, seal
from hacluster_wire.keys import KeyRing, derive
from hacluster_wire.orders import Order, content_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEYS = KeyRing({"k1": derive(MASTER, "document", "node-1")}, "k1")


def order(name: str = "o1", kind: str = "Move", left_s: float = 60.0) -> Order:
    return Order(name, kind, "g", "", "node-2", time.time() + left_s)


class World:
    """The blob of a node's orders, and what its agent was given of it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.base = ""
        self.text: bytes | None = None
        self.version = 0
        self.reads: list[int] = []
        self.given: list[tuple[str, bool, int]] = []
        self.on_disk: list[bool] = []
        self.told = 0

    def answer(self, request: Request) -> Answer:
        assert request.path == "/c/orders/node-1"
        etag = f'"{self.version}"'
        known = request.headers.get("if-none-match") == etag
        status = 404 if self.text is None else 304 if known else 200
        self.reads.append(status)
        return Answer(status, self.text or b"" if status == 200 else b"", {"ETag": etag})

    def agent(self) -> Orders:
        """Begin an agent anew over the same state."""
        self.journal = Journal()
        self.orders = Orders(node_file(self.directory), self, self.journal, self.give, self.tell)  # type: ignore[arg-type] # its connections alone
        return self.orders

    def container(self) -> Container:
        return Container(self.base + "/c", identity=Token())

    def give(self, given: Order, begun: bool, epoch: int) -> None:
        text = (self.directory / "state" / LEDGER_FILE).read_text()
        self.on_disk.append(given.id in text)
        self.given.append((given.id, begun, epoch))

    def tell(self) -> None:
        self.told += 1

    def put(self, *orders: Order, generation: int = 1, **changes: Any) -> None:
        document = Document(ORDERS, "Cluster1", "node-1", generation, content_of(orders))
        fields = {**vars(document), **changes}
        self.text, self.version = seal(Document(**fields), KEYS), self.version + 1

    def phases(self) -> dict[str, str]:
        return {item["id"]: item["phase"] for item in self.orders.results()}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    with serving(made.answer) as made.base:
        made.agent()
        yield made


def test_a_new_order_is_on_disk_before_it_is_begun_and_begun_once(world: World) -> None:
    world.put(order())
    for _ in range(3):
        world.orders.look()
    assert world.given == [("o1", False, 0)]
    assert world.on_disk == [True]
    assert world.reads == [200, 304, 304]


def test_an_order_is_not_begun_again_by_a_later_run(world: World) -> None:
    world.put(order())
    world.orders.look()
    world.agent().look()
    assert world.given == [("o1", False, 0)]
    assert world.phases() == {"o1": "Running"}


def test_a_later_run_goes_on_following_what_was_begun(world: World) -> None:
    world.put(order(), order("o2"))
    world.orders.look()
    world.orders.report(effects.OrderReported("o1", "Running", "moving", 7))
    world.orders.report(effects.OrderReported("o2", "Succeeded", "moved", 7))
    world.orders._ledger.write()
    world.agent().start()
    deadline = time.monotonic() + 30
    while len(world.given) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert world.given[2:] == [("o1", True, 7)]
    assert world.phases() == {"o1": "Running", "o2": "Succeeded"}


def test_an_end_is_told_once_and_stays(world: World) -> None:
    world.put(order())
    world.orders.look()
    world.orders.report(effects.OrderReported("o1", "Succeeded", "done", 3))
    world.orders.report(effects.OrderReported("o1", "Failed", "late word", 3))
    assert world.phases() == {"o1": "Succeeded"}


def test_what_came_too_late_has_failed_and_is_never_begun(world: World) -> None:
    world.put(order(left_s=-1.0))
    world.orders.look()
    assert world.given == []
    assert world.phases() == {"o1": "Failed"}


def test_an_order_is_forgotten_when_it_is_asked_for_no_more_and_its_time_is_over(
    world: World,
) -> None:
    world.put(order("late", left_s=-1.0), order("done", left_s=600.0))
    world.orders.look()
    world.orders.report(effects.OrderReported("done", "Succeeded", "", 0))
    world.orders.look()
    assert set(world.phases()) == {"late", "done"}, "both are still in the document"
    world.put(generation=2)
    world.orders.look()
    assert set(world.phases()) == {"done"}, "the deadline of done is not over"


@pytest.mark.parametrize(
    "changes",
    [
        {"cluster": "other"},
        {"node": "node-2"},
        {"format": CONFIGURATION},
        {"content": {"orders": [{"id": "a b"}]}},
    ],
)
def test_what_is_not_ours_is_not_begun(world: World, changes: dict[str, Any]) -> None:
    world.put(order(), **changes)
    with pytest.raises(NodeError, match="HAN-O01"):
        world.orders.look()
    assert world.given == []


def test_a_changed_byte_or_an_older_document_is_not_believed(world: World) -> None:
    world.put(order(), generation=5)
    assert world.text is not None
    world.text = world.text.replace(b'"Move"', b'"Stop"')
    with pytest.raises(NodeError, match="no accepted key"):
        world.orders.look()
    world.put(order(), generation=5)
    world.orders.look()
    world.put(order("old"), generation=4)
    with pytest.raises(NodeError, match="generation 4"):
        world.agent().look()
    assert [given[0] for given in world.given] == ["o1"]


def test_a_disk_that_takes_nothing_lets_nothing_begin(world: World) -> None:
    world.put(order())
    state = world.directory / "state"
    state.write_text("a file where the directory should be")
    with pytest.raises(Broken, match="HAN-S01"):
        world.orders.look()
    assert world.given == []
    state.unlink()
    world.orders.look()
    assert [given[0] for given in world.given] == ["o1"], "as soon as the disk takes it"


def test_a_lost_ledger_refuses_what_it_may_have_begun(world: World) -> None:
    (world.directory / "state").mkdir()
    (world.directory / "state" / LEDGER_FILE).write_text("{")
    world.put(order())
    world.agent().look()
    assert world.given == []
    assert world.orders.results()[0]["message"] == LOST
    world.put(order("o2"), generation=2)
    world.orders.look()
    assert [given[0] for given in world.given] == ["o2"]


def test_the_ledger_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "MOST", 2)
    kept = Ledger(tmp_path)
    kept.take(order("a"))
    kept.take(order("b"))
    with pytest.raises(Broken, match="HAN-O02"):
        kept.take(order("c"))
    assert not Ledger(tmp_path).knows("c")
