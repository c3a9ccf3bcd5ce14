"""The holder: rules 1 to 4 and 7."""

from __future__ import annotations

import pytest
from tests.unit.agent_core.driver import Driver, active, config, held_by

from hacluster_node.core import effects, events
from hacluster_node.core.commands import StopGroup
from hacluster_node.core.events import WitnessOutcome
from hacluster_node.core.record import Wanted
from hacluster_node.timing import BALANCED, RIDE_THROUGH


def test_a_released_group_is_taken_with_the_next_epoch_and_started_in_order() -> None:
    driver = Driver(record=held_by("n2", 6, released=True))
    driver.run(5.0)
    assert driver.record is not None
    assert (driver.record.holder, driver.record.epoch) == ("n1", 7)
    starts = driver.all(effects.StartResource)
    assert [(start.resource, start.epoch) for start in starts] == [("disk", 7), ("app", 7)]


def test_the_guard_knows_the_deadline_before_anything_starts() -> None:
    driver = Driver()
    driver.run(5.0)
    kinds = [
        type(e) for e in driver.out if isinstance(e, (effects.SetDeadline, effects.StartResource))
    ]
    assert kinds[0] is effects.SetDeadline


def test_a_deadline_counts_from_before_the_request_was_sent() -> None:
    driver = active()
    driver.witness_up = False
    driver.run(driver.timings.renew_s)
    request = driver.last(effects.WriteWitness)
    sent = driver.clocks
    driver.move(1.5)
    driver.forget()
    driver.write(request.record)
    driver.tell(events.WitnessAnswered, request.request, WitnessOutcome.OK, request.record, "v2")
    deadline = driver.last(effects.SetDeadline)
    assert deadline.stamp.raw <= sent.raw
    assert deadline.fence_after_s == driver.timings.fence_after_s


def test_a_success_later_than_its_limit_is_not_used() -> None:
    driver = active()
    driver.witness_up = False
    driver.run(driver.timings.renew_s)
    request = driver.last(effects.WriteWitness)
    driver.run(driver.timings.request_s + 0.1)
    driver.forget()
    driver.tell(events.WitnessAnswered, request.request, WitnessOutcome.OK, request.record, "v2")
    assert not driver.all(effects.SetDeadline)
    assert not driver.all(effects.PetWatchdog)


def test_the_fence_starts_a_fence_time_before_the_end_after_the_last_confirmed_stamp() -> None:
    driver = active(config(failsafe=False))
    stamp = driver.machine.node.rights["g"].stamp
    driver.witness_up = False
    while not driver.all(effects.Fence):
        driver.run(0.01)
    elapsed = driver.clocks.raw - stamp.raw
    assert elapsed == pytest.approx(driver.timings.fence_after_s, abs=0.02)


def test_an_own_write_whose_reply_was_lost_is_found_and_renewed() -> None:
    driver = active()
    driver.witness_up = False
    driver.run(driver.timings.renew_s)
    driver.write(driver.last(effects.WriteWitness).record)
    driver.witness_up = True
    driver.run(20.0)
    assert driver.active
    assert not driver.all(effects.Fence)


def test_a_conflict_with_another_holder_fences_at_once_and_never_releases() -> None:
    driver = active()
    driver.write(held_by("n2", 9))
    driver.run(driver.timings.renew_s + 0.1)
    assert driver.all(effects.Fence)
    assert driver.record == held_by("n2", 9)
    assert not driver.active


def test_a_vanished_record_fences_at_once() -> None:
    driver = active()
    driver.write(None)
    driver.run(driver.timings.renew_s + 0.1)
    assert driver.all(effects.Fence)


def test_the_watchdog_is_petted_by_confirmed_renewals_only() -> None:
    driver = active()
    driver.run(driver.timings.renew_s + 0.1)
    assert driver.all(effects.PetWatchdog)
    driver.witness_up = False
    driver.run(driver.timings.renew_s)
    driver.forget()
    driver.run(driver.timings.fence_after_s - driver.timings.renew_s - 1)
    assert not driver.all(effects.PetWatchdog)


def test_the_right_is_given_back_only_when_the_fence_is_complete() -> None:
    driver = active()
    driver.fences = False
    driver.command(StopGroup("g"))
    driver.run(3.0)
    fence = driver.last(effects.Fence)
    assert driver.record is not None
    assert not driver.record.released
    driver.tell(events.FenceDone, "g", fence.fence)
    assert driver.record.released
    assert driver.record.wanted is Wanted.STOPPED


def test_a_guard_that_was_faster_is_believed() -> None:
    driver = active()
    driver.tell(events.GuardFenced, "g", "the agent hung")
    assert driver.all(effects.ClearDeadline)
    assert driver.record is not None
    assert driver.record.released


def test_every_start_of_an_agent_fences_first() -> None:
    driver = Driver()
    assert isinstance(driver.out[0], effects.Fence)


def test_a_release_is_written_when_the_witness_returns() -> None:
    driver = active(config(failsafe=False))
    driver.witness_up = False
    driver.run(30.0)
    assert not driver.active
    driver.witness_up = True
    driver.run(1.0 + driver.timings.renew_s)
    assert driver.decided("Released")


def test_a_longer_lease_counts_only_from_a_renewal_that_states_it() -> None:
    driver = active(config(failsafe=False))
    driver.witness_up = False
    stamp = driver.machine.node.rights["g"].stamp
    driver.tell(events.ConfigChanged, config(failsafe=False, timings=RIDE_THROUGH))
    before = BALANCED.lease_s - RIDE_THROUGH.fence_s - RIDE_THROUGH.slack_s
    assert driver.last(effects.SetDeadline).fence_after_s == pytest.approx(before)
    while not driver.all(effects.Fence):
        driver.run(0.01)
    assert driver.clocks.raw - stamp.raw <= before + 0.02


def test_the_guards_word_does_not_end_a_fence_of_our_own() -> None:
    driver = active(config(failsafe=False))
    driver.fences = False
    driver.witness_up = False
    driver.run(20.0)
    fence = driver.last(effects.Fence)
    driver.tell(events.GuardFenced, "g", "the deadline passed")
    assert not driver.all(effects.ClearDeadline)
    driver.tell(events.FenceDone, "g", fence.fence)
    assert driver.all(effects.ClearDeadline)


def test_a_group_is_not_activated_on_a_lease_that_the_watchdog_would_outlive() -> None:
    driver = Driver(config(failsafe=False), record=held_by("n2"))
    driver.run(driver.timings.wait_s + 1)
    driver.witness_up = False
    driver.run(4.0)
    driver.hear()
    assert not driver.all(effects.StartResource)
    driver.witness_up = True
    driver.run(3.0)
    assert driver.active
