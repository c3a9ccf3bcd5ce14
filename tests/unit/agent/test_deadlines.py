"""The guard's table: no clock can prolong a lease, and nothing serves before it was opened."""

from __future__ import annotations

import pytest

from hacluster_node.core.clocks import Clocks
from hacluster_node.guard.deadlines import Deadline, Deadlines

START = Clocks(100.0, 100.0, 1000.0)


def later(raw: float, boot: float | None = None, real: float | None = None) -> Clocks:
    boot = raw if boot is None else boot
    real = raw if real is None else real
    return Clocks(START.raw + raw, START.boottime + boot, START.realtime + real)


def table() -> Deadlines:
    made = Deadlines(["g"], slack_s=0.3)
    made.set("g", Deadline(epoch=3, stamp=START, fence_after_s=2.7))
    return made


def test_a_group_serves_only_between_open_and_its_deadline() -> None:
    deadlines = table()
    assert deadlines.epoch("g", later(0)) is None
    assert deadlines.open("g", later(0.1))
    assert deadlines.epoch("g", later(2.6)) == 3
    assert deadlines.epoch("g", later(2.7)) is None
    assert deadlines.expired(later(2.6)) == []
    assert deadlines.expired(later(2.7)) == ["g"]


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(later(0, 0, 3), id="frozen, then the wall clock was corrected"),
        pytest.param(later(0, 3, 0), id="suspended"),
        pytest.param(later(3, 0, 0), id="only raw ran"),
        pytest.param(later(0.1, 0.1, 3600), id="the wall clock stepped an hour"),
    ],
)
def test_the_clock_that_saw_most_time_pass_counts(now: Clocks) -> None:
    deadlines = table()
    deadlines.open("g", START)
    assert deadlines.expired(now) == ["g"]
    assert deadlines.epoch("g", now) is None


def test_a_wall_clock_that_steps_back_prolongs_nothing() -> None:
    deadlines = table()
    deadlines.open("g", START)
    assert deadlines.expired(later(2.8, 2.8, -3600)) == ["g"]


def test_a_fenced_group_needs_a_new_deadline_before_it_opens() -> None:
    deadlines = table()
    deadlines.open("g", START)
    deadlines.fence("g")
    assert deadlines.is_fenced("g")
    assert not deadlines.open("g", later(0.1))
    deadlines.set("g", Deadline(4, later(0.2), 2.7))
    assert deadlines.epoch("g", later(0.3)) is None
    assert deadlines.open("g", later(0.3))
    assert deadlines.epoch("g", later(0.3)) == 4


def test_an_expired_deadline_opens_nothing() -> None:
    assert not table().open("g", later(2.8))


def test_a_hold_lasts_until_it_is_opened_whatever_the_deadline() -> None:
    deadlines = table()
    deadlines.open("g", START)
    deadlines.hold("g")
    deadlines.set("g", Deadline(3, later(1), 2.7))
    assert deadlines.epoch("g", later(1)) is None
    assert deadlines.open("g", later(1))
    assert deadlines.epoch("g", later(1)) == 3


def test_an_unknown_group_never_serves() -> None:
    deadlines = table()
    deadlines.set("other", Deadline(1, START, 9.0))
    assert not deadlines.open("other", START)
    assert deadlines.is_fenced("other")


def test_a_changed_configuration_keeps_what_it_still_names() -> None:
    deadlines = table()
    deadlines.open("g", START)
    deadlines.configure(["g", "new"], 0.3)
    assert deadlines.epoch("g", later(1)) == 3
    assert deadlines.is_fenced("new")


@pytest.mark.parametrize(
    ("now", "planned", "is_thaw"),
    [
        pytest.param(later(0.25), 0.25, False, id="on time"),
        pytest.param(later(0.5), 0.25, False, id="late within slack"),
        pytest.param(later(0.6), 0.25, True, id="late"),
        pytest.param(later(0.25, 0.25, 9), 0.25, True, id="the clocks disagree"),
        pytest.param(later(0.25, 0.25, -9), 0.25, True, id="the wall clock went back"),
    ],
)
def test_a_late_look_is_a_thaw(now: Clocks, planned: float, is_thaw: bool) -> None:
    deadlines = table()
    assert deadlines.thawed(START, 0.0) is None
    assert (deadlines.thawed(now, planned) is not None) is is_thaw


def test_the_next_look_is_never_after_a_deadline() -> None:
    deadlines = table()
    assert deadlines.next_look(later(0), 0.25) == 0.25
    assert deadlines.next_look(later(2.6), 0.25) == pytest.approx(0.1)
    assert deadlines.next_look(later(9), 0.25) == 0.0
