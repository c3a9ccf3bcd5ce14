"""Groups: order, retries, failover, limits, policies, orders by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.agent_core.driver import GROUP, Driver, active, config, held_by

from hacluster_node.core import commands, effects, events
from hacluster_node.core.config import FinalAction, Group, Policy, Resource
from hacluster_node.core.group_run import in_order
from hacluster_node.core.heartbeat import Standing
from hacluster_node.core.record import Wanted

CHAIN = Group(
    "g",
    (Resource("web", depends_on=("app",)), Resource("app", depends_on=("disk",)), Resource("disk")),
)


def about_to_fail(**record: Any) -> Driver:
    """Return a driver that knows a healthy peer and will take a group whose app does not start."""
    driver = Driver(record=held_by("n2", 3, released=True, **record), witness_up=False)
    driver.run(1.2)
    driver.hear()
    driver.failing = {"app"}
    driver.witness_up = True
    driver.hear_for(4.0)
    return driver


def test_resources_start_in_dependency_order_and_stop_in_reverse() -> None:
    driver = Driver(config(CHAIN))
    driver.run(5.0)
    assert [s.resource for s in driver.all(effects.StartResource)] == ["disk", "app", "web"]
    driver.forget()
    driver.command(commands.StopGroup("g"))
    assert [s.resource for s in driver.all(effects.StopResource)] == ["web", "app", "disk"]


def test_a_cycle_is_an_error_that_names_it() -> None:
    cycle = Group("g", (Resource("a", depends_on=("b",)), Resource("b", depends_on=("a",))))
    with pytest.raises(ValueError, match="a, b wait for each other"):
        in_order(cycle)


def test_a_failed_start_is_tried_again_then_fails_over() -> None:
    driver = about_to_fail()
    driver.hear_for(1.0)
    attempts = [s for s in driver.all(effects.StartResource) if s.resource == "app"]
    assert len(attempts) == 2
    assert driver.record is not None
    assert (driver.record.released, driver.record.successor) == (True, "n2")
    assert (driver.record.failovers, driver.record.failed_on) == (1, ("n1",))


def test_a_group_that_failed_here_waits_for_the_other_node() -> None:
    driver = Driver(record=held_by("n1", 3, released=True, failed_on=("n1",), failovers=1))
    driver.run(1.2)
    driver.hear()
    driver.hear_for(20.0)
    assert not driver.active
    assert "it failed here; n2 is to take it" in driver.machine.why_not_active("g")


def test_a_group_does_not_bounce_for_ever() -> None:
    driver = about_to_fail(failed_on=("n2",), failovers=1)
    driver.hear_for(1.0)
    assert driver.record is not None
    assert driver.record.wanted is Wanted.GIVEN_UP
    assert "no failover is left" in driver.decided("Released")[-1].why
    driver.hear_for(60.0)
    assert not driver.active


def test_failures_are_forgotten_when_it_ran_well_for_a_while() -> None:
    group = replace(GROUP, settled_after_s=30.0)
    driver = active(config(group), record=held_by("n2", 3, released=True, failovers=1))
    driver.run(20.0)
    assert driver.record is not None
    assert driver.record.failovers == 1
    driver.run(15.0)
    assert driver.record.failovers == 0


def test_a_start_that_is_too_early_is_no_failure_and_is_tried_again() -> None:
    """Two new mirror halves meet when the other node's agent has come, whenever that is."""
    driver = Driver(config(CHAIN), witness_up=False)
    driver.early = {"disk"}
    driver.witness_up = True
    driver.run(300.0)
    assert driver.record is not None
    assert (driver.record.holder, driver.record.released, driver.record.failovers) == (
        "n1", False, 0,
    )  # fmt: skip
    assert driver.machine.why_not_active("g") == "disk cannot start yet (broken)"
    assert {start.resource for start in driver.all(effects.StartResource)} == {"disk"}
    assert len(driver.decided("Waiting")) == 1
    assert not driver.decided("Online")
    driver.early = set()
    driver.run(15.0)
    assert driver.decided("Online")
    assert driver.machine.why_not_active("g") == ""


def test_a_node_that_waits_hands_over_to_one_that_comes_back() -> None:
    """It may be the one with the newest data."""
    driver = Driver(witness_up=False)
    driver.early = {"app"}
    driver.witness_up = True
    driver.run(60.0)
    assert driver.record is not None
    assert not driver.record.released
    driver.hear_for(15.0)
    assert (driver.record.released, driver.record.successor) == (True, "n2")


def test_a_person_may_say_that_what_a_group_waits_for_is_off() -> None:
    driver = Driver(witness_up=False)
    driver.early = {"app"}
    driver.witness_up = True
    driver.run(60.0)
    assert not driver.command(commands.ForceActivate("g", "")).ok
    assert driver.command(commands.ForceActivate("g", "n2")).ok
    driver.early = set()
    driver.run(15.0)
    assert driver.decided("Online")
    assert not driver.command(commands.ForceActivate("g", "n2")).ok


def test_a_group_that_waits_can_be_stopped() -> None:
    driver = Driver(config(CHAIN), witness_up=False)
    driver.early = {"disk"}
    driver.witness_up = True
    driver.run(60.0)
    driver.command(commands.StopGroup("g"))
    driver.run(5.0)
    assert driver.record is not None
    assert (driver.record.released, driver.record.wanted) == (True, Wanted.STOPPED)


def test_a_resource_may_stay_failed_while_the_group_serves() -> None:
    parts = (Resource("disk"), Resource("app", final_action=FinalAction.NONE, max_failovers=0))
    driver = Driver(config(Group("g", parts)), witness_up=False)
    driver.failing = {"app"}
    driver.witness_up = True
    driver.run(5.0)
    assert driver.active
    assert driver.decided("Incomplete")


def test_a_failed_stop_is_fenced_and_then_the_node_reboots() -> None:
    driver = active()
    driver.hear()
    driver.unstoppable = {"app"}
    driver.command(commands.MoveGroup("g", "n2"))
    driver.run(3.0)
    assert driver.all(effects.Fence)
    assert driver.last(effects.StopNode).how == "Reboot"


def test_an_action_without_an_outcome_counts_as_failed() -> None:
    driver = active()
    driver.silent = {"app"}
    driver.command(commands.StopGroup("g"))
    driver.run(60.0)
    assert not driver.all(effects.Fence)
    driver.run(80.0)
    assert driver.decided("StopFailed")
    assert driver.all(effects.Fence)


def test_a_group_moves_to_where_it_is_told() -> None:
    driver = active(config(names=("n1", "n2", "n3")))
    driver.hear("n2")
    driver.hear("n3")
    assert driver.command(commands.MoveGroup("g", "n3")).ok
    assert driver.record is not None
    assert (driver.record.released, driver.record.successor) == (True, "n3")
    driver.hear_for(3.0, "n2", "n3")
    assert not driver.active


def test_a_move_to_a_node_that_is_not_heard_is_refused() -> None:
    driver = active()
    reply = driver.command(commands.MoveGroup("g", "n2"))
    assert not reply.ok
    assert "not heard" in reply.text
    assert driver.active


def test_an_order_is_handed_on_to_the_active_node_and_done_once() -> None:
    standby = Driver(record=held_by("n2"))
    standby.run(1.2)
    standby.hear(standing=Standing.ACTIVE, epoch=1)
    assert standby.command(commands.MoveGroup("g")).ok
    (ask,) = standby.last(effects.SendHeartbeat).body.asks
    holder = active()
    holder.hear()
    holder.hear(asks=(ask,))
    assert not holder.active
    holder.hear_for(20.0, eligible=False)
    assert holder.active
    holder.hear(asks=(ask,))
    assert holder.active


def test_a_stopped_group_stays_stopped_until_started_by_hand() -> None:
    driver = active()
    driver.command(commands.StopGroup("g"))
    driver.run(60.0)
    assert not driver.active
    assert driver.command(commands.StartGroup("g")).ok
    driver.run(3.0)
    assert driver.active


def test_a_resource_stopped_by_hand_stays_off_and_takes_its_dependents_along() -> None:
    driver = active()
    assert driver.command(commands.StopResource("g", "disk")).ok
    conditions = driver.machine.status()["groups"][0]["resources"]
    assert conditions == {"disk": "Off", "app": "Off"}
    driver.command(commands.StartResource("g", "disk"))
    assert driver.active


@pytest.mark.parametrize(
    "command",
    [
        commands.MoveGroup("x"),
        commands.StartResource("g", "x"),
        commands.SuspendMonitor("x"),
        commands.SimulateFailure("x"),
    ],
    ids=["group", "resource", "monitor", "simulated"],
)
def test_unknown_names_are_refused_with_the_known_ones(command: object) -> None:
    reply = active().command(command)
    assert not reply.ok
    assert "x" in reply.text


def test_a_preferred_node_that_is_well_again_gets_its_group_back() -> None:
    group = replace(GROUP, failback=Policy.AUTOMATIC, node_order=("n2", "n1"))
    driver = active(config(group))
    driver.hear_for(20.0)
    assert not driver.decided("Stopping")
    driver.hear_for(15.0)
    assert driver.decided("Stopping")[0].why == "n2 is preferred and well again"


def test_failback_is_manual_unless_configured() -> None:
    driver = active(config(replace(GROUP, node_order=("n2", "n1"))))
    driver.hear_for(120.0)
    assert driver.active


def test_two_groups_have_epochs_of_their_own() -> None:
    other = Group("h", (Resource("other"),))
    driver = Driver(config(GROUP, other))
    driver.run(20.0)
    epochs = {group["name"]: group["epoch"] for group in driver.machine.status()["groups"]}
    assert set(epochs) == {"g", "h"}


def test_stopping_the_service_releases_everything_and_says_goodbye() -> None:
    driver = active()
    driver.command(commands.StopService())
    driver.run(1.0)
    assert driver.last(effects.StopNode).how == "Service"
    assert driver.record is not None
    assert (driver.record.released, driver.record.wanted) == (True, Wanted.STARTED)
    assert driver.last(effects.SendHeartbeat).body.leaving
    assert driver.command(commands.StartService()).ok
    driver.run(5.0)
    assert driver.active


def test_a_group_that_is_configured_no_more_is_stopped_and_forgotten() -> None:
    driver = active()
    other = Group("h", (Resource("other"),))
    driver.tell(events.ConfigChanged, config(other))
    driver.run(1.0)
    assert driver.record is not None
    assert set(driver.machine.node.rights) == {"h"}


def test_a_resource_that_is_configured_no_more_is_stopped() -> None:
    driver = active()
    driver.tell(events.ConfigChanged, config(Group("g", (Resource("disk"),))))
    driver.run(1.0)
    assert [stop.resource for stop in driver.all(effects.StopResource)] == ["app"]
    assert driver.active
