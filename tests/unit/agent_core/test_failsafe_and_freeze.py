"""Failsafe, thaw, probe and maintenance: rules 10 to 12 and the degraded mode."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.agent_core.driver import Driver, active, config, held_by

from hacluster_node.core import effects, events
from hacluster_node.core.heartbeat import Heartbeat, PromiseRequest
from hacluster_node.timing import BALANCED

THREE = ("n1", "n2", "n3")


def cut(names: tuple[str, ...] = ("n1", "n2")) -> Driver:
    """Return an active driver whose witness has just gone away."""
    driver = active(config(names=names))
    for name in names[1:]:
        driver.hear(name)
    driver.witness_up = False
    return driver


def keep_promising(driver: Driver, seconds: float, *senders: str) -> None:
    end = driver.clocks.raw + seconds
    while driver.clocks.raw < end:
        driver.run(0.5)
        if any(e.body.requests for e in driver.all(effects.SendHeartbeat)):
            for sender in senders:
                driver.promise(sender)


def test_a_holder_stays_for_as_long_as_every_peer_promises() -> None:
    driver = cut()
    keep_promising(driver, 3600.0 / 10, "n2")
    assert driver.active
    assert "on promises" in driver.machine.sentence()


def test_one_missing_answer_fences() -> None:
    driver = cut(THREE)
    keep_promising(driver, 30.0, "n2")
    assert driver.all(effects.Fence)
    assert not driver.active


def test_a_promise_is_worth_its_time_from_the_moment_it_was_asked_for() -> None:
    driver = cut()
    driver.run(6.0)
    asked = driver.machine.node.rights["g"].promises_sent
    driver.promise()
    deadline = driver.last(effects.SetDeadline)
    assert deadline.stamp == asked
    timings = BALANCED
    expected = timings.promise_s / timings.ratio - timings.fence_s - timings.slack_s
    assert deadline.fence_after_s == pytest.approx(expected)


def test_an_answer_to_an_older_nonce_does_not_count() -> None:
    driver = cut()
    driver.run(3.0)
    asked = [e for e in driver.all(effects.SendHeartbeat) if e.body.requests]
    request = asked[0].body.requests[0]
    driver.run(5.0)
    assert driver.machine.node.rights["g"].promises_nonce != request.nonce


def ask(driver: Driver, epoch: int = 1, for_s: float = 15.0) -> bool:
    """Let n2 ask for a promise and return whether it was given."""
    driver.hear("n2", requests=(PromiseRequest("g", epoch, "n2:9", for_s),), epoch=epoch)
    answers = [e for e in driver.all(effects.SendHeartbeat) if e.body.promises]
    return answers[-1].body.promises[0].given


def test_a_promise_is_kept() -> None:
    settings = config(timings=replace(BALANCED, strict=False))
    driver = Driver(settings, record=held_by("n2"))
    driver.run(30.0 - 15.31)
    driver.hear()
    assert ask(driver)
    driver.run(14.0)
    assert not driver.all(effects.WriteWitness)
    driver.run(3.0)
    assert driver.all(effects.WriteWitness)


def test_no_promise_while_a_contending_write_may_still_be_applied() -> None:
    settings = config(timings=replace(BALANCED, strict=False))
    driver = Driver(settings, record=held_by("n2"))
    driver.hear()
    driver.run(1.0)
    driver.hear()
    driver.run(14.0)
    driver.lose_replies = True
    driver.run(1.0)
    assert driver.all(effects.WriteWitness)
    assert not ask(driver)


def test_no_promise_for_an_older_epoch() -> None:
    driver = Driver(record=held_by("n3", 5))
    driver.run(1.0)
    driver.hear()
    assert not ask(driver, epoch=4)


def test_a_late_success_after_a_promise_is_undone_and_names_the_suspect() -> None:
    settings = config(timings=replace(BALANCED, strict=False))
    driver = Driver(settings, record=held_by("n2"))
    driver.run(1.0)
    driver.hear()
    driver.witness_up = False
    driver.run(16.0)
    late = driver.last(effects.WriteWitness).record
    driver.run(3.0)
    assert ask(driver)
    driver.write(late)
    driver.witness_up = True
    driver.run(3.0)
    assert driver.record is not None
    assert driver.record.released
    assert [suspect.node for suspect in driver.record.suspects] == ["n2"]
    assert driver.decided("Undone")


def test_a_restarted_agent_may_have_promised_and_holds_off() -> None:
    settings = config(timings=replace(BALANCED, strict=False))
    driver = Driver(settings, record=held_by("n2", promise_s=30.0))
    driver.run(30.5)
    assert not driver.all(effects.WriteWitness)
    driver.run(1.5)
    assert driver.all(effects.WriteWitness)


def test_disagreeing_clocks_hold_traffic_until_the_witness_confirmed() -> None:
    driver = active()
    driver.witness_up = False
    driver.clocks = driver.clocks._replace(realtime=driver.clocks.realtime + 2.0)
    driver.tell(events.ProbeAsked, 1, "g")
    assert driver.all(effects.HoldTraffic)
    assert not driver.last(effects.AnswerProbe).ok
    driver.witness_up = True
    driver.run(5.0)
    assert driver.all(effects.OpenTraffic)
    assert driver.active


def test_a_timer_later_than_the_slack_is_a_thaw() -> None:
    driver = active()
    driver.move(max(0.0, driver.machine.wake_at - driver.clocks.raw) + driver.timings.slack_s + 0.1)
    driver.tell(events.Woke)
    assert driver.all(effects.HoldTraffic)
    driver.run(0.2)
    assert driver.active


def test_a_peer_whose_clock_ran_ahead_shows_that_ours_stood_still() -> None:
    driver = active()
    driver.hear(uptime_s=500.0)
    driver.run(1.0)
    driver.hear(uptime_s=501.0)
    assert not driver.all(effects.HoldTraffic)
    driver.run(1.0)
    driver.hear(uptime_s=510.0)
    assert driver.all(effects.HoldTraffic)


def test_a_late_heartbeat_is_no_thaw() -> None:
    driver = active()
    for second in range(30):
        driver.run(1.0)
        driver.hear(uptime_s=500.0 + second - (3.0 if second % 3 else 0.0))
    assert not driver.all(effects.HoldTraffic)


def test_a_reply_from_before_the_thaw_does_not_confirm() -> None:
    driver = active()
    driver.witness_up = False
    driver.run(driver.timings.renew_s)
    request = driver.last(effects.WriteWitness)
    driver.clocks = driver.clocks._replace(realtime=driver.clocks.realtime + 5.0)
    driver.tell(events.ThawSuspected, "the guard saw it")
    driver.write(request.record)
    driver.tell(
        events.WitnessAnswered, request.request, events.WitnessOutcome.OK, request.record, "v9"
    )
    assert not driver.active


def test_a_higher_epoch_heard_of_holds_traffic_and_asks_the_witness() -> None:
    driver = active()
    driver.hear(epoch=1)
    driver.hear(epoch=9)
    assert driver.all(effects.HoldTraffic)
    driver.run(1.0)
    assert driver.active


def test_a_fresh_round_trip_answers_a_probe_with_the_epoch() -> None:
    driver = active()
    driver.tell(events.ProbeAsked, 7, "g")
    answer = driver.last(effects.AnswerProbe)
    assert (answer.probe, answer.ok, answer.epoch) == (7, True, 1)


@pytest.mark.parametrize("live", [True, False], ids=["live probe", "stale round trip"])
def test_a_probe_may_need_a_read_begun_after_it_arrived(live: bool) -> None:
    driver = active(config(live_probe=live, failsafe=False))
    if not live:
        driver.witness_up = False
        driver.run(6.0)
        driver.witness_up = True
    driver.forget()
    driver.tell(events.ProbeAsked, 1, "g")
    assert driver.all(effects.ReadWitness)
    assert driver.last(effects.AnswerProbe).ok


def test_a_probe_gets_no_200_when_the_read_names_another() -> None:
    driver = active(config(live_probe=True))
    driver.write(held_by("n2", 3))
    driver.tell(events.ProbeAsked, 1, "g")
    assert not driver.last(effects.AnswerProbe).ok


@pytest.mark.parametrize(
    ("kind", "seconds", "moves"),
    [("Freeze", 5.0, False), ("Freeze", -1.0, True), ("Freeze", 9.0, True), ("Reboot", 1.0, True)],
    ids=["short freeze", "unknown freeze", "long freeze", "reboot"],
)
def test_what_cannot_be_ridden_through_is_moved_away_from(
    kind: str, seconds: float, moves: bool
) -> None:
    driver = active()
    driver.hear()
    driver.tell(events.MaintenanceNoticed, "e1", kind, seconds)
    driver.run(1.0)
    assert driver.active is not moves
    acknowledged = [e.event for e in driver.all(effects.AcknowledgeMaintenance)]
    assert acknowledged == (["e1"] if moves else [])
    assert driver.record is not None
    assert driver.record.successor == ("n2" if moves else "")


def test_without_another_node_maintenance_is_awaited_in_service() -> None:
    driver = active()
    driver.tell(events.MaintenanceNoticed, "e1", "Reboot", 1.0)
    driver.run(1.0)
    assert driver.active
    assert not driver.all(effects.AcknowledgeMaintenance)


@pytest.mark.parametrize("away", [False, True], ids=["conflict", "witness away"])
def test_what_a_holder_said_before_it_acquired_is_no_evidence(away: bool) -> None:
    driver = active()
    driver.hear()
    driver.witness_up = not away
    driver.run(10.0 if away else 0.0)
    driver.write(held_by("n2", 5))
    driver.witness_up = True
    driver.run(BALANCED.wait_s + 10.0)
    assert driver.record is not None
    assert (driver.record.holder, driver.record.epoch) == ("n1", 6)
    assert not driver.active
    driver.run(BALANCED.activation_delay_s)
    assert driver.active


def test_a_replayed_run_does_not_count() -> None:
    driver = active()
    driver.hear("n2", run="one")
    driver.run(2.0)
    driver.hear("n2", run="two")
    echoed = f"{driver.machine.node.incarnation}:1"
    driver.hear("n2", run="one", echo=echoed)
    assert driver.machine.node.peers["n2"].incarnation == "two"


def test_a_second_machine_with_the_same_name_is_noticed_and_not_believed() -> None:
    driver = active()
    for run in ("one", "two", "one"):
        driver.run(1.5)
        driver.hear("n2", run=run)
    assert driver.decided("DuplicateNode")
    assert driver.machine.node.peers["n2"].duplicate


def test_bodies_survive_the_wire() -> None:
    driver = active()
    driver.witness_up = False
    driver.run(5.0)
    for effect in driver.all(effects.SendHeartbeat):
        assert Heartbeat.parse(effect.body.plain()) == effect.body
