"""Habits that types of one resource provider share: etags, polling URLs, words of refusal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from azuresim.clock import timestamp
from azuresim.errors import ArmError, bad_request
from azuresim.state.records import Operation


@dataclass(frozen=True, kw_only=True)
class Family:
    """How one resource provider talks.

    Attributes:
        name: For the coverage table.
        etag: Pattern around the bare tag, for example `W/"{}"`; empty for a provider without.
        status_path: Pattern of the `Azure-AsyncOperation` path.
        result_path: Pattern of the `Location` path.
        query: What both carry beside the api-version.
        result_query: What `Location` carries on top.
        notify: Sends `Azure-AsyncNotification: Enabled`.
        retry_after: Seconds a client is asked to wait between polls, at most.
        timed: Status documents carry name, start and end.
        output: Status documents of a PUT carry the resource under `properties.output`.
        quota: Replies carry the remaining quota.
        tag_writes: Replies to writes carry the `ETag` header too, not only those to GET.
        mismatch: Words a 412 for a wrong etag: what was given, what is there, the id.
        busy: Words the refusal of a write during an operation: its status URL.
        absent_child: Words the 404 of a child that lives in its parent's body.
        exists: Words the refusal of If-None-Match by the id; None for the general words.
        accepted: Status documents of operations under way come with 202 and the headers.
    """

    name: str
    etag: str
    status_path: str
    result_path: str
    query: str = ""
    result_query: str = ""
    notify: bool = False
    retry_after: int = 10
    timed: bool = False
    output: bool = False
    quota: bool = True
    tag_writes: bool = False
    mismatch: Callable[[str, str, str], ArmError]
    busy: Callable[[str], ArmError]
    absent_child: Callable[[str], ArmError]
    exists: Callable[[str], ArmError] | None = None
    accepted: bool = False

    def tag(self, bare: str) -> str:
        """Return an etag as this provider writes it."""
        return self.etag.format(bare)

    def document(self, operation: Operation, now: float, output: Any = None) -> dict[str, Any]:
        """Return the status document of an operation."""
        status = operation.status(now)
        document: dict[str, Any] = {"status": status}
        if self.timed:
            document = {"startTime": timestamp(operation.started), **document}
            if operation.is_over(now) and operation.due is not None:
                document["endTime"] = timestamp(operation.due)
            document["name"] = operation.id
        if operation.error and status != "InProgress":
            document["error"] = operation.error
        elif output is not None and (self.output or operation.verb == "POST"):
            document["properties"] = {"output": output}
        return document


def bare(tag: str) -> str:
    """Return an etag without quotes and weakness, to compare."""
    return tag.strip().removeprefix("W/").strip('"')


def _network_mismatch(given: str, there: str, resource_id: str) -> ArmError:
    detail = {
        "code": "PreconditionFailedEtagMismatch",
        "message": f'Etag provided in if-match header W/"{bare(given)}" does not match etag '
        f"{there} of resource {resource_id} in NRP data store.",
    }
    return ArmError(412, "PreconditionFailed", "Precondition failed.", details=[detail])


def _compute_mismatch(given: str, there: str, resource_id: str) -> ArmError:
    del resource_id
    message = (
        f'Etag provided in if-match header "{bare(given)}" does not match etag {there} of resource.'
    )
    return ArmError(412, "PreconditionFailed", message)


def _plain_mismatch(given: str, there: str, resource_id: str) -> ArmError:
    del there, resource_id
    message = f"The condition '{bare(given)}' in the If-Match header was not satisfied."
    return ArmError(412, "PreconditionFailed", message)


def _in_progress(url: str) -> ArmError:
    message = (
        "Another operation on this or dependent resource is in progress. "
        f"To retrieve status of the operation use uri: {url}."
    )
    return ArmError(409, "AnotherOperationInProgress", message, details=[])


def _conflict(url: str) -> ArmError:
    del url
    message = "The request failed due to conflict with a concurrent request."
    return ArmError(409, "Conflict", message)


def _absent_child(resource_id: str) -> ArmError:
    return ArmError(404, "NotFound", f"Resource {resource_id} not found.", details=[])


def dependent_busy(target_id: str) -> ArmError:
    """Return the refusal of a write while something it rests on changes (source: assumed)."""
    message = (
        "Operation is retriable: another operation is in progress on dependent resource "
        f"{target_id}."
    )
    headers = {"Retry-After": "10"}
    return ArmError(
        429, "RetryableErrorDueToAnotherOperation", message, details=[], headers=headers
    )


def missing_reference(target_id: str, source_id: str) -> ArmError:
    """Return the refusal of a reference to nothing (source: document)."""
    message = (
        f"Resource {target_id} referenced by resource {source_id} was not found. Please make sure "
        "that the referenced resource exists, and that both resources are in the same region."
    )
    return bad_request("InvalidResourceReference", message, details=[])


_NETWORK_PATH: Final = "/subscriptions/{subscription}/providers/Microsoft.Network/locations/"
_COMPUTE_PATH: Final = "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/"

NETWORK: Final = Family(
    name="Network",
    etag='W/"{}"',
    status_path=_NETWORK_PATH + "{location}/operations/{id}",
    result_path=_NETWORK_PATH + "{location}/operationResults/{id}",
    notify=True,
    mismatch=_network_mismatch,
    busy=_in_progress,
    absent_child=_absent_child,
)
GROUPS: Final = Family(
    name="Resources",
    etag="",
    status_path="/subscriptions/{subscription}/operationresults/{id}",
    result_path="/subscriptions/{subscription}/operationresults/{id}",
    retry_after=15,
    mismatch=_plain_mismatch,
    busy=_conflict,
    absent_child=_absent_child,
)
DEPLOYMENTS: Final = replace(
    GROUPS,
    name="Deployments",
    status_path="/subscriptions/{subscription}/resourcegroups/{group}/providers/"
    "Microsoft.Resources/deployments/{name}/operationStatuses/{id}",
    result_path="/subscriptions/{subscription}/operationresults/{id}",
)
AUTHORIZATION: Final = Family(
    name="Authorization",
    etag="",
    status_path="/subscriptions/{subscription}/operationresults/{id}",
    result_path="/subscriptions/{subscription}/operationresults/{id}",
    mismatch=_plain_mismatch,
    busy=_conflict,
    absent_child=_absent_child,
)
COMPUTE: Final = Family(
    name="Compute",
    etag='"{}"',
    status_path=_COMPUTE_PATH + "{location}/operations/{id}",
    result_path=_COMPUTE_PATH + "{location}/operations/{id}",
    query="&p={id}",
    result_query="&monitor=true",
    notify=True,
    timed=True,
    tag_writes=True,
    mismatch=_compute_mismatch,
    busy=_conflict,
    absent_child=_absent_child,
)

SIGNATURE: Final[Mapping[str, str]] = {"t": "639000000000000000", "c": "c", "s": "s", "h": "h"}
"""Query parameters that make a polling URL look like Azure's; the token is what is checked."""
