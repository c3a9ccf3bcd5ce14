from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hacluster.model.assessment import BackendHealth
from hacluster.reconcile.health import ALIKE, EAGER, STEPS, TRIES, Watch, pause, soon

PERIOD = timedelta(seconds=60)
UP = (BackendHealth(address="10.0.0.4", is_up=True, why="Up"),)
DOWN = (BackendHealth(address="10.0.0.4", is_up=False, why="Down"),)
TAG = (1, 2)


@pytest.mark.parametrize(
    ("sharers", "minutes"), [(1, 1), (60, 1), (61, 5), (300, 5), (600, 10), (601, 20), (9999, 20)]
)
def test_the_more_clusters_share_what_azure_allows_the_further_apart(
    sharers: int, minutes: int
) -> None:
    assert pause(PERIOD, sharers) == timedelta(minutes=minutes)


@given(st.integers(10, 7200), st.integers(1, 100_000))
def test_at_rest_no_balancer_is_asked_more_than_once_a_period_nor_later_than_promised(
    seconds: int, sharers: int
) -> None:
    period = timedelta(seconds=seconds)
    assert period <= pause(period, sharers) <= max(period, STEPS[-1])


def calm() -> Watch:
    """Return a watch that was answered alike at the seconds 1, 2 and 3."""
    watch = Watch(is_calm=True)
    for at in range(1, ALIKE + 1):
        watch.answered(UP, float(at), TAG)
    return watch


def test_a_calm_cluster_among_many_is_asked_after_a_pause() -> None:
    watch = calm()
    assert not watch.is_due(ALIKE + 1199, PERIOD, 1000, TAG)
    assert watch.is_due(ALIKE + 1200, PERIOD, 1000, TAG)


@pytest.mark.parametrize("tag", [(1, 3), None])
def test_what_changed_in_azure_or_was_not_seen_ends_the_pause(tag: tuple[int, ...] | None) -> None:
    assert calm().is_due(ALIKE + 60, PERIOD, 1000, tag)


def test_another_answer_ends_the_pause() -> None:
    watch = calm()
    watch.answered(DOWN, 10, TAG)
    assert not watch.is_due(69, PERIOD, 1000, TAG)
    assert watch.is_due(70, PERIOD, 1000, TAG)


def test_what_is_not_in_order_is_asked_in_every_period() -> None:
    watch = calm()
    watch.is_calm = False
    assert watch.is_due(ALIKE + 60, PERIOD, 1000, TAG)


def test_while_azure_collects_the_last_answer_stands_but_not_for_ever() -> None:
    watch = calm()
    for _ in range(TRIES - 1):
        watch.is_silent(900, is_known=True)
        assert watch.answer == UP
        assert watch.is_awaited
    watch.is_silent(900, is_known=True)
    assert watch.answer is None
    assert not watch.is_awaited


def test_an_answer_that_may_not_stand_is_forgotten_at_once() -> None:
    watch = calm()
    watch.is_silent(900, is_known=False)
    assert watch.answer is None


def differing(watch: Watch) -> Watch:
    """Return a watch whose answer the agents contradict; the probes are 5 s apart."""
    watch.compared(differs=True, soon=timedelta(seconds=5))
    return watch


def test_what_may_not_have_noticed_a_failover_is_asked_soon_and_not_for_ever() -> None:
    watch, now, asked = differing(calm()), 10.0, 0
    while watch.is_eager:
        assert not watch.is_due(now - 1, PERIOD, 1000, TAG) or asked == 0
        assert watch.is_due(now, PERIOD, 1000, TAG)
        watch.answered(UP, now, TAG)
        now, asked = now + 5, asked + 1
    assert asked == EAGER
    assert not watch.is_due(now, PERIOD, 1, TAG)


def test_only_evidence_that_agrees_for_long_has_it_asked_soon_again() -> None:
    watch = differing(calm())
    for at in range(EAGER):
        watch.answered(UP, 10.0 + 5 * at, TAG)
    watch.compared(differs=False, soon=timedelta(seconds=5))
    watch.answered(DOWN, 100, TAG)
    assert not differing(watch).is_eager
    watch.compared(differs=False, soon=timedelta(seconds=5))
    for at in range(1, ALIKE):
        watch.answered(DOWN, 100.0 + 60 * at, TAG)
    assert differing(watch).is_eager


def test_only_an_answer_asked_for_after_the_last_one_tells_something_new() -> None:
    watch = differing(calm())
    assert watch.newer(ALIKE + 5) == timedelta(seconds=3)
    assert watch.newer(ALIKE) == timedelta()
    assert watch.eager_wait(ALIKE + 3) == timedelta(seconds=2)


@pytest.mark.parametrize(("sharers", "seconds"), [(1, 5), (50, 5), (200, 20), (1000, 60)])
def test_many_clusters_that_fail_over_at_once_do_not_exceed_what_azure_allows(
    sharers: int, seconds: int
) -> None:
    assert soon(timedelta(seconds=5), PERIOD, sharers) == timedelta(seconds=seconds)


def test_a_balancer_that_never_answers_is_asked_every_fifth_period() -> None:
    watch = Watch()
    for _ in range(TRIES):
        watch.is_silent(100, is_known=True)
    assert not watch.is_due(399, PERIOD, 1, TAG)
    assert watch.is_due(400, PERIOD, 1, TAG)
