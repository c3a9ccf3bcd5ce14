"""What a balancer makes of the answers to its probes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.azuresim.fabric.values import balance, network, probe

from azuresim.fabric.health import Verdict
from azuresim.fabric.verdicts import Tally, healthy
from azuresim.fabric.wanted import Backend, Balance

BAD = "Down_Probe_TcpProbeTimeout"


def after(answers: str, threshold: int) -> Tally:
    """Return the verdict after answers, `+` for a good one."""
    tally = Tally()
    for answer in answers:
        tally = tally.after("" if answer == "+" else BAD, threshold)
    return tally


@pytest.mark.parametrize(
    ("answers", "threshold", "verdict"),
    [
        ("", 1, Verdict("Down", BAD)),
        ("+", 1, Verdict("Up", "Up_Probe_Success")),
        ("+", 2, Verdict("Down", "Down_Probe_ApproachingHealthyThreshold")),
        ("++", 2, Verdict("Up", "Up_Probe_Success")),
        ("+-+", 2, Verdict("Down", "Down_Probe_ApproachingHealthyThreshold")),
        ("++-", 2, Verdict("Up", "Up_Probe_ApproachingUnhealthyThreshold")),
        ("++--", 2, Verdict("Down", BAD)),
        ("++-+-", 2, Verdict("Up", "Up_Probe_ApproachingUnhealthyThreshold")),
    ],
)
def test_equal_answers_in_a_row_change_the_verdict(
    answers: str, threshold: int, verdict: Verdict
) -> None:
    assert after(answers, threshold).verdict == verdict


@given(st.text("+-", max_size=30), st.integers(1, 5))
def test_the_last_answers_alone_decide_once_there_are_enough_of_them(
    answers: str, threshold: int
) -> None:
    assert after(answers + "+" * threshold, threshold).up
    assert not after(answers + "-" * threshold, threshold).up


def _healthy(rule: Balance, **up: bool) -> tuple[str, ...]:
    made = network(balances=(rule,))
    tallies = {
        ("probe", address.replace("_", ".")): Tally(up=is_up) for address, is_up in up.items()
    }
    return healthy({made.id: made}, tallies)[rule.id]


def test_who_gets_new_flows() -> None:
    both = (Backend(address="10.0.0.10"), Backend(address="10.0.0.11"))
    one_up = {"10_0_0_10": False, "10_0_0_11": True}
    assert _healthy(balance(backends=both, probe=probe()), **one_up) == ("10.0.0.11",)
    assert _healthy(balance(backends=both, probe=None)) == ("10.0.0.10", "10.0.0.11")
    assert _healthy(balance(backends=both, probe=probe())) == ()
    generous = probe(always_one=True)
    assert _healthy(balance(backends=both, probe=generous)) == ("10.0.0.10", "10.0.0.11")
    assert _healthy(balance(backends=both, probe=generous), **one_up) == ("10.0.0.11",)


def test_an_administrator_overrules_the_probe() -> None:
    forced = (Backend(address="10.0.0.10", admin="Up"), Backend(address="10.0.0.11", admin="Down"))
    rule = balance(backends=forced, probe=probe())
    assert _healthy(rule, **{"10_0_0_10": False, "10_0_0_11": True}) == ("10.0.0.10",)
