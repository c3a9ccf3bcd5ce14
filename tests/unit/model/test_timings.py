"""The inequalities that keep two nodes from serving at once."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kube.manifests import table

from hacluster.errors import SpecInvalid
from hacluster.model.parse import parse
from hacluster.model.timings import (
    FREEZE_S,
    HEARTBEAT_TIMEOUT_S,
    INEQUALITIES,
    PROFILES,
    Profile,
    Timings,
)

BALANCED = PROFILES[Profile.BALANCED]


def broken(timings: Timings) -> list[str]:
    """Return the inequalities that do not hold, in their own letters."""
    return [
        rule.message.partition(" does not hold")[0]
        for rule in INEQUALITIES
        if rule.holds is not None and not rule.holds(timings)
    ]


@pytest.mark.parametrize("profile", Profile)
def test_each_profile_obeys_every_inequality(profile: Profile) -> None:
    assert broken(PROFILES[profile]) == []
    assert profile in HEARTBEAT_TIMEOUT_S


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"fence_seconds": 14.5}, ["S + J < D", "R + k * (T + b) <= V - S - J"]),
        ({"watchdog_seconds": 4.0}, ["R + T < W"]),
        ({"watchdog_seconds": 4.001}, []),
        ({"watchdog_seconds": 12.5}, []),
        ({"watchdog_seconds": 12.501}, ["W <= V - T - J"]),
        ({"contend_seconds": 15.3}, ["C >= D * M"]),
        ({"contend_seconds": 15.304}, []),
        ({"guard_seconds": 30.29}, ["G >= F * (1 + rho)"]),
        ({"guard_seconds": 30.3}, []),
        ({"clock_rate_error": 0.0, "contend_seconds": 15.0, "guard_seconds": 30.0}, []),
        ({"retries": 4}, ["R + k * (T + b) <= V - S - J"]),
        ({"backoff_seconds": 0.6}, ["R + k * (T + b) <= V - S - J"]),
        ({"lease_seconds": 16.0}, ["C >= D * M"]),
    ],
)
def test_a_broken_inequality_is_named(changes: Mapping[str, Any], names: list[str]) -> None:
    assert broken(BALANCED.model_copy(update=changes)) == names


@pytest.mark.parametrize(
    ("profile", "fence_at"),
    [
        (Profile.FASTEST, 2.7),
        (Profile.FAST, 5.2),
        (Profile.BALANCED, 9.5),
        (Profile.RIDE_THROUGH, 51.5),
    ],
)
def test_fencing_starts_in_time(profile: Profile, fence_at: float) -> None:
    assert PROFILES[profile].fence_at_seconds == pytest.approx(fence_at)


def test_only_one_profile_rides_through_a_freeze() -> None:
    riding = [profile for profile in Profile if PROFILES[profile].rides_through_freeze]
    assert riding == [Profile.RIDE_THROUGH]


positive = st.floats(min_value=0.01, max_value=100)


timings_of_any_kind = st.fixed_dictionaries(
    {
        "lease_seconds": positive,
        "renew_seconds": st.floats(min_value=0.01, max_value=5),
        "request_timeout_seconds": st.floats(min_value=0.01, max_value=5),
        "retries": st.integers(3, 6),
        "fence_seconds": st.floats(min_value=0.01, max_value=20),
        "watchdog_seconds": positive,
        "contend_seconds": positive,
        "poll_seconds": st.just(1.0),
        "guard_seconds": st.floats(min_value=29, max_value=40),
        "clock_rate_error": st.floats(min_value=0, max_value=0.1),
    }
).map(lambda numbers: Timings(**numbers))


@given(timings_of_any_kind)
def test_what_obeys_them_keeps_holder_and_contender_apart(timings: Timings) -> None:
    """The holder serves until V at the latest on the slowest clock, plus one freeze; a contender
    serves after C and G on the fastest one."""
    if broken(timings):
        return
    rho = timings.clock_rate_error
    last_service = timings.lease_seconds / (1 - rho) + FREEZE_S
    first_service = (timings.contend_seconds + timings.guard_seconds) / (1 + rho)
    assert first_service >= last_service - 1e-6
    assert timings.fence_at_seconds > timings.renew_seconds
    assert timings.watchdog_seconds < timings.lease_seconds


def test_explicit_timings_take_the_profiles_place() -> None:
    spec = parse(table.good()["everything"]).spec
    assert spec.cluster.partition.effective_timings is spec.cluster.partition.timings
    assert parse(table.good()["minimal"]).spec.cluster.partition.effective_timings is BALANCED


def test_the_guides_timeout_is_a_plus_b_plus_c() -> None:
    manifest = table.good()["azure-dns"]
    assert parse(manifest).spec.cluster.heartbeat_timeout_seconds == 60 + 60 + 30
    table.put(manifest["spec"], ["cluster", "monitors", "0", "intervalSeconds"], 60)
    assert parse(manifest).spec.cluster.heartbeat_timeout_seconds == 120 + 60 + 30
    table.put(manifest["spec"], ["cluster", "heartbeat"], {"timeoutSeconds": 210})
    assert parse(manifest).spec.cluster.heartbeat_timeout_seconds == 210
    table.put(manifest["spec"], ["cluster", "heartbeat"], {"timeoutSeconds": 209.9})
    with pytest.raises(SpecInvalid, match=r"at least A \+ B \+ C"):
        parse(manifest)


def test_targets_alone_have_no_b() -> None:
    spec = parse(table.good()["internal-load-balancer"]).spec
    assert spec.cluster.heartbeat_timeout_seconds == 30 + 30


def test_with_a_witness_the_profile_decides() -> None:
    manifest = table.good()["minimal"]
    assert parse(manifest).spec.cluster.heartbeat_timeout_seconds == 10
    table.put(manifest["spec"], ["cluster", "partition"], {"profile": "Fastest"})
    assert parse(manifest).spec.cluster.heartbeat_timeout_seconds == 2
    table.put(manifest["spec"], ["cluster", "heartbeat"], {"intervalSeconds": 3})
    assert parse(manifest).spec.cluster.heartbeat_timeout_seconds == 6
