"""The command line's door, the journal, and the state on disk."""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hacluster_node.cli import client
from hacluster_node.core import commands, effects, events
from hacluster_node.core.clocks import Clocks
from hacluster_node.errors import Broken
from hacluster_node.guard import lines
from hacluster_node.runtime.control import Control, Verbs
from hacluster_node.runtime.inbox import Inbox
from hacluster_node.runtime.journal import Journal, JsonLines
from hacluster_node.runtime.saver import STATE_FILE, Saver

if TYPE_CHECKING:
    from collections.abc import Iterator


class Door:
    """A control socket with a machine behind it that says yes or no."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.inbox = Inbox()
        self.listener = lines.listen(path)
        verbs = Verbs({"status": lambda _: {"ok": True, "status": {}}}, {})
        self.control = Control(self.listener, self.inbox, verbs, os.getegid())
        self.control.start()
        self.taken: list[commands.Command] = []
        self.stopping = False
        self.thread = threading.Thread(target=self._machine, daemon=True)
        self.thread.start()

    def _machine(self) -> None:
        while not self.stopping:
            maker = self.inbox.take(0.05)
            event = maker(Clocks(0, 0, 0)) if maker else None
            if isinstance(event, events.Commanded):
                self.taken.append(event.command)
                ok = getattr(event.command, "group", "") != "bad"
                self.control.reply(effects.Reply(event.command_id, ok, "said so"))

    def close(self) -> None:
        self.stopping = True
        self.thread.join()
        self.listener.close()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    made = Door(tmp_path / "agent.sock")
    yield made
    made.close()


def test_a_command_reaches_the_machine_and_its_answer_the_caller(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    assert client.main(["move", "g", "n2"], door.path) == client.DONE
    assert door.taken == [commands.MoveGroup("g", "n2")]
    assert capsys.readouterr().out == "said so\n"
    assert client.main(["move", "bad"], door.path) == client.FAILED
    assert "HAN-U03" in capsys.readouterr().err


def test_the_kernel_says_who_calls(door: Door) -> None:
    with lines.connect(Path(door.path), 1.0) as sock:
        assert lines.credentials(sock) == (os.getpid(), os.geteuid(), os.getegid())


@pytest.mark.parametrize("message", [{"do": "explode"}, {}, {"do": "move", "group": 7}])
def test_what_is_no_command_is_refused(door: Door, message: dict[str, object]) -> None:
    answer = client.ask(message, door.path)
    assert (answer["ok"], answer["code"]) == (False, "HAN-U03")
    assert door.taken == []


def test_a_trouble_is_told_once_until_it_changes() -> None:
    journal = Journal()
    for detail in ("a", "a", "b"):
        journal.trouble(Broken("HAN-W01", detail))
    assert [entry["why"] for entry in journal.entries(9)] == ["a", "b"]
    assert journal.troubles() == {"HAN-W01": "b"}
    journal.over("HAN-W01")
    assert journal.troubles() == {}


def test_a_log_line_is_one_json_object_with_its_fields() -> None:
    record = logging.makeLogRecord({"msg": "Fenced group", "levelname": "INFO", "group": "g"})
    assert (
        JsonLines().format(record) == '{"level": "INFO", "message": "Fenced group", "group": "g"}'
    )


def wait(condition: object) -> None:
    deadline = time.monotonic() + 3
    while not condition():  # type: ignore[operator] # a callable
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_newest_state_is_on_disk_and_comes_back(tmp_path: Path) -> None:
    saver = Saver(tmp_path, Journal())
    for number in range(50):
        saver.save({"number": number})
    wait(lambda: saver.load() == {"number": 49})


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_disk_that_takes_nothing_is_told_and_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    def refuse(_: int) -> None:
        raise OSError(reason, os.strerror(reason))

    journal = Journal()
    saver = Saver(tmp_path, journal)
    saver.save({"number": 1})
    wait(lambda: saver.load() == {"number": 1})
    monkeypatch.setattr(os, "fsync", refuse)
    begun = time.monotonic()
    saver.save({"number": 2})
    assert time.monotonic() - begun < 0.1
    wait(lambda: "HAN-S01" in journal.troubles())
    assert saver.load() == {"number": 1}
    monkeypatch.undo()
    saver.save({"number": 3})
    wait(lambda: saver.load() == {"number": 3} and not journal.troubles())


@pytest.mark.parametrize("text", ["", "{", "[]", "\0"])
def test_a_state_that_cannot_be_read_is_no_state(tmp_path: Path, text: str) -> None:
    (tmp_path / STATE_FILE).write_text(text)
    assert Saver(tmp_path, Journal()).load() == {}
