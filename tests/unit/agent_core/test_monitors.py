"""Monitors, targets, the recovery ladder, and the last healthy node."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.agent_core.driver import Driver, active, config, held_by

from hacluster_node.core import commands, effects
from hacluster_node.core.config import FinalAction, Monitor, Recovery, When
from hacluster_node.core.effects import Stage
from hacluster_node.core.heartbeat import Standing

WATCH = Monitor(
    "azureppw1",
    interval_s=5.0,
    timeout_s=2.0,
    retries=1,
    when=When.ACTIVE,
    watches="app",
    recovery=Recovery(target="app", max_reactivations=3, max_failovers=1),
)


def watched(monitor: Monitor = WATCH, *more: Monitor, **changes: Any) -> Driver:
    driver = active(config(monitors=(monitor, *more), **changes))
    driver.run(2.0)
    return driver


def health(driver: Driver, name: str = "azureppw1") -> str:
    monitors = driver.machine.status()["monitors"]
    return str(next(each["health"] for each in monitors if each["name"] == name))


def test_one_failure_less_than_the_retries_is_normal() -> None:
    driver = watched()
    driver.sick = {"azureppw1"}
    driver.run(5.0)
    assert health(driver) == "Normal"
    driver.run(5.0)
    assert driver.decided("Abnormal")


def test_reactivation_starts_within_the_promised_time() -> None:
    driver = watched()
    begin = driver.clocks.raw
    driver.sick = {"azureppw1"}
    while not driver.decided("Reactivating"):
        driver.run(0.1)
    assert driver.clocks.raw - begin <= WATCH.interval_s * (WATCH.retries + 1) + 1


def test_the_guides_ladder_is_three_reactivations_then_failover() -> None:
    driver = watched()
    driver.command(commands.SimulateFailure("azureppw1"))
    driver.hear_for(120.0)
    reactivated = driver.decided("Reactivating")
    assert [d.why[-6:] for d in reactivated] == ["1 of 3", "2 of 3", "3 of 3"]
    assert driver.record is not None
    assert (driver.record.released, driver.record.successor) == (True, "n2")
    assert not driver.active


def test_only_the_target_and_what_depends_on_it_is_reactivated() -> None:
    driver = watched()
    driver.sick = {"azureppw1"}
    driver.run(12.0)
    touched = {e.resource for e in driver.all(effects.StopResource)}
    assert touched == {"app"}


def test_after_the_last_failover_comes_the_final_action() -> None:
    recovery = Recovery(
        "g", max_reactivations=0, max_failovers=0, final_action=FinalAction.STOP_GROUP
    )
    driver = watched(replace(WATCH, recovery=recovery))
    driver.sick = {"azureppw1"}
    driver.run(30.0)
    assert not driver.active
    assert "given up" in driver.machine.why_not_active("g")


def test_a_script_runs_before_each_stage_and_the_stage_follows() -> None:
    scripts = {stage.value: 10.0 for stage in Stage}
    recovery = replace(WATCH.recovery, max_reactivations=1, scripts=scripts)
    driver = watched(replace(WATCH, recovery=recovery))
    driver.sick = {"azureppw1"}
    driver.hear_for(60.0)
    stages = [script.stage for script in driver.all(effects.RunScript)]
    assert stages == [Stage.REACTIVATE, Stage.FAIL_OVER]
    assert not driver.active


def test_counts_survive_a_restart_and_end_when_normal() -> None:
    driver = watched()
    driver.sick = {"azureppw1"}
    driver.run(30.0)
    saved = driver.last(effects.SaveState).state
    assert saved["monitors"]["azureppw1"]["reactivations"] >= 1
    again = Driver(config(monitors=(WATCH,)), saved=saved, record=held_by("n2"))
    count = next(iter(again.machine.status()["monitors"]))["reactivations"]
    assert count == saved["monitors"]["azureppw1"]["reactivations"]
    driver.sick = set()
    driver.run(30.0)
    assert next(iter(driver.machine.status()["monitors"]))["reactivations"] == 0


def test_a_suspended_monitor_checks_nothing_until_resumed() -> None:
    driver = watched()
    driver.command(commands.SuspendMonitor("azureppw1"))
    driver.forget()
    driver.run(60.0)
    assert not driver.all(effects.RunCheck)
    driver.command(commands.ResumeMonitor())
    driver.run(6.0)
    assert driver.all(effects.RunCheck)


def test_a_simulated_failure_ends_when_cleared() -> None:
    driver = watched()
    driver.command(commands.SimulateFailure("azureppw1"))
    driver.run(12.0)
    assert driver.decided("Reactivating")
    driver.command(commands.ClearFailure("azureppw1"))
    driver.run(12.0)
    assert health(driver) == "Normal"


def test_a_monitor_watches_only_where_it_is_told_to() -> None:
    elsewhere = Monitor("m", interval_s=1.0, nodes=("n2",))
    inactive = Monitor("lb", interval_s=1.0, when=When.INACTIVE, watches="app")
    driver = watched(elsewhere, inactive)
    assert not driver.all(effects.RunCheck)
    standby = Driver(config(monitors=(inactive,)), record=held_by("n2"))
    standby.run(3.0)
    assert standby.all(effects.RunCheck)


def test_a_failing_check_where_the_group_is_not_active_closes_the_resource_only() -> None:
    recovery = Recovery("app", max_reactivations=1, max_failovers=1)
    monitor = Monitor(
        "lb", interval_s=1.0, retries=0, when=When.INACTIVE, watches="app", recovery=recovery
    )
    driver = Driver(config(monitors=(monitor,)), record=held_by("n2"))
    driver.run(1.0)
    driver.forget()
    driver.sick = {"lb"}
    driver.run(5.0)
    assert {e.resource for e in driver.all(effects.StopResource)} == {"app"}
    assert not driver.all(effects.StartResource)


def member(name: str, *nodes: str) -> Monitor:
    return Monitor(name, interval_s=2.0, timeout_s=1.0, retries=0, nodes=nodes)


MEMBERS = (member("genw1"), member("ipw1", "n1"), member("ipw2", "n2"))


def multi(action: FinalAction) -> Monitor:
    recovery = Recovery("", 0, 0, action)
    names = tuple(each.name for each in MEMBERS)
    return Monitor(
        "mtw1", "MultiTarget", interval_s=2.0, retries=0, members=names, recovery=recovery
    )


@pytest.mark.parametrize(
    ("sick", "fires"),
    [(set(), False), ({"genw1"}, False), ({"ipw1"}, False), ({"genw1", "ipw1"}, True)],
    ids=["none", "outside", "inside", "both"],
)
def test_the_multi_target_monitor_fires_when_all_that_run_here_fail(
    sick: set[str], fires: bool
) -> None:
    driver = watched(multi(FinalAction.NONE), *MEMBERS)
    driver.sick = set(sick)
    driver.run(20.0)
    assert (health(driver, "mtw1") == "Abnormal") is fires


def test_suspended_members_do_not_count() -> None:
    driver = watched(multi(FinalAction.NONE), *MEMBERS)
    driver.command(commands.SuspendMonitor("genw1"))
    driver.sick = {"ipw1"}
    driver.run(20.0)
    assert health(driver, "mtw1") == "Abnormal"


def test_a_node_that_is_cut_off_stops_and_shuts_down() -> None:
    driver = watched(multi(FinalAction.SHUT_DOWN), *MEMBERS)
    driver.sick = {"genw1", "ipw1"}
    driver.run(20.0)
    assert driver.last(effects.StopNode).how == "ShutDown"
    assert not driver.active


def test_the_last_healthy_node_is_not_stopped() -> None:
    recovery = Recovery("", 0, 0, FinalAction.SHUT_DOWN)
    driver = watched(Monitor("m", interval_s=2.0, retries=0, recovery=recovery))
    driver.hear()
    driver.run(1.0)
    driver.hear(leaving=True)
    driver.sick = {"m"}
    driver.run(20.0)
    assert driver.decided("Suppressed")
    assert driver.active


def test_a_node_beside_a_healthy_one_is_stopped() -> None:
    recovery = Recovery("", 0, 0, FinalAction.REBOOT)
    driver = watched(Monitor("m", interval_s=2.0, retries=0, recovery=recovery))
    driver.sick = {"m"}
    driver.hear_for(10.0)
    assert driver.last(effects.StopNode).how == "Reboot"


def test_lost_targets_take_eligibility_away_but_never_the_group() -> None:
    target = Monitor("pingnp1", interval_s=2.0, retries=0)
    holder = active(config(targets=(target,)))
    holder.sick = {"pingnp1"}
    holder.hear_for(30.0)
    assert holder.active
    standby = Driver(config(targets=(target,)), record=held_by("n2", released=True))
    standby.sick = {"pingnp1"}
    standby.machine.node.rights["g"].asked = False
    standby.hear_for(0.0)
    report = holder.last(effects.SendHeartbeat).body.groups[0]
    assert (report.standing, report.eligible) == (Standing.ACTIVE, False)
