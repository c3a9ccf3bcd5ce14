"""The inequalities, each broken once, and what a configuration must fulfil."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.agent_core.driver import config

from hacluster_node.core.check import check
from hacluster_node.core.config import (
    AgentConfig,
    Group,
    HeartbeatTimes,
    Mode,
    Monitor,
    Recovery,
    Resource,
    When,
)
from hacluster_node.timing import BALANCED, PROFILES, RIDE_THROUGH, check_timings, rides_through


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_keeps_every_inequality(name: str) -> None:
    assert check_timings(PROFILES[name]) == []


@pytest.mark.parametrize(
    ("changes", "inequality"),
    [
        ({"retries": 2}, "rule 8: k >= 3"),
        ({"fence_s": 9.0}, "rule 8: R + k (T + backoff) <= D - S - J"),
        ({"watchdog_s": 4.0}, "rule 4: R + T < W"),
        ({"watchdog_s": 12.6}, "rule 4: W <= D - T - J"),
        ({"wait_s": 15.0}, "rule 5: C >= D (1 + rho) / (1 - rho)"),
        ({"rate_error": 0.05}, "rule 5: C >= D (1 + rho) / (1 - rho)"),
        ({"guard_s": 30.0}, "rule 6: G >= F (1 + rho)"),
        ({"freeze_s": 40.0}, "rule 6: G >= F (1 + rho)"),
        ({"promise_s": 8.0}, "failsafe: R + T <= P / M - S - J"),
        ({"poll_s": 16.0}, "A <= D"),
        ({"renew_s": 0.0}, "renew_s > 0"),
        ({"rate_error": 0.5}, "0 <= rho < 0.1"),
    ],
)
def test_a_broken_inequality_is_named_with_what_to_write_instead(
    changes: dict[str, Any], inequality: str
) -> None:
    found = check_timings(replace(BALANCED, **changes))
    assert inequality in [violation.inequality for violation in found]
    assert all("write" in v.instead or "poll" in v.instead for v in found)


def test_only_ride_through_rides_through() -> None:
    assert [name for name, timings in PROFILES.items() if rides_through(timings)] == ["RideThrough"]
    assert not rides_through(replace(RIDE_THROUGH, freeze_s=45.0))


@given(
    lease=st.floats(1, 120),
    fence=st.floats(0.1, 20),
    request=st.floats(0.1, 10),
    renew=st.floats(0.1, 20),
    rho=st.floats(0, 0.09),
)
def test_what_passes_leaves_room_before_any_contender_may_write(
    lease: float, fence: float, request: float, renew: float, rho: float
) -> None:
    timings = replace(
        BALANCED, lease_s=lease, fence_s=fence, request_s=request, renew_s=renew, rate_error=rho
    )
    if check_timings(timings, failsafe=False):
        return
    slowest_end = timings.lease_s / (1 - rho)
    soonest_write = timings.wait_s / (1 + rho)
    assert soonest_write >= slowest_end - 1e-6
    assert timings.fence_after_s >= renew + 3 * request - 1e-6
    assert timings.watchdog_s + request + timings.slack_s <= lease + 1e-6


GROUPS = (Group("g", (Resource("a", depends_on=("b",)), Resource("b", depends_on=("a",)))),)


@pytest.mark.parametrize(
    ("settings", "finding"),
    [
        (config(Group("g", (Resource("a", depends_on=("x",)),))), "dependency in group g exists"),
        (config(*GROUPS), "no resource waits for itself"),
        (config(Group("g", node_order=("n9",))), "node of group g exists"),
        (config(Group("g"), Group("g")), "group names differ"),
        (config(node="n9"), "this node exists"),
        (config(names=("n1",)), "two nodes or more"),
        (config(monitors=(Monitor("m", members=("x",)),)), "member of monitor m exists"),
        (config(monitors=(Monitor("m", when=When.ACTIVE, watches="x"),)), "what monitor m watches"),
        (config(monitors=(Monitor("m", recovery=Recovery("x")),)), "recovery target of monitor m"),
        (config(monitors=(Monitor("m", interval_s=0),)), "interval of monitor m is in range"),
        (config(heartbeat=HeartbeatTimes(5.0, 6.0)), "heartbeat timeout >= 2 x interval"),
        (config(timings=replace(BALANCED, wait_s=1.0)), "rule 5"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_configurations_are_refused_by_name(settings: AgentConfig, finding: str) -> None:
    assert any(violation.inequality.startswith(finding) for violation in check(settings))


def test_a_good_configuration_passes() -> None:
    assert check(config()) == []


@pytest.mark.parametrize(("timeout_s", "fine"), [(209.0, False), (210.0, True)])
def test_the_guides_timeout_is_A_plus_B_plus_C(timeout_s: float, fine: bool) -> None:  # noqa: N802
    members = (Monitor("genw1", interval_s=60.0, retries=1), Monitor("ipw1", interval_s=30.0))
    multi = Monitor("mtw1", interval_s=30.0, retries=1, members=("genw1", "ipw1"))
    settings = config(
        mode=Mode.GUIDE,
        monitors=(*members, multi),
        heartbeat=HeartbeatTimes(1.0, timeout_s),
    )
    assert (check(settings) == []) is fine
