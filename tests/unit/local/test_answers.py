"""What follows from a client's log."""

import pytest

from hacluster_local.demo import answers

LOG = (
    "10.0 10.1 200 web-1\n"
    "10.2 10.3 200 web-1\n"
    "10.4 11.4 000 \n"
    "11.5 12.5 000 \n"
    "12.6 12.7 200 web-2\n"
    "12.8 12.9 200 web-2\n"
)


def read(text: str) -> tuple[answers.Answer, ...]:
    return answers.read(text.splitlines(keepends=True))


def test_a_try_without_an_answer_is_no_answer_of_anybody() -> None:
    assert [(each.code, each.node) for each in read(LOG)[1:3]] == [("200", "web-1"), ("000", "")]


def test_a_line_that_is_still_being_written_is_left_out() -> None:
    assert len(read(LOG + "13.0 13.1 20")) == len(read(LOG))


def test_a_gap_counts_from_the_last_good_answer_before_the_failure() -> None:
    assert answers.gap_s(read(LOG), since=10.35) == pytest.approx(2.4)


def test_a_gap_before_the_moment_does_not_count() -> None:
    assert answers.gap_s(read(LOG), since=12.75) == pytest.approx(0.2)


def test_a_node_that_takes_over_answers_alone() -> None:
    assert answers.turns(read(LOG)) == ("web-1", "web-2")
    assert not answers.two_at_once(read(LOG))


def test_nodes_that_answer_in_turn_answer_at_once() -> None:
    assert answers.two_at_once(read(LOG + "13.0 13.1 200 web-1\n13.2 13.3 200 web-2\n"))


def test_a_service_that_comes_back_after_a_pause_was_never_twice() -> None:
    assert not answers.two_at_once(read(LOG + "23.0 23.1 200 web-1\n"))


def test_what_a_client_reads_late_was_said_before() -> None:
    late = LOG + "13.0 13.1 200 web-1 10.3\n13.2 13.3 200 web-2 13.25\n"
    assert not answers.two_at_once(read(late))


def test_several_clients_together_see_two_nodes_that_serve() -> None:
    other_client = "12.75 12.75 200 web-1 12.74\n"
    assert answers.two_at_once((*read(LOG + "13.0 13.1 200 web-2\n"), *read(other_client)))
