"""Scheduled events: what a node does about each, once, by what it and the others know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.agent_core.driver import Driver, config, held_by

from hacluster_node.core import effects, events
from hacluster_node.core.heartbeat import Standing
from hacluster_node.runtime import scheduled
from hacluster_node.runtime.scheduled import Acknowledge, Await, Calendar, End, Notice

if TYPE_CHECKING:
    from hacluster_node.runtime.scheduled import Act

THREE = ("n1", "n2", "n3")


def told(*machines: str, kind: str = "Redeploy", duration: int = -1, status: str = "") -> Any:
    """Return what the metadata service says of one event."""
    event = {
        "EventId": "e1",
        "EventType": kind,
        "Resources": list(machines),
        "NotBefore": "Sat, 28 Nov 2026 21:00:00 GMT",
        "EventStatus": status or "Scheduled",
        "DurationInSeconds": duration,
    }
    return {"DocumentIncarnation": 1, "Events": [event]}


NOTHING: Any = {"Events": []}


class Node:
    """The real state machine with its calendar; the effects go back as the runtime has them."""

    def __init__(self, *, active: bool, names: tuple[str, ...] = ("n1", "n2")) -> None:
        record = held_by("n2", 0, released=True) if active else held_by("n2")
        self.driver = Driver(config(names=names), record=record)
        self.calendar = Calendar()
        self.driver.run(5.0)
        assert self.driver.active is active
        self.driver.forget()

    def look(self, content: Any) -> list[Act]:
        """Look once, do what is said, and let a second pass."""
        announced = scheduled.read(content)
        acts = self.calendar.look(announced, scheduled.around(self.driver.machine.node, announced))
        for act in acts:
            if isinstance(act, Notice):
                event, kind, duration = act.announced[:3]
                self.driver.tell(events.MaintenanceNoticed, event, kind, duration)
            elif isinstance(act, End):
                self.driver.tell(events.MaintenanceEnded, act.event)
        self.driver.run(1.0)
        for effect in self.driver.all(effects.AcknowledgeMaintenance):
            self.calendar.want(effect.event)
        return acts

    def hear(self, name: str, standing: Standing, *, able: bool) -> None:
        self.driver.hear(name, standing, eligible=able)

    @property
    def answer(self) -> str:
        (entry,) = self.calendar.table()
        return str(entry["answer"])


def kinds(acts: list[Act]) -> list[str]:
    return [type(act).__name__ for act in acts]


def test_the_active_node_moves_away_acknowledges_once_and_takes_part_again() -> None:
    node = Node(active=True)
    assert node.driver.active
    node.hear("n2", Standing.INACTIVE, able=True)
    assert kinds(node.look(told("N1"))) == ["Notice"]
    assert not node.driver.active
    assert node.driver.record is not None
    assert node.driver.record.successor == "n2"
    assert node.look(told("N1")) == [Acknowledge("e1")]
    node.calendar.acknowledged("e1")
    assert node.look(told("N1")) == []
    assert (node.answer, node.calendar.table()[0]["acknowledged"]) == ("MovedAway", True)
    assert node.look(told("N1", status="Started")) == []
    assert node.look(NOTHING) == [End("e1")]
    assert not node.driver.machine.node.maintenance
    assert node.calendar.table() == []


def test_an_acknowledgement_that_did_not_arrive_is_sent_again() -> None:
    node = Node(active=False)
    node.look(told("n1"))
    assert node.look(told("n1")) == [Acknowledge("e1")]
    assert node.look(told("n1")) == [Acknowledge("e1")]
    assert node.look(told("n1", status="Started")) == []


def test_what_is_ridden_through_moves_nothing_and_is_not_acknowledged() -> None:
    node = Node(active=True)
    node.hear("n2", Standing.INACTIVE, able=True)
    freeze = told("n1", kind="Freeze", duration=5)
    assert kinds(node.look(freeze)) == ["Notice"]
    assert node.look(freeze) == []
    assert node.driver.active
    assert node.answer == "RiddenThrough"


@pytest.mark.parametrize("is_there", [False, True], ids=["nobody lives", "none is able"])
def test_with_nobody_to_move_to_it_serves_on_and_moves_when_there_is_one(*, is_there: bool) -> None:
    node = Node(active=True)
    if is_there:
        node.hear("n2", Standing.INACTIVE, able=False)
    assert kinds(node.look(told("n1"))) == ["Await"]
    assert node.look(told("n1")) == []
    assert node.driver.active
    assert node.answer == "Awaited"
    node.hear("n2", Standing.INACTIVE, able=True)
    assert kinds(node.look(told("n1"))) == ["Notice"]
    assert not node.driver.active
    assert node.answer == "MovedAway"


def test_an_event_for_every_node_stops_no_service_and_nobody_lets_it_begin() -> None:
    active, standby = Node(active=True), Node(active=False)
    active.hear("n2", Standing.INACTIVE, able=True)
    (act,) = active.look(told("n1", "n2"))
    assert act == Await("e1", "Redeploy is announced for every node at once: there is none to "
                        "move to")  # fmt: skip
    assert active.driver.active
    standby.hear("n2", Standing.ACTIVE, able=True)
    assert kinds(standby.look(told("n1", "n2"))) == ["Notice"]
    standby.hear("n2", Standing.ACTIVE, able=True)
    assert standby.look(told("n1", "n2")) == []


def test_a_standby_lets_an_event_begin_only_when_the_active_node_it_lists_is_empty_too() -> None:
    standby = Node(active=False, names=THREE)
    both = told("n1", "n2")
    standby.look(both)
    for standing, able, expected in (
        (Standing.ACTIVE, True, []),
        (Standing.FENCED, False, []),
        (Standing.INACTIVE, True, []),  # It has not noticed the event yet, and may take the group.
        (Standing.INACTIVE, False, [Acknowledge("e1")]),
    ):
        standby.hear("n2", standing, able=able)
        assert standby.look(both) == expected


def test_who_is_silent_is_not_taken_for_empty() -> None:
    standby = Node(active=False, names=THREE)
    standby.look(told("n1", "n2"))
    standby.hear("n2", Standing.INACTIVE, able=False)
    standby.driver.run(15.0)
    assert standby.look(told("n1", "n2")) == []


def test_the_group_goes_to_a_node_that_the_event_does_not_list() -> None:
    node = Node(active=True, names=THREE)
    node.hear("n2", Standing.INACTIVE, able=True)
    assert kinds(node.look(told("n1", "n2"))) == ["Await"]
    node.hear("n3", Standing.INACTIVE, able=True)
    assert kinds(node.look(told("n1", "n2"))) == ["Notice"]


def test_what_concerns_others_is_none_of_ours() -> None:
    node = Node(active=True)
    assert node.look(told("n2", "stranger")) == []
    assert node.calendar.table() == []


@pytest.mark.parametrize("content", [{}, {"Events": [{}]}, {"Events": [{"EventId": "e1"}]}])
def test_an_answer_that_is_not_understood_is_no_answer(content: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        scheduled.read(content)
