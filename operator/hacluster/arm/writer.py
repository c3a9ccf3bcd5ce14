"""One step, one request: what a plan asks for is sent, and nothing is waited for.

Every write of something seen carries its ETag, every creation the demand that nothing is there,
where the type knows it. So a write that comes too late, or from a second operator, is lost and not
harmful. What Azure starts is remembered only as a hint: where to ask why it failed.
"""

from collections import OrderedDict
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, assert_never

from hacluster.arm import address
from hacluster.arm.caller import Call, Caller, Reply
from hacluster.arm.reader import Reader
from hacluster.arm.secrets import filled
from hacluster.arm.translation import OperationInProgressError, Refusal, code_and_text, error_of
from hacluster.errors import ArmError, HAClusterError, InvariantBroken
from hacluster.model import ids
from hacluster.model.ids import ArmId
from hacluster.plan.steps import Act, Delete, Put, Refuse, Step
from hacluster.reconcile.ports import (
    Done,
    Failed,
    Lost,
    Operation,
    Outcome,
    Secrets,
    Started,
    Waiting,
)

MOST_OPERATIONS: Final = 4096
"""Hints kept; the oldest go first."""
_SUCCEEDED: Final = "Succeeded"
_ENDED: Final = frozenset({_SUCCEEDED, "Failed", "Canceled"})
_ACCEPTED: Final = (HTTPStatus.CREATED, HTTPStatus.ACCEPTED)


class Operations:
    """Where ARM tells how the last operation on a resource went. A missing hint is no harm."""

    def __init__(self) -> None:
        self._urls: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def started(self, resource: ArmId, asked: str, reply: Reply) -> bool:
        """Note an answer; say whether it announces an operation."""
        url = reply.headers.get("azure-asyncoperation") or ""
        self._urls.pop(ids.key(resource), None)
        if url:
            self._urls[ids.key(resource)] = (url, asked)
            while len(self._urls) > MOST_OPERATIONS:
                self._urls.popitem(last=False)
        return bool(url) or "location" in reply.headers

    async def progress(self, resource: ArmId, caller: Caller) -> Operation | None:
        """Return how the last operation on a resource is going, or None where it is not known."""
        known = self._urls.get(ids.key(resource))
        if known is None:
            return None
        url, asked = known
        reply = await caller.send(Call(method="GET", path=url))
        body = reply.body
        if reply.is_absent or not isinstance(body, Mapping) or "status" not in body:
            return None
        if body["status"] not in _ENDED:
            return Operation(is_running=True)
        if body["status"] == _SUCCEEDED:
            return Operation(is_running=False)
        code, text = code_and_text(body)
        error = error_of(
            Refusal(
                asked=asked,
                is_accepted=True,
                status=HTTPStatus.CONFLICT,
                code=code or str(body["status"]),
                text=text,
                request_id=reply.headers.get("x-ms-request-id", ""),
            )
        )
        return Operation(is_running=False, error=error)


class Writer:
    """Makes the requests of one namespace's clusters in one subscription."""

    def __init__(
        self,
        caller: Caller,
        reader: Reader,
        operations: Operations,
        secrets: Secrets,
        namespace: str,
    ) -> None:
        self._caller = caller
        self._reader = reader
        self._operations = operations
        self._secrets = secrets
        self._namespace = namespace

    async def apply(self, step: Step) -> Outcome:
        """Make the request of a step."""
        try:
            call = await self._call(step)
        except HAClusterError as error:
            return Failed(step=step, error=error)
        try:
            reply = await self._caller.send(call)
        except OperationInProgressError as busy:
            return Waiting(step=step, why=str(busy))
        except ArmError as error:
            return Failed(step=step, error=error)
        finally:
            self._reader.written(step.id)
        return self._outcome(step, call, reply)

    async def _call(self, step: Step) -> Call:
        kind = address.parse(step.id).kind
        match step:
            case Put():
                body = await filled(step.body, self._namespace, self._secrets)
                is_guarded = step.creates and kind.guards_creation
                guard = {"If-None-Match": "*"} if is_guarded else {}
                headers = {"If-Match": step.etag} if step.etag else guard
                return Call(
                    method="PUT", path=step.id, version=kind.version, body=body, headers=headers
                )
            case Delete():
                headers = {"If-Match": step.etag} if step.etag else {}
                return Call(method="DELETE", path=step.id, version=kind.version, headers=headers)
            case Act():
                return Call(method="POST", path=f"{step.id}/{step.verb}", version=kind.version)
            case Refuse():
                raise InvariantBroken(f"A refusal was to be sent to Azure: {step.id}")
            case _:
                assert_never(step)

    def _outcome(self, step: Step, call: Call, reply: Reply) -> Outcome:
        if reply.is_lost:
            return Lost(step=step)
        if reply.is_absent:
            return Done(step=step) if isinstance(step, Delete) else Lost(step=step)
        announced = self._operations.started(step.id, call.asked, reply)
        is_deleting = isinstance(step, Delete) and reply.status == HTTPStatus.ACCEPTED
        if announced or is_deleting or (reply.status in _ACCEPTED and _is_under_way(reply)):
            return Started(step=step)
        return Done(step=step)


def _is_under_way(reply: Reply) -> bool:
    properties = (reply.body or {}).get("properties") or {}
    return bool(properties.get("provisioningState", "Succeeded") != "Succeeded")
