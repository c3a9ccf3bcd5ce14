"""A fence ends within S though the guard hangs: the helper does it, and both are heard out."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.agent.configurations import changed
from tests.unit.agent.machines import Machine
from tests.unit.agent.nodes import node_file, sealed

from hacluster_node.core.effects import Fence
from hacluster_node.guard import lines
from hacluster_node.guard.process import FENCED, Guard
from hacluster_node.helper.process import Helper
from hacluster_node.runtime.fences import Fences
from hacluster_node.runtime.links import Link
from hacluster_node.settings.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

GROUP = "failover1"
SHORT_S, LONG_S = 0.4, 3600.0  # S: a guard may be silent for a quarter of it.
VIP = {"name": "vip", "type": "LoopbackAddress", "loopbackAddress": {"address": "10.0.0.9"}}


class Slow(Machine):
    """A machine on which the helper's first step takes as long as a test wants."""

    def __init__(self) -> None:
        super().__init__(addresses={"10.0.0.9"})
        self.may_go_on = threading.Event()
        self.begun = 0

    def cut(self, group: str, traffic: Any) -> None:
        self.begun += 1
        assert self.may_go_on.wait(20)
        super().cut(group, traffic)


class Place:
    """A helper that works, a guard that is played by the test, and the agent's side of both."""

    def __init__(self, directory: Path) -> None:
        node = node_file(directory)
        content = changed("groups.0.resources", [VIP])
        content["monitors"] = []
        stored = Stored(node)
        stored.save(sealed(content))
        self.marks = node.run_directory / FENCED
        self.marks.mkdir(parents=True)
        self.machine = Slow()
        self.asked: list[dict[str, Any]] = []
        self.ended: list[dict[str, Any]] = []
        self.troubles: list[Any] = []
        self.listeners = [lines.listen(node.run_directory / name) for name in ("g", "h")]
        helper = Helper(self.machine, stored, node.run_directory)
        threading.Thread(target=helper.serve, args=(self.listeners[1],), daemon=True).start()
        self.links = [
            Link(node.run_directory / "g", self._event, lambda: None),
            Link(node.run_directory / "h", lambda _: None, lambda: None),
        ]
        self.guard, _ = self.listeners[0].accept()
        threading.Thread(target=self._hear, daemon=True).start()
        self.fences = Fences(
            self.links[0], self.links[1], lambda m: self.ended.append(dict(m)), self.troubles.append
        )

    def _event(self, message: Any) -> None:
        self.fences.heard(message)

    def _hear(self) -> None:
        collected = lines.Lines()
        while True:
            try:
                chunk = self.guard.recv(65536)
            except OSError:
                return
            if not chunk:
                return
            self.asked += collected.feed(chunk)

    def guard_says(self, **message: Any) -> None:
        self.guard.sendall(lines.line(message))

    def guard_answers_all(self) -> None:
        while self.asked:
            self.guard_says(re=self.asked.pop(0)["id"], ok=True, detail="")

    def look(self, fence_s: float, until: Callable[[], object]) -> None:
        """Look as the agent does until something is so."""
        deadline = time.monotonic() + 10
        while not until():
            assert time.monotonic() < deadline
            assert self.fences.look(fence_s)
            time.sleep(0.01)

    def close(self) -> None:
        self.machine.may_go_on.set()
        for link in self.links:
            link.close()
        self.guard.shutdown(socket.SHUT_RDWR)
        for sock in (self.guard, *self.listeners):
            sock.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


def test_a_guard_that_hangs_leaves_the_fence_to_the_helper(place: Place) -> None:
    place.machine.may_go_on.set()
    place.fences.begin(Fence(7, GROUP, 3, "the deadline has passed"))
    place.look(SHORT_S, lambda: place.machine.traffic == {GROUP: "cut"})
    place.look(SHORT_S, lambda: place.machine.addresses == set())
    assert (place.marks / GROUP).exists()
    assert place.ended == []  # only the guard knows that nothing of it can serve any more


def test_a_guard_that_hangs_after_it_took_the_order_is_noticed(place: Place) -> None:
    place.machine.may_go_on.set()
    place.fences.begin(Fence(7, GROUP, 3, "the deadline has passed"))
    place.look(LONG_S, lambda: place.asked)
    place.guard_answers_all()
    place.look(LONG_S, lambda: [one for one in place.asked if one["do"] == "alive"])
    place.look(SHORT_S, lambda: place.machine.addresses == set())


def test_a_guard_that_works_is_left_alone(place: Place) -> None:
    place.fences.begin(Fence(7, GROUP, 3, "asked"))
    place.look(LONG_S, lambda: place.asked)
    place.guard_answers_all()
    place.guard_says(event="fenced", number=7, group=GROUP)
    place.look(LONG_S, lambda: place.ended)
    assert (place.machine.begun, place.fences.are_under_way) == (0, False)


def test_a_fence_is_not_over_while_the_helper_works_on_it(place: Place) -> None:
    """Else the group could be started again here, and the helper would end what serves."""
    place.fences.begin(Fence(7, GROUP, 3, "the deadline has passed"))
    place.look(SHORT_S, lambda: place.machine.begun)
    place.guard_says(event="fenced", number=7, group=GROUP)
    time.sleep(0.1)
    place.look(SHORT_S, lambda: place.fences.are_under_way)
    assert place.ended == []
    place.machine.may_go_on.set()
    place.look(SHORT_S, lambda: place.ended)
    assert [one["number"] for one in place.ended] == [7]
    assert not place.fences.are_under_way


def test_what_the_helper_could_not_do_is_told_and_tried_again(place: Place) -> None:
    place.machine.may_go_on.set()
    place.machine.broken = {"remove_address"}
    place.fences.begin(Fence(7, GROUP, 3, "the deadline has passed"))
    place.look(SHORT_S, lambda: len(place.troubles) > 1)
    assert place.troubles[0]["code"] == "HAN-G02"
    place.machine.broken = set()
    place.look(SHORT_S, lambda: place.machine.addresses == set())


def test_the_guard_answers_whether_it_is_alive(tmp_path: Path) -> None:
    node = node_file(tmp_path)
    guard = Guard(Machine(), Stored(node), node.run_directory, [])
    listener = lines.listen(node.run_directory / "guard.sock")
    thread = threading.Thread(target=guard.run, args=(listener,), daemon=True)
    thread.start()
    link = Link(node.run_directory / "guard.sock", lambda _: None, lambda: None)
    assert link.call({"do": "alive"}, 10.0)["ok"]
    link.close()
    guard.stop()
    thread.join(5)
    listener.close()
