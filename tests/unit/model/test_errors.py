"""Every error knows its reason and when to look again, and is drawn in the tree."""

import inspect

import pytest

from hacluster import errors
from hacluster.errors import ArmDenied, ArmError, Flaw, HAClusterError, Retry, SpecInvalid
from hacluster.model.reasons import Reason

CLASSES = [
    each
    for _, each in inspect.getmembers(errors, inspect.isclass)
    if issubclass(each, HAClusterError)
]
LEAVES = [each for each in CLASSES if not each.__subclasses__()]


@pytest.mark.parametrize("error", CLASSES)
def test_it_is_drawn_in_the_tree(error: type[HAClusterError]) -> None:
    assert error.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize("error", LEAVES)
def test_it_knows_what_follows(error: type[HAClusterError]) -> None:
    assert isinstance(error.reason, Reason)
    assert isinstance(error.retry, Retry)


def test_a_refusal_tells_every_flaw() -> None:
    refused = SpecInvalid("spec.nodes", "write two", [Flaw("spec.access", "write dns")])
    assert str(refused) == "spec.nodes: write two; spec.access: write dns"
    assert (refused.path, refused.why) == ("spec.nodes", "write two")


def test_azures_answer_keeps_what_support_asks_for() -> None:
    denied = ArmDenied("may not", code="AuthorizationFailed", request_id="r-1", retry_after_s=3)
    assert isinstance(denied, ArmError)
    assert (denied.code, denied.request_id, denied.retry_after_s) == (
        "AuthorizationFailed", "r-1", 3,
    )  # fmt: skip
    assert denied.reason is Reason.DENIED


def test_a_single_error_can_have_a_reason_of_its_own() -> None:
    assert ArmDenied("policy", reason=Reason.POLICY_DENIED).reason is Reason.POLICY_DENIED
    assert ArmDenied.reason is Reason.DENIED
