"""The guard's process: it ends service by itself, and it alone can answer a probe with 200."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.agent.configurations import changed
from tests.unit.agent.machines import Machine
from tests.unit.agent.nodes import node_file, sealed

from hacluster_node.clocks import now
from hacluster_node.guard import lines
from hacluster_node.guard.process import FENCED, SOCKET, Guard
from hacluster_node.settings.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def soon(condition: Callable[[], object], within_s: float = 3.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Link:
    """The agent's side, by hand."""

    def __init__(self, path: Path) -> None:
        self.sock = lines.connect(path, 3.0)
        self.lines = lines.Lines()
        self.seen: list[dict[str, Any]] = []
        self.number = 0

    def send(self, **message: Any) -> None:
        self.sock.sendall(lines.line(message))

    def until(self, **wanted: Any) -> dict[str, Any]:
        """Read until a message has these values, and return it."""
        while True:
            for message in self.seen:
                if wanted.items() <= message.items():
                    self.seen.remove(message)
                    return message
            self.seen += self.lines.feed(self.sock.recv(65536))

    def ask(self, **message: Any) -> dict[str, Any]:
        self.number += 1
        self.send(id=self.number, **message)
        return self.until(re=self.number)

    def set_deadline(self, seconds: float, epoch: int = 3) -> None:
        stamp = list(now())
        message = {"group": "failover1", "epoch": epoch, "stamp": stamp, "fence_after_s": seconds}
        assert self.ask(do="deadline", **message)["ok"]

    def open(self) -> bool:
        return bool(self.ask(do="open", group="failover1")["ok"])


class Place:
    """A guard that runs in a thread, with its machine."""

    def __init__(self, directory: Path, port: int) -> None:
        resources = [
            {"name": "vip", "type": "LoopbackAddress", "loopbackAddress": {"address": "10.0.0.9"}},
            {"name": "probe", "type": "ProbePort", "probePort": {"port": port}},
        ]
        content = changed("groups.0.resources", resources)
        content["monitors"] = []
        self.port = port
        self.node = node_file(directory)
        stored = Stored(self.node)
        stored.save(sealed(content))
        self.machine = Machine(addresses={"10.0.0.9"})
        self.guard = Guard(self.machine, stored, self.node.run_directory, [])
        self.listener = lines.listen(self.node.run_directory / SOCKET)
        self.thread = threading.Thread(target=self.guard.run, args=(self.listener,), daemon=True)
        self.thread.start()

    def connect(self) -> Link:
        link = Link(self.node.run_directory / SOCKET)
        link.until(event="hello")
        soon(lambda: self.fenced)
        return link

    @property
    def fenced(self) -> bool:
        return (self.node.run_directory / FENCED / "failover1").exists()

    def probe(self) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), 3.0) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            return sock.makefile("rb").read()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    made = Place(tmp_path, port)
    yield made
    made.guard.stop()
    made.thread.join(5)
    made.listener.close()


@pytest.fixture
def link(place: Place) -> Iterator[Link]:
    made = place.connect()
    yield made
    made.sock.close()


def active(place: Place, link: Link, seconds: float = 30.0) -> None:
    """Bring the group up as the agent does."""
    soon(lambda: place.machine.traffic == {"failover1": "cut"})
    link.set_deadline(seconds)
    soon(link.open)
    link.seen.clear()  # What the guard told of its first fence.
    place.machine.addresses.add("10.0.0.9")
    assert link.ask(do="probe_open", group="failover1", resource="probe")["ok"]


def test_a_guard_that_starts_fences_what_an_earlier_one_left(place: Place) -> None:
    soon(lambda: place.machine.addresses == set())
    assert place.machine.traffic == {"failover1": "cut"}


def test_nothing_opens_without_a_good_deadline(place: Place, link: Link) -> None:
    assert not link.open()
    link.set_deadline(-1.0)
    assert not link.open()
    refused = link.ask(do="probe_open", group="failover1", resource="probe")
    assert "HAN-R03" in refused["detail"]


def test_a_probe_gets_its_200_only_with_the_agents_word_and_the_guards_deadline(
    place: Place, link: Link
) -> None:
    active(place, link)
    answers: list[bytes] = []
    for ok, epoch in ((True, 3), (False, 3), (True, 2)):
        asker = threading.Thread(target=lambda: answers.append(place.probe()))
        asker.start()
        probe = link.until(event="probe_asked")["probe"]
        link.send(do="probe_answer", probe=probe, ok=ok, epoch=epoch, reason="because")
        asker.join()
    assert [answer.split()[1] for answer in answers] == [b"200", b"503", b"503"]
    assert b"HA-Epoch: 3" in answers[0]
    assert b"because" in answers[1]


def test_an_agent_that_is_silent_gets_no_200(place: Place, link: Link) -> None:
    active(place, link)
    assert place.probe().startswith(b"HTTP/1.1 503")


def test_a_deadline_that_passes_fences_whatever_the_agent_does(place: Place, link: Link) -> None:
    active(place, link, 0.4)
    event = link.until(event="guard_fenced")
    assert event["group"] == "failover1"
    assert event["failures"] == []
    assert (place.machine.addresses, place.machine.traffic) == (set(), {"failover1": "cut"})
    with pytest.raises(ConnectionRefusedError):
        place.probe()


def test_renewals_keep_it_going(place: Place, link: Link) -> None:
    active(place, link, 0.4)
    for _ in range(10):
        time.sleep(0.1)
        link.set_deadline(0.4)
    assert place.machine.addresses == {"10.0.0.9"}


def test_an_agent_that_is_gone_is_fenced_at_once(place: Place, link: Link) -> None:
    active(place, link)
    link.sock.close()
    soon(lambda: place.fenced and place.machine.addresses == set())


def test_a_fence_that_was_asked_for_is_answered_by_its_number(place: Place, link: Link) -> None:
    active(place, link)
    link.ask(do="fence", group="failover1", number=42, reason="asked")
    assert link.until(event="fenced")["number"] == 42
    assert not link.open()


def test_an_incomplete_fence_is_never_reported_and_restarts_the_machine(
    place: Place, link: Link
) -> None:
    active(place, link)
    place.machine.broken = {"remove_address"}
    link.ask(do="fence", group="failover1", number=7, reason="asked")
    time.sleep(0.8)
    link.sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        link.seen += link.lines.feed(link.sock.recv(65536))
    assert not [message for message in link.seen if message.get("event") == "fenced"]
    link.sock.settimeout(8.0)
    soon(lambda: place.machine.restarts == 1, 8.0)
    place.machine.broken = set()
    assert link.until(event="fenced")["number"] == 7


def test_a_fence_of_what_was_never_opened_restarts_no_machine(
    place: Place, link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    """It would hang after the restart too: the machine would never be up for long again."""
    soon(lambda: place.machine.traffic == {"failover1": "cut"})
    place.machine.broken = {"remove_address"}
    link.ask(do="fence", group="failover1", number=7, reason="asked")
    soon(lambda: "Fence took too long" in caplog.messages, 8.0)
    assert place.machine.restarts == 0
    place.machine.broken = set()
    assert link.until(event="fenced")["number"] == 7


def test_a_hold_answers_no_probe_until_it_is_opened(place: Place, link: Link) -> None:
    active(place, link)
    link.ask(do="hold", group="failover1")
    assert place.machine.traffic == {"failover1": "held"}
    assert b"503" in place.probe()
    link.set_deadline(30.0)
    assert link.open()
    assert place.machine.traffic == {}


def test_a_second_agent_is_turned_away(place: Place, link: Link) -> None:
    second = Link(place.node.run_directory / SOCKET)
    assert second.until(event="refused")["code"] == "HAN-G03"
    second.sock.close()
    assert link.ask(do="listening", resource="probe")["ok"] is False


@pytest.mark.parametrize("text", [b"[]\n", b"nonsense\n"])
def test_what_is_no_message_ends_the_connection_and_fences(
    place: Place, link: Link, text: bytes
) -> None:
    active(place, link)
    link.sock.sendall(text)
    soon(lambda: place.fenced and place.machine.addresses == set())


def test_a_message_without_sense_is_answered_so(link: Link) -> None:
    assert "not understood" in link.ask(do="deadline", group="failover1")["detail"]
    assert "not understood" in link.ask(do="nothing")["detail"]
    assert json.dumps(link.ask(do="clear", group="failover1")["ok"]) == "true"
