"""Azure's refusals, translated once into the operator's own errors.

What ARM and its providers answer is told apart by status and code; the message that goes on says
what was asked, what came back and, where it is known, what to do. Texts of Azure are cut, and no
header or body of ours is ever quoted: nobody knows what an unknown answer holds.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

from hacluster.errors import (
    ArmDenied,
    ArmError,
    ArmExhausted,
    ArmRejected,
    ArmThrottled,
    ArmUnavailable,
)
from hacluster.model.reasons import Reason

LONGEST_QUOTE: Final = 600

_BUSY: Final = frozenset(
    {
        "AnotherOperationInProgress",
        "RetryableError",
        "RetryableErrorDueToAnotherOperation",
        "OperationPreempted",
        "Conflict",
        "ConcurrentUpdateError",
        "ReferencedResourceNotProvisioned",
        "ResourceGroupBeingDeleted",
        "StorageAccountOperationInProgress",
        "PrincipalNotFound",  # a new identity takes seconds to reach every replica of Entra ID
    }
)
"""Codes that mean: not now. Microsoft.Network, Compute, Storage and Authorization each have own."""

_EXHAUSTED: Final = frozenset(
    {
        "QuotaExceeded",
        "SkuNotAvailable",
        "AllocationFailed",
        "ZonalAllocationFailed",
        "OverconstrainedAllocationRequest",
        "OverconstrainedZonalAllocationRequest",
        "PublicIPCountLimitReached",
        "SubscriptionStorageAccountLimitReached",
        "MaxStorageAccountsCountPerSubscriptionExceeded",
        "RoleAssignmentLimitExceeded",
        "StandardSkuPublicIPCountLimitReached",
        "NetworkSecurityGroupCountLimitReached",
        "VnetCountLimitReached",
        "NetworkInterfaceCountExceeded",
    }
)
_POLICY: Final = frozenset({"RequestDisallowedByPolicy", "ResourceDisallowedByPolicy"})
_LOCKED: Final = frozenset({"ScopeLocked"})
_ACTION: Final = re.compile(r"perform action '([^']+)'")
_QUOTA_TEXT: Final = re.compile(r"quota", re.IGNORECASE)


_TRANSIENT: Final = re.compile(
    r"internal|timeout|timedout|unavailable|transient|retryable|preempted", re.IGNORECASE
)
"""Words in the code of an operation that failed by Azure's own doing: the same request may succeed.
Compute says ``InternalExecutionError``, Network ``InternalServerError``."""


class OperationInProgressError(ArmUnavailable):
    """Azure will take the request when another operation has ended."""

    reason = Reason.PROGRESSING


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer that is not a success."""

    asked: str
    """What was asked, for example ``PUT /subscriptions/...``."""
    status: int
    code: str
    text: str
    request_id: str = ""
    retry_after_s: float | None = None
    action: str = ""
    """The right that the request needs, if it is known."""
    is_accepted: bool = False
    """Whether the request was accepted, and the operation that it began has failed."""


def refusal(
    asked: str, status: int, headers: Mapping[str, str], body: Any, action: str = ""
) -> Refusal:
    """Read an answer of 4xx or 5xx; ``headers`` is keyed in lower case."""
    code, text = code_and_text(body)
    return Refusal(
        asked=asked,
        status=status,
        code=code or f"HTTP{status}",
        text=text,
        request_id=headers.get("x-ms-request-id") or headers.get("x-ms-correlation-request-id", ""),
        retry_after_s=seconds(headers),
        action=action,
    )


def code_and_text(body: Any) -> tuple[str, str]:
    """Return the code and message of ARM's error body, the innermost detail's text appended."""
    error = body.get("error", body) if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return "", ""
    details = error.get("details") or ()
    inner = [str(each.get("message", "")) for each in details if isinstance(each, Mapping)]
    text = " ".join([str(error.get("message", "")), *inner]).strip()
    return str(error.get("code", "")), text[:LONGEST_QUOTE]


def seconds(headers: Mapping[str, str]) -> float | None:
    """Return how long Azure wants to be left alone, or None where it does not say."""
    for name, unit in (
        ("retry-after-ms", 0.001),
        ("x-ms-retry-after-ms", 0.001),
        ("retry-after", 1),
    ):
        try:
            return float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
    return _until(headers.get("retry-after", ""))


def _until(date: str) -> float | None:
    """Return how many seconds it is to a date as HTTP writes it."""
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return None
    return max((then - datetime.now(then.tzinfo)).total_seconds(), 0.0)


def error_of(refused: Refusal) -> ArmError:
    """Return the operator's error for an answer."""
    kind, reason, advice = _judge(refused)
    said = refused.text or "no explanation"
    came = (
        "was accepted and has failed:" if refused.is_accepted else f"was answered {refused.status}"
    )
    message = f"{refused.asked} {came} {refused.code}: {said}{advice}"
    return kind(
        message,
        code=refused.code,
        request_id=refused.request_id,
        retry_after_s=refused.retry_after_s,
        reason=reason,
    )


def _judge(refused: Refusal) -> tuple[type[ArmError], Reason | None, str]:
    code, status = refused.code, refused.status
    if code in _BUSY:
        return OperationInProgressError, None, ""
    if code in _POLICY:
        return ArmDenied, Reason.POLICY_DENIED, ""
    if code in _LOCKED:
        return ArmDenied, Reason.RESOURCE_LOCKED, ""
    if _is_exhausted(refused):
        return ArmExhausted, None, ""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return ArmThrottled, None, ""
    if status == HTTPStatus.UNAUTHORIZED:
        return ArmDenied, Reason.UNAUTHENTICATED, ""
    if status == HTTPStatus.FORBIDDEN:
        return ArmDenied, None, _missing(refused)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return ArmUnavailable, None, ""
    if refused.is_accepted and (code == "Canceled" or _TRANSIENT.search(code)):
        return ArmUnavailable, None, ""
    return ArmRejected, None, ""


def _is_exhausted(refused: Refusal) -> bool:
    if refused.code in _EXHAUSTED or refused.code.endswith("CountLimitReached"):
        return True
    return refused.code == "OperationNotAllowed" and bool(_QUOTA_TEXT.search(refused.text))


def _missing(refused: Refusal) -> str:
    found = _ACTION.search(refused.text)
    missing = found[1] if found else refused.action
    return f" The missing permission is {missing}." if missing else ""
