"""The inequalities that keep two nodes from serving at once."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.kube.manifests import table

import hacluster_node.timing as agent
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
        (
            {"fence_seconds": 14.5},
            ["S + J < D", "R + k * (T + b) <= V - S - J", "R + T <= P / M - S - J"],
        ),
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
        ({"poll_seconds": 15.0}, []),
        ({"poll_seconds": 15.1}, ["A <= D"]),
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


def near(profile: Profile, factors: Mapping[str, int]) -> Timings:
    """Return a profile's numbers, some of them some sixteenths of what they were."""
    numbers = PROFILES[profile]
    changed = {name: getattr(numbers, name) * factor / 16 for name, factor in factors.items()}
    return numbers.model_copy(update=changed)


REAL_NUMBERS = [name for name, field in Timings.model_fields.items() if field.annotation is float]
near_a_profile = st.builds(
    near,
    st.sampled_from(Profile),
    st.dictionaries(st.sampled_from(REAL_NUMBERS), st.integers(6, 40), max_size=3),
)


@given(near_a_profile)
def test_what_obeys_them_keeps_holder_and_contender_apart(timings: Timings) -> None:
    """A holder serves until V on the slowest clock, and one freeze longer; a contender serves
    after C and G on the fastest clock, and no sooner."""
    assume(broken(timings) == [])
    rho = timings.clock_rate_error
    last_service = timings.lease_seconds / (1 - rho) + FREEZE_S
    first_service = (timings.contend_seconds + timings.guard_seconds) / (1 + rho)
    assert first_service >= last_service - 1e-6
    assert timings.fence_at_seconds > timings.renew_seconds
    assert timings.watchdog_seconds < timings.lease_seconds


AGENTS_WORDS = {
    "lease_s": "lease_seconds",
    "renew_s": "renew_seconds",
    "request_s": "request_timeout_seconds",
    "retries": "retries",
    "backoff_s": "backoff_seconds",
    "fence_s": "fence_seconds",
    "slack_s": "slack_seconds",
    "wait_s": "contend_seconds",
    "watchdog_s": "watchdog_seconds",
    "poll_s": "poll_seconds",
    "promise_s": "lease_seconds",
    "rate_error": "clock_rate_error",
    "guard_s": "guard_seconds",
}


def as_agent(timings: Timings) -> agent.Timings:
    numbers = {word: getattr(timings, ours) for word, ours in AGENTS_WORDS.items()}
    return agent.Timings(freeze_s=FREEZE_S, **numbers)


@pytest.mark.parametrize("profile", Profile)
def test_the_agent_has_the_same_profiles(profile: Profile) -> None:
    assert as_agent(PROFILES[profile]) == agent.PROFILES[profile]
    rides = agent.rides_through(agent.PROFILES[profile])
    assert rides == PROFILES[profile].rides_through_freeze


@given(near_a_profile)
@settings(max_examples=400)
def test_the_agent_judges_alike(timings: Timings) -> None:
    assert (broken(timings) == []) == (agent.check_timings(as_agent(timings)) == [])


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
