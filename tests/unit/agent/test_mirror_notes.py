"""The note about a mirror's halves: who was left behind may not start; nothing is guessed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from tests.unit.agent.servers import Answer, Records, Token, serving

from hacluster_node.errors import Broken, Refused
from hacluster_node.net.blobs import Container
from hacluster_node.runtime.mirrors import Mirrors, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

IN_STEP: Mapping[str, object] = {"ok": True, "detail": "in step"}


def of(base: str, node: str) -> Mirrors:
    return Mirrors(lambda: Container(base + "/c", identity=Token()), node)


@pytest.fixture
def both() -> Iterator[tuple[Mirrors, Mirrors]]:
    with serving(Records().as_blob) as base:
        yield of(base, "n1"), of(base, "n2")


def test_without_a_note_both_halves_are_newest(both: tuple[Mirrors, Mirrors]) -> None:
    assert [half.is_newest("g", "md") for half in both] == [True, True]


def test_a_lost_peer_is_behind_until_both_are_in_step_again(both: tuple[Mirrors, Mirrors]) -> None:
    first, second = both
    first.peer_lost("g", "md", ("n2",), epoch=3)
    assert [half.is_newest("g", "md") for half in both] == [True, False]
    second.in_step("g", "md", 0, lambda: IN_STEP)
    first.in_step("g", "md", 3, lambda: {"ok": False, "detail": "out of step"})
    assert not second.is_newest("g", "md")
    first.in_step("g", "md", 3, lambda: IN_STEP)
    assert second.is_newest("g", "md")


def test_who_is_behind_or_not_active_notes_nobody(both: tuple[Mirrors, Mirrors]) -> None:
    first, second = both
    with pytest.raises(Refused, match="not active"):
        first.peer_lost("g", "md", ("n2",), epoch=0)
    first.peer_lost("g", "md", ("n2",), epoch=3)
    with pytest.raises(Refused, match="itself noted as behind"):
        second.peer_lost("g", "md", ("n1",), epoch=4)


def test_an_administrator_may_accept_the_loss(both: tuple[Mirrors, Mirrors]) -> None:
    first, second = both
    first.peer_lost("g", "md", ("n2",), epoch=3)
    second.accept_loss("g", "md")
    assert second.is_newest("g", "md")


def test_a_note_made_during_the_look_is_not_cleared(both: tuple[Mirrors, Mirrors]) -> None:
    first, second = both
    first.peer_lost("g", "md", ("n2",), epoch=3)

    def look() -> Mapping[str, object]:
        first.peer_lost("g", "md", ("n2",), epoch=3)
        return IN_STEP

    first.in_step("g", "md", 3, look)
    assert not second.is_newest("g", "md")


@pytest.mark.parametrize("answer", [Answer(503), Answer(200, b"{}", {"ETag": "1"})])
def test_a_store_that_does_not_say_is_never_taken_for_yes(answer: Answer) -> None:
    with serving(lambda _: answer) as base:
        with pytest.raises(Broken, match="HAN-W0"):
            of(base, "n1").is_newest("g", "md")
        with pytest.raises(Broken, match="HAN-W0"):
            of(base, "n1").peer_lost("g", "md", ("n2",), epoch=3)


def test_writes_that_stand_still_go_on_once_the_note_is_made_up_for(
    both: tuple[Mirrors, Mirrors],
) -> None:
    asked: list[str] = []

    def ask(verb: str) -> Mapping[str, object]:
        asked.append(verb)
        return {"ok": verb != "mirror", "code": "HAN-D06", "detail": ""}

    first, second = both
    first.watch(("g", "md"), ("n2",), 0, ask)
    assert (asked, second.is_newest("g", "md")) == (["mirror"], True)
    first.watch(("g", "md"), ("n2",), 3, ask)
    assert (asked[1:], second.is_newest("g", "md")) == (["mirror", "mirror-thaw"], False)


def test_writes_of_a_half_left_behind_stand_still_for_ever(both: tuple[Mirrors, Mirrors]) -> None:
    first, second = both
    first.peer_lost("g", "md", ("n2",), epoch=3)
    asked: list[str] = []

    def ask(verb: str) -> Mapping[str, object]:
        asked.append(verb)
        return {"ok": False, "code": "HAN-D06", "detail": ""}

    with pytest.raises(Refused, match="itself noted as behind"):
        second.watch(("g", "md"), ("n1",), 4, ask)
    assert asked == ["mirror"]


@pytest.mark.parametrize("yes", [True, False])
def test_a_loss_is_accepted_only_after_the_command_was_allowed(yes: bool) -> None:
    verdict, heard = Verdict(), []
    waiting = threading.Thread(target=lambda: heard.append(verdict.is_yes()))
    waiting.start()
    assert heard == []
    verdict.tell(yes=yes)
    waiting.join()
    assert heard == [yes]
