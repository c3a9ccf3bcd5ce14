"""A configuration with other numbers: in force only when a fence under it ends within the lease."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.agent_core.driver import Driver, active, config

from hacluster_node.core import effects, events
from hacluster_node.core.commands import StopGroup
from hacluster_node.timing import BALANCED, FASTEST, RIDE_THROUGH, Timings


def with_numbers(timings: Timings) -> object:
    return config(failsafe=False, timings=timings)


def in_force(driver: Driver) -> Timings:
    return driver.machine.node.timings


def test_numbers_that_fit_are_used_at_once_and_the_guard_knows_them_first() -> None:
    driver = active(config(failsafe=False))
    driver.tell(events.ConfigChanged, with_numbers(FASTEST))
    driver.run(BALANCED.renew_s)
    assert in_force(driver) == FASTEST
    kinds = [type(e) for e in driver.out if isinstance(e, (effects.UseConfig, effects.SetDeadline))]
    first = kinds.index(effects.UseConfig)
    assert effects.SetDeadline in kinds[first:]


def test_a_longer_fence_waits_until_the_lease_is_long_enough_for_it() -> None:
    """Fence of 8 s, lease of 4 s: the record must state the longer lease first."""
    driver = active(config(failsafe=False, timings=FASTEST))
    driver.witness_up = False
    driver.tell(events.ConfigChanged, with_numbers(RIDE_THROUGH))
    driver.run(1.0)
    assert in_force(driver) == FASTEST
    assert not driver.all(effects.UseConfig)
    driver.witness_up = True
    driver.run(1.0)
    assert in_force(driver) == RIDE_THROUGH
    assert driver.record is not None
    assert driver.record.duration_s == RIDE_THROUGH.lease_s
    assert driver.active


def test_while_a_longer_fence_waits_the_old_deadline_holds() -> None:
    driver = active(config(failsafe=False, timings=FASTEST))
    driver.witness_up = False
    driver.tell(events.ConfigChanged, with_numbers(RIDE_THROUGH))
    driver.run(FASTEST.fence_after_s + 0.1)
    assert driver.all(effects.Fence)


def test_a_fence_under_way_ends_under_the_numbers_it_began_with() -> None:
    driver = active(config(failsafe=False))
    driver.fences = False
    driver.command(StopGroup("g"))
    driver.run(1.0)
    fence = driver.last(effects.Fence)
    driver.tell(events.ConfigChanged, with_numbers(FASTEST))
    driver.run(1.0)
    assert in_force(driver) == BALANCED
    driver.tell(events.FenceDone, "g", fence.fence)
    assert in_force(driver) == FASTEST


def test_of_two_that_wait_the_newer_is_used() -> None:
    driver = active(config(failsafe=False, timings=FASTEST))
    driver.witness_up = False
    for timings in (RIDE_THROUGH, BALANCED):
        driver.tell(events.ConfigChanged, with_numbers(timings))
    driver.witness_up = True
    driver.run(1.0)
    assert in_force(driver) == BALANCED


def test_a_late_success_is_claimed_again_with_the_lease_of_today() -> None:
    """Its record states the lease of yesterday, too short for today's fence: found by seed 5341."""
    driver = Driver(config(failsafe=False, timings=FASTEST))
    driver.lose_replies = True
    driver.run(3.0)
    assert driver.record is not None
    assert driver.record.holder == "n1"
    driver.tell(events.ConfigChanged, with_numbers(RIDE_THROUGH))
    driver.lose_replies = False
    driver.run(60.0)
    assert driver.record.duration_s == RIDE_THROUGH.lease_s
    assert driver.active


def test_a_shorter_watchdog_counts_before_anything_is_written_under_the_new_numbers() -> None:
    """Else one applied write of a short lease, and a hang, would leave 45 s: after seed 104506."""
    driver = active(config(failsafe=False, timings=RIDE_THROUGH))
    begun = len(driver.out)
    driver.tell(events.ConfigChanged, with_numbers(FASTEST))
    driver.run(RIDE_THROUGH.renew_s)
    assert in_force(driver) == FASTEST
    told = (effects.UseConfig, effects.PetWatchdog, effects.WriteWitness)
    kinds = [type(e) for e in driver.out[begun:] if isinstance(e, told)]
    used = kinds.index(effects.UseConfig)
    assert kinds[used + 1] is effects.PetWatchdog


def test_a_longer_watchdog_puts_no_reset_off() -> None:
    driver = active(config(failsafe=False, timings=FASTEST))
    node = driver.machine.node
    driver.run(FASTEST.renew_s / 2)
    resets_at = node.petted + FASTEST.watchdog_s
    driver.tell(events.ConfigChanged, with_numbers(replace(FASTEST, watchdog_s=3.1)))
    assert in_force(driver).watchdog_s == 3.1
    assert node.petted + 3.1 == pytest.approx(resets_at)
