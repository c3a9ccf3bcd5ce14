import pytest

from hacluster.arm.translation import OperationInProgressError, Refusal, error_of, refusal
from hacluster.errors import (
    ArmDenied,
    ArmError,
    ArmExhausted,
    ArmRejected,
    ArmThrottled,
    ArmUnavailable,
)
from hacluster.model.reasons import Reason

ASKED = "PUT /subscriptions/s/resourceGroups/g"


def answered(status: int, code: str, message: str = "No.", **headers: str) -> ArmError:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_of(refusal(ASKED, status, names, {"error": {"code": code, "message": message}}))


@pytest.mark.parametrize(
    ("status", "code", "message", "kind", "reason"),
    [
        pytest.param(500, "InternalServerError", "", ArmUnavailable, Reason.AZURE_UNREACHABLE),
        pytest.param(503, "ServerTimeout", "", ArmUnavailable, Reason.AZURE_UNREACHABLE),
        pytest.param(429, "TooManyRequests", "", ArmThrottled, Reason.THROTTLED),
        pytest.param(401, "ExpiredAuthenticationToken", "", ArmDenied, Reason.UNAUTHENTICATED),
        pytest.param(403, "AuthorizationFailed", "", ArmDenied, Reason.DENIED),
        pytest.param(403, "RequestDisallowedByPolicy", "", ArmDenied, Reason.POLICY_DENIED),
        pytest.param(409, "ScopeLocked", "", ArmDenied, Reason.RESOURCE_LOCKED),
        pytest.param(409, "SkuNotAvailable", "", ArmExhausted, Reason.QUOTA_EXCEEDED),
        pytest.param(
            409,
            "OperationNotAllowed",
            "exceeding approved quota",
            ArmExhausted,
            Reason.QUOTA_EXCEEDED,
        ),
        pytest.param(
            409, "OperationNotAllowed", "not on a dead disk", ArmRejected, Reason.REJECTED
        ),
        pytest.param(400, "PublicIPCountLimitReached", "", ArmExhausted, Reason.QUOTA_EXCEEDED),
        pytest.param(400, "InvalidRequestFormat", "", ArmRejected, Reason.REJECTED),
        pytest.param(
            409, "AnotherOperationInProgress", "", OperationInProgressError, Reason.PROGRESSING
        ),
        pytest.param(
            429,
            "RetryableErrorDueToAnotherOperation",
            "",
            OperationInProgressError,
            Reason.PROGRESSING,
        ),
    ],
)
def test_an_answer_has_its_own_class_and_reason(
    status: int, code: str, message: str, kind: type[ArmError], reason: Reason
) -> None:
    error = answered(status, code, message)
    assert type(error) is kind
    assert error.reason is reason
    assert error.code == code


def test_a_denied_call_names_the_permission_that_azure_names() -> None:
    text = (
        "The client 'x' with object id 'x' does not have authorization to perform action "
        "'Microsoft.Network/loadBalancers/write' over scope '/subscriptions/s' or the scope is "
        "invalid."
    )
    assert "Microsoft.Network/loadBalancers/write" in str(
        answered(403, "AuthorizationFailed", text)
    )


def test_a_denied_call_names_the_permission_that_it_needs_where_azure_does_not() -> None:
    action = "Microsoft.Network/loadBalancers/write"
    assert action in str(error_of(refusal(ASKED, 403, {}, None, action)))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "17"}, 17.0),
        ({"retry_after_ms": "500", "retry_after": "17"}, 0.5),
        ({"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry_after": "soon"}, None),
        ({}, None),
    ],
)
def test_the_pause_is_as_long_as_azure_says(headers: dict[str, str], seconds: float | None) -> None:
    assert answered(429, "TooManyRequests", **headers).retry_after_s == seconds


def test_the_message_says_what_was_asked_and_what_came_back() -> None:
    error = answered(400, "InvalidSubnet", "The prefix overlaps.", x_ms_request_id="r-1")
    assert ASKED in str(error)
    assert "400 InvalidSubnet: The prefix overlaps." in str(error)
    assert error.request_id == "r-1"


def test_a_long_answer_is_cut_and_an_unknown_body_never_quoted() -> None:
    assert len(str(answered(400, "X", "y" * 10_000))) < 1000
    assert "hunter2" not in str(error_of(refusal(ASKED, 502, {}, "<html>hunter2</html>")))


def test_the_detail_that_tells_the_cause_is_in_the_message() -> None:
    body = {
        "error": {
            "code": "DeploymentFailed",
            "message": "Failed.",
            "details": [{"code": "Inner", "message": "The zone is full."}],
        }
    }
    assert "The zone is full." in str(error_of(refusal(ASKED, 409, {}, body)))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("InternalExecutionError", ArmUnavailable),
        ("InternalServerError", ArmUnavailable),
        ("OSProvisioningTimedOut", ArmUnavailable),
        ("Canceled", ArmUnavailable),
        ("AllocationFailed", ArmExhausted),
        ("InvalidParameter", ArmRejected),
    ],
)
def test_an_operation_that_failed_by_azures_own_doing_is_not_our_fault(
    code: str, kind: type[ArmError]
) -> None:
    error = error_of(Refusal(asked=ASKED, status=409, code=code, text="No.", is_accepted=True))
    assert type(error) is kind
    assert f"was accepted and has failed: {code}" in str(error)
