from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hacluster.model.assessment import BackendHealth
from hacluster.reconcile.health import ALIKE, STEPS, TRIES, Watch, pause

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


def test_a_balancer_that_never_answers_is_asked_every_fifth_period() -> None:
    watch = Watch()
    for _ in range(TRIES):
        watch.is_silent(100, is_known=True)
    assert not watch.is_due(399, PERIOD, 1, TAG)
    assert watch.is_due(400, PERIOD, 1, TAG)
