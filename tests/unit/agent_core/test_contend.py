"""Contenders: rules 5 and 6, evidence, and the freeze guard."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.agent_core.driver import GROUP, Driver, config, held_by

from hacluster_node.core import effects, events
from hacluster_node.core.clocks import Clocks
from hacluster_node.core.commands import ForceActivate
from hacluster_node.core.config import Group, Policy
from hacluster_node.core.heartbeat import Standing
from hacluster_node.core.record import Suspect, Wanted
from hacluster_node.timing import BALANCED

LOOSE = config(timings=replace(BALANCED, strict=False), failsafe=False)


def writes(driver: Driver) -> list[effects.WriteWitness]:
    return driver.all(effects.WriteWitness)


def test_a_record_must_stand_unchanged_for_the_wait_on_our_own_clock() -> None:
    driver = Driver(LOOSE, record=held_by("n2"))
    driver.run(driver.timings.wait_s - 0.1)
    assert not writes(driver)
    driver.run(0.5)
    assert driver.active


def test_any_change_of_the_record_starts_the_count_anew() -> None:
    driver = Driver(LOOSE, record=held_by("n2"))
    driver.run(10.0)
    driver.write(held_by("n2", counter=2))
    driver.run(driver.timings.wait_s - 1.5)
    assert not writes(driver)
    driver.run(4.0)
    assert driver.active


def test_a_longer_lease_in_the_record_is_waited_for() -> None:
    driver = Driver(LOOSE, record=held_by("n2", duration_s=60.0))
    driver.run(60.0)
    assert not writes(driver)
    driver.run(2.0)
    assert driver.active


def test_a_wall_clock_set_forward_does_not_shorten_the_wait() -> None:
    driver = Driver(LOOSE, record=held_by("n2"))
    driver.run(5.0)
    driver.clocks = driver.clocks._replace(realtime=driver.clocks.realtime + 3600)
    driver.run(driver.timings.wait_s - 5.2)
    assert not writes(driver)


def test_a_wall_clock_set_back_does_not_stretch_the_wait_for_ever() -> None:
    driver = Driver(LOOSE, record=held_by("n2"))
    driver.run(5.0)
    driver.clocks = driver.clocks._replace(realtime=driver.clocks.realtime - 3600)
    driver.run(driver.timings.wait_s + 2)
    assert driver.active


def test_a_record_that_was_never_there_is_made_only_after_the_wait() -> None:
    driver = Driver(LOOSE, record=None)
    driver.run(driver.timings.wait_s - 0.1)
    assert not writes(driver)
    driver.run(1.0)
    assert driver.record is not None
    assert driver.record.epoch == 1


def test_without_evidence_the_new_holder_waits_the_guard_and_renews_meanwhile() -> None:
    driver = Driver(config(failsafe=False), record=held_by("n2"))
    driver.run(driver.timings.wait_s + 1)
    assert driver.record is not None
    assert driver.record.suspects == (Suspect("n2", "n2:run", "n2:boot", 1),)
    assert not driver.all(effects.StartResource)
    driver.run(driver.timings.guard_s - 2)
    assert not driver.all(effects.StartResource)
    assert "may still serve after a freeze" in driver.machine.why_not_active("g")
    driver.run(3.0)
    assert driver.active
    driver.run(driver.timings.renew_s)
    assert not driver.record.suspects


@pytest.mark.parametrize(
    ("words", "proves"),
    [
        ({"standing": Standing.INACTIVE}, True),
        ({"standing": Standing.FENCED}, False),
        ({"standing": Standing.CONTENDING}, False),
        ({"standing": Standing.ACTIVE}, False),
        ({"standing": Standing.STARTING, "run": "other", "boot": "other"}, True),
    ],
    ids=["inactive", "fenced", "contending", "active", "new boot id"],
)
def test_evidence_is_a_fresh_word_that_binds(words: dict[str, object], proves: bool) -> None:
    driver = Driver(config(failsafe=False), record=held_by("n2"))
    driver.run(1.5)
    driver.hear(standing=Standing.ACTIVE)
    driver.run(driver.timings.wait_s + 1)
    driver.hear(**words)  # type: ignore[arg-type]
    assert driver.active is proves


def test_words_from_before_the_record_was_seen_prove_nothing() -> None:
    driver = Driver(config(failsafe=False), record=held_by("n2"))
    driver.run(1.0)
    old = driver.nonces["n2"]
    driver.hear(echo=old)
    driver.write(held_by("n2", counter=5))
    driver.run(1.5)
    driver.hear(echo=old)
    driver.run(driver.timings.wait_s + 1)
    assert not driver.active


def test_a_power_off_seen_by_arm_is_evidence() -> None:
    driver = Driver(config(failsafe=False, power_off=True), record=held_by("n2"))
    driver.run(driver.timings.wait_s + 1)
    assert driver.last(effects.PowerOffPeer).node == "n2"
    driver.tell(events.PeerPoweredOff, "n2")
    assert driver.active


def test_evidence_about_the_last_holder_alone_is_not_enough() -> None:
    suspects = (Suspect("n3", "n3:run", "n3:boot", 1),)
    settings = config(names=("n1", "n2", "n3"), failsafe=False)
    driver = Driver(settings, record=held_by("n2", 2, suspects=suspects))
    driver.run(driver.timings.wait_s + 5)
    driver.hear("n2")
    assert not driver.active
    driver.hear("n3")
    assert driver.active


def test_a_release_without_suspects_needs_no_guard_and_one_with_them_does() -> None:
    suspects = (Suspect("n2", "x", "y", 1),)
    driver = Driver(record=held_by("n2", 2, released=True, suspects=suspects))
    driver.run(20.0)
    assert not driver.active
    driver.run(BALANCED.promise_s + BALANCED.guard_s)
    assert driver.active


def test_an_earlier_run_of_this_very_agent_is_no_rival() -> None:
    record = held_by("n1")._replace(incarnation="old")
    driver = Driver(record=record, saved={"incarnations": ["old"]})
    driver.run(1.0)
    assert driver.active


def test_a_foreign_run_under_our_name_is_a_rival() -> None:
    driver = Driver(LOOSE, record=held_by("n1")._replace(incarnation="clone"))
    driver.run(10.0)
    assert not writes(driver)


def test_an_own_write_of_unknown_outcome_is_looked_at_and_then_confirmed() -> None:
    driver = Driver()
    driver.forget()
    driver.lose_replies = True
    driver.run(1.0)
    assert driver.record is not None
    assert driver.record.holder == "n1"
    assert not driver.all(effects.StartResource)
    driver.lose_replies = False
    driver.run(5.0)
    assert driver.active
    assert driver.record.epoch == 1


def test_contenders_are_ordered_by_rank() -> None:
    driver = Driver(config(node="n2"), record=held_by("n2", 0, released=True))
    driver.run(1.0)
    assert not writes(driver)
    driver.run(5.0)
    assert driver.active


@pytest.mark.parametrize(
    ("group", "record", "why"),
    [
        (replace(GROUP, startup=Policy.MANUAL), held_by("n2", 0, released=True), "startup"),
        (replace(GROUP, failover=Policy.MANUAL), held_by("n2"), "failover is manual"),
        (GROUP, held_by("n2", released=True, wanted=Wanted.STOPPED), "stopped by hand"),
        (GROUP, held_by("n2", released=True, wanted=Wanted.GIVEN_UP), "given up"),
        (replace(GROUP, node_order=("n2",)), held_by("n2"), "node order"),
    ],
    ids=["manual startup", "manual failover", "stopped", "given up", "not in the order"],
)
def test_wishes_are_respected_and_told(group: Group, record: object, why: str) -> None:
    driver = Driver(config(group, failsafe=False), record=record)
    driver.run(60.0)
    assert not writes(driver)
    assert why in driver.machine.why_not_active("g")


def test_a_forced_activation_needs_the_holder_to_be_named_and_silent() -> None:
    driver = Driver(record=held_by("n2"))
    driver.run(1.0)
    assert not driver.command(ForceActivate("g", "n3")).ok
    driver.hear()
    assert not driver.command(ForceActivate("g", "n2")).ok
    driver.run(12.0)
    assert driver.command(ForceActivate("g", "n2")).ok
    driver.run(BALANCED.promise_s)
    assert driver.active
    assert driver.record is not None
    assert driver.record.epoch == 2


def test_a_clock_reading_is_compared_by_its_slowest_hand() -> None:
    driver = Driver(LOOSE, record=held_by("n2"))
    for _ in range(40):
        raw, boottime, realtime = driver.clocks
        driver.clocks = Clocks(raw + 0.5, boottime + 0.5, realtime + 0.25)
        driver.tell(events.Woke)
    assert not writes(driver)


def test_another_boot_id_proves_nothing_about_a_machine_that_was_never_heard() -> None:
    driver = Driver(config(failsafe=False), record=held_by("n2")._replace(boot_id="clone"))
    driver.run(driver.timings.wait_s + 1)
    driver.hear()
    assert not driver.active
