"""What Azure says when it refuses for reasons of its own: the words of faults that are refusals.

Codes and messages: Azure's documents on resolving common errors and on throttling; where a
number stands in a message it is an example.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from azuresim.errors import ArmError

GROUP_ACTIONS: Final = "Microsoft.Resources/subscriptions/resourceGroups"
"""How actions name resource groups."""

SERVER_ERRORS: Final[Mapping[int, tuple[str, str]]] = {
    500: ("InternalServerError", "Encountered internal server error."),
    502: ("BadGateway", "The gateway received an invalid response from the resource provider."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable. Please try again later."),
    504: ("GatewayTimeout", "The gateway did not receive a response within the time limit."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a refusal may mention.

    Attributes:
        verb: HTTP method of the request.
        kind: Full resource type, as Azure writes it.
        path: The path as written.
        status: HTTP status, where the fault leaves a choice.
        retry_after: Seconds to wait, where the refusal asks for that.
    """

    verb: str
    kind: str
    path: str
    status: int
    retry_after: int

    @property
    def wait(self) -> dict[str, str]:
        """The header that asks a client to wait."""
        return {"Retry-After": str(self.retry_after)}


def throttled(seen: Circumstances) -> ArmError:
    """429: a quota of requests is used up."""
    message = "Number of requests for the subscription exceeded the limit. Please try again."
    return ArmError(429, "SubscriptionRequestsThrottled", message, headers=seen.wait)


def locked(seen: Circumstances) -> ArmError:
    """429 that is no quota: another operation holds the resource."""
    message = (
        f"Operation {seen.verb} on {seen.path} was canceled and superseded by another operation."
    )
    code = "RetryableErrorDueToAnotherOperation"
    return ArmError(429, code, message, details=[], headers=seen.wait)


def broken(seen: Circumstances) -> ArmError:
    """5xx: the provider or the gateway failed."""
    code, message = SERVER_ERRORS.get(seen.status, SERVER_ERRORS[503])
    return ArmError(seen.status if seen.status in SERVER_ERRORS else 503, code, message)


def conflict(seen: Circumstances) -> ArmError:
    """409: another operation is under way."""
    message = (
        f"Another operation on this or dependent resource is in progress. Resource: {seen.path}"
    )
    return ArmError(409, "AnotherOperationInProgress", message, details=[])


def denied(seen: Circumstances) -> ArmError:
    """403: the caller has no role that allows it."""
    action = {"GET": "read", "HEAD": "read", "DELETE": "delete"}.get(seen.verb, "write")
    kind = GROUP_ACTIONS if seen.kind == "Microsoft.Resources/resourceGroups" else seen.kind
    message = (
        "The client does not have authorization to perform action "
        f"'{kind}/{action}' over scope '{seen.path}' or the scope is invalid. If access was "
        "recently granted, please refresh your credentials."
    )
    return ArmError(403, "AuthorizationFailed", message)


def disallowed(seen: Circumstances) -> ArmError:
    """403: a policy forbids it."""
    name = seen.path.rsplit("/", 1)[-1]
    message = (
        f"Resource '{name}' was disallowed by policy. Policy identifiers: "
        '\'[{"policyAssignment":{"name":"scripted"}}]\'.'
    )
    return ArmError(403, "RequestDisallowedByPolicy", message, target=name)


def over_quota(_: Circumstances) -> ArmError:
    """409: the subscription may have no more."""
    message = (
        "Operation could not be completed as it results in exceeding approved standardBSFamily "
        "Cores quota. Additional details - Current Limit: 10, Current Usage: 10, Additional "
        "Required: 2, (Minimum) New Limit Required: 12."
    )
    return ArmError(409, "QuotaExceeded", message)


def no_capacity(_: Circumstances) -> ArmError:
    """409: the region or zone has none of that size."""
    message = (
        "The requested VM size is currently not available in this location. Please try another "
        "size or deploy to a different location or different zone."
    )
    return ArmError(409, "SkuNotAvailable", message)


REFUSALS: Final[Mapping[str, Callable[[Circumstances], ArmError]]] = {
    "throttle": throttled,
    "lock": locked,
    "error": broken,
    "conflict": conflict,
    "deny": denied,
    "policy": disallowed,
    "quota": over_quota,
    "sku": no_capacity,
}
"""By the fault's name."""
