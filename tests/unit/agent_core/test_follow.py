"""Orders through the store: what is told is what the machine did, and nothing is begun twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.agent_core.driver import Driver, active, config, held_by

from hacluster_node.core import commands, effects, events
from hacluster_node.core.config import Monitor
from hacluster_node.core.heartbeat import Standing
from hacluster_node.core.record import Wanted

IN_TIME_S = 300.0


def give(driver: Driver, kind: str, *, begun: bool = False, epoch: int = 0, **of: Any) -> None:
    """Give an order of id ``o1``, five minutes before its deadline."""
    until = of.pop("until", driver.clocks.realtime + IN_TIME_S)
    order = events.Order(of.pop("id", "o1"), kind, until=until, **of)
    driver.tell(events.OrderGiven, order, begun, epoch)


def phases(driver: Driver, order: str = "o1") -> list[str]:
    return [e.phase for e in driver.all(effects.OrderReported) if e.order == order]


def text(driver: Driver) -> str:
    return driver.last(effects.OrderReported).text


def test_a_move_has_succeeded_when_the_other_is_active_and_nothing_is_left_here() -> None:
    driver = active()
    driver.hear()
    give(driver, "Move", group="g", node="n2")
    assert phases(driver) == ["Running"]
    driver.hear_for(1.0)
    assert driver.record is not None
    assert driver.record.released
    assert phases(driver) == ["Running"], "released here, but active nowhere yet"
    epoch = driver.record.epoch + 1
    driver.write(held_by("n2", epoch))
    driver.hear_for(2.0, standing=Standing.STARTING, epoch=epoch)
    assert phases(driver) == ["Running"]
    driver.hear_for(2.0, standing=Standing.ACTIVE, epoch=epoch)
    assert phases(driver) == ["Running", "Succeeded"]
    assert "n2" in text(driver)


def test_a_move_that_ends_elsewhere_has_failed() -> None:
    driver = active(config(names=("n1", "n2", "n3")))
    driver.hear_for(2.0, "n2", "n3")
    give(driver, "Move", group="g", node="n2")
    driver.hear_for(3.0, "n2", "n3")
    assert driver.record is not None
    epoch = driver.record.epoch + 1
    driver.write(held_by("n3", epoch))
    for _ in range(2):
        driver.hear("n3", Standing.ACTIVE, epoch=epoch)
        driver.hear_for(1.0, "n2")
    assert phases(driver) == ["Running", "Failed"]
    assert "n3 instead" in text(driver)


def test_a_move_nobody_can_take_is_refused_with_the_reason() -> None:
    driver = active()
    give(driver, "Move", group="g", node="n2")
    assert phases(driver) == ["Failed"]
    assert "not heard" in text(driver)
    assert driver.active


def test_an_order_past_its_deadline_is_not_begun() -> None:
    driver = active()
    give(driver, "Stop", group="g", until=driver.clocks.realtime)
    assert phases(driver) == ["Failed"]
    assert driver.active


def test_a_start_that_was_not_done_by_its_deadline_is_not_done_later() -> None:
    driver = Driver(record=held_by("n2", 3, released=True, wanted=Wanted.STOPPED))
    driver.run(3.0)
    driver.witness_up = False
    give(driver, "Start", group="g", until=driver.clocks.realtime + 60)
    driver.run(61.0)
    assert phases(driver) == ["Running", "Failed"]
    driver.witness_up = True
    driver.run(60.0)
    assert not driver.active, "the order's time is over"


def test_a_stop_has_succeeded_when_the_group_is_released_and_not_wanted() -> None:
    driver = active()
    driver.hear()
    driver.silent = {"app"}
    give(driver, "Stop", group="g")
    driver.hear_for(2.0)
    assert phases(driver) == ["Running"], "the application has not stopped yet"
    stop = driver.last(effects.StopResource)
    driver.silent = set()
    driver.tell(events.ResourceDone, stop.action, True)
    driver.hear_for(3.0)
    assert phases(driver) == ["Running", "Succeeded"]
    assert driver.record is not None
    assert driver.record.wanted is Wanted.STOPPED


def test_a_start_says_what_did_not_start() -> None:
    driver = Driver(record=held_by("n2", 3, released=True, wanted=Wanted.STOPPED))
    driver.run(3.0)
    driver.failing = {"app"}
    give(driver, "Start", group="g", node="n1")
    driver.run(120.0)
    assert phases(driver) == ["Running", "Failed"]
    assert "app did not start (broken)" in text(driver)


def test_a_restart_stops_and_starts_everything_and_keeps_the_right() -> None:
    driver = active()
    epoch = driver.machine.status()["groups"][0]["epoch"]
    give(driver, "Restart", group="g")
    driver.run(2.0)
    assert [e.resource for e in driver.all(effects.StopResource)] == ["app", "disk"]
    assert [e.resource for e in driver.all(effects.StartResource)] == ["disk", "app"]
    assert phases(driver) == ["Running", "Succeeded"]
    assert driver.machine.status()["groups"][0]["epoch"] == epoch


def test_a_restart_of_the_service_releases_everything_and_takes_part_again() -> None:
    driver = active()
    driver.hear()
    give(driver, "Restart")
    driver.run(3.0)
    assert phases(driver) == ["Running", "Succeeded"]
    assert driver.decided("Released")
    assert driver.machine.status()["leaving"] == ""


def test_stop_and_start_of_the_service_are_told_by_what_became_of_them() -> None:
    driver = active()
    driver.silent = {"app"}
    give(driver, "Stop", id="stop")
    assert phases(driver, "stop") == ["Running"]
    driver.tell(events.ResourceDone, driver.last(effects.StopResource).action, True)
    driver.silent = set()
    driver.run(3.0)
    assert phases(driver, "stop") == ["Running", "Succeeded"]
    give(driver, "Start", id="start")
    assert phases(driver, "start") == ["Running", "Succeeded"]
    driver.run(5.0)
    assert driver.active


@pytest.mark.parametrize(
    ("kind", "word"),
    [("Suspend", "suspended"), ("SimulateFailure", "failing by order")],
)
def test_a_monitor_obeys_at_once(kind: str, word: str) -> None:
    driver = active(config(monitors=(Monitor("m"),)))
    give(driver, kind, monitor="m")
    assert phases(driver) == ["Running", "Succeeded"]
    assert word in text(driver)
    undo = {"Suspend": "Resume", "SimulateFailure": "ClearSimulatedFailure"}[kind]
    give(driver, undo, monitor="m", id="o2")
    assert "as it should be" in text(driver)


@pytest.mark.parametrize(
    ("kind", "of", "why"),
    [
        ("Suspend", {"monitor": "x"}, "no monitor x"),
        ("Move", {"group": "x"}, "no group x"),
        ("Fly", {}, "upgrade"),
        ("Restart", {"group": "g"}, "not active on this node"),
        ("Stop", {"group": "g", "node": "n1"}, "not active on this node"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(
    kind: str, of: dict[str, Any], why: str
) -> None:
    driver = Driver(record=held_by("n2", 3))
    driver.run(1.0)
    give(driver, kind, **of)
    assert phases(driver) == ["Failed"]
    assert why in text(driver)


def test_force_needs_silence_of_all_others() -> None:
    driver = Driver(record=held_by("n2", 3))
    driver.hear_for(2.0)
    give(driver, "ForceActivate", group="g", node="n1", id="early")
    assert "n2 is heard" in text(driver)
    driver.run(11.0)
    give(driver, "ForceActivate", group="g", node="n1")
    driver.run(60.0)
    assert phases(driver) == ["Running", "Succeeded"]
    assert driver.active


def test_an_order_of_an_earlier_run_is_followed_and_not_begun_again() -> None:
    driver = Driver(record=held_by("n2", 7))
    give(driver, "Move", group="g", node="n2", begun=True, epoch=6)
    assert phases(driver) == ["Running"]
    driver.hear_for(3.0, standing=Standing.ACTIVE, epoch=7)
    assert phases(driver) == ["Running", "Succeeded"]
    restarted = active()
    give(restarted, "Stop", begun=True)
    restarted.run(5.0)
    assert restarted.active, "a stop that was begun before is not begun again"


def test_the_same_order_twice_is_one() -> None:
    driver = active()
    driver.silent = {"app"}
    give(driver, "Restart", group="g")
    give(driver, "Restart", group="g")
    assert phases(driver) == ["Running"]
    assert len(driver.all(effects.StopResource)) == 1


def test_an_order_about_a_group_that_goes_away_ends() -> None:
    driver = active()
    driver.silent = {"app"}
    give(driver, "Restart", group="g")
    driver.tell(events.ConfigChanged, replace(config(), groups=()))
    driver.silent = set()
    driver.tell(events.ResourceDone, driver.last(effects.StopResource).action, True)
    driver.run(30.0)
    assert phases(driver)[-1] == "Failed"


def test_a_command_restarts_only_where_the_group_is_active() -> None:
    driver = active()
    assert driver.command(commands.RestartGroup("g")).ok
    assert not Driver(record=held_by("n2", 3)).command(commands.RestartGroup("g")).ok
