"""One subscription as one identity: every request to ARM goes out here and nowhere else.

The SDK's client carries it: its pipeline signs in, answers claims challenges, registers resource
providers and follows redirects. Bodies are plain mappings both ways. A call passes the shared gate,
has a time limit, and is tried once: the loop itself is the retry.
"""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Protocol

from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.mgmt.resource.resources.aio import ResourceManagementClient

from hacluster.arm.permissions import action_of
from hacluster.arm.throttle import Gate, GateClosedError, use_of
from hacluster.arm.translation import code_and_text, error_of, refusal
from hacluster.errors import ArmDenied, ArmError, ArmThrottled, ArmUnavailable
from hacluster.model.reasons import Reason

_NOT_ABSENT: Final = frozenset(
    {
        "SubscriptionNotFound",
        "InvalidSubscriptionId",
        "InvalidResourceType",
        "InvalidResourceNamespace",
        "NoRegisteredProviderFound",
    }
)
"""Codes of a 404 that say nothing about the resource."""
_AADSTS: Final = re.compile(r"AADSTS\d+[^\r\n]{0,300}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to ARM; ``path`` may also be a whole URL that ARM gave us."""

    method: str
    path: str
    version: str = ""
    params: tuple[tuple[str, str], ...] = ()
    body: Any = field(default=None, repr=False)
    """In wire form, secrets filled in: it is in no ``repr``."""
    headers: Mapping[str, str] | None = None

    @property
    def asked(self) -> str:
        """The request in words, without its query: an operation's URL carries a signature there."""
        return f"{self.method} {self.path.partition('?')[0]}"

    @property
    def provider(self) -> str:
        """The resource provider that answers, in lower case; empty for ARM itself."""
        _, _, rest = self.path.rpartition("/providers/")
        return rest.partition("/")[0].lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A success, or one of the two refusals that are values: 404 and 412."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        """The parsed body, or None where there is none."""
        return json.loads(self.content) if self.content else None

    @property
    def is_absent(self) -> bool:
        """Whether the resource, or its group, is not there."""
        return self.status == HTTPStatus.NOT_FOUND

    @property
    def is_lost(self) -> bool:
        """Whether the resource is not what it was when it was seen."""
        return self.status == HTTPStatus.PRECONDITION_FAILED


class Undecoded(SansIOHTTPPolicy[Any, Any]):
    """Keeps the SDK from decoding answers: that is done here, and for most lists not even once.

    Its decoder passes over what was asked for as a stream; the body is loaded by then.
    """

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Have the body loaded, also where a request is sent again."""
        request.context.options["stream"] = False

    def on_response(
        self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]
    ) -> None:
        """Say that there is nothing to decode."""
        response.context.options["stream"] = True


class Meter(Protocol):
    """Counts calls for the metrics."""

    def __call__(self, call: Call, status: int, seconds: float) -> None:
        """Count one answer; ``status`` is 0 where none came."""


class Caller:
    """Sends calls to one subscription."""

    def __init__(self, client: ResourceManagementClient, gate: Gate, meter: Meter) -> None:
        self._client = client
        self._meter = meter
        self.gate = gate

    async def send(self, call: Call) -> Reply:
        """Send a call and return its answer.

        Raises:
            ArmError: anything but a success, 404 or 412.
        """
        use = use_of(call.method)
        try:
            await self.gate.enter(use, call.provider)
        except GateClosedError as closed:
            raise ArmThrottled(
                f"{call.asked} was not sent: Azure has asked for a pause",
                code="GateClosed",
                retry_after_s=closed.seconds,
            ) from None
        response = await self._exchange(call)
        headers = {name.lower(): value for name, value in response.headers.items()}
        self.gate.answered(use, headers)
        reply = Reply(status=response.status_code, headers=headers, content=response.content)
        if reply.status < HTTPStatus.BAD_REQUEST or _is_value(reply):
            return reply
        raise self._refused(call, reply)

    def _refused(self, call: Call, reply: Reply) -> ArmError:
        action = action_of(call.method, call.path.partition("?")[0])
        refused = refusal(call.asked, reply.status, reply.headers, _parsed(reply.content), action)
        error = error_of(refused)
        if isinstance(error, ArmThrottled):
            pause = self.gate.throttled(
                use_of(call.method), call.provider, refused.code, refused.retry_after_s
            )
            error.retry_after_s = pause
        return error

    async def _exchange(self, call: Call) -> AsyncHttpResponse:
        request = HttpRequest(
            call.method,
            call.path,
            params=dict(call.params) | ({"api-version": call.version} if call.version else {}),
            headers=dict(call.headers or {}),
            json=call.body,
        )
        started = time.perf_counter()
        status = 0
        try:
            response: AsyncHttpResponse = await self._client.send_request(request)
            status = response.status_code
        except ClientAuthenticationError as error:
            raise _sign_in_failed(call, error) from error
        except (AzureError, OSError, TimeoutError) as error:
            raise ArmUnavailable(
                f"{call.asked} got no answer ({type(error).__name__}): whether it was done is "
                "unknown, so Azure is looked at again",
                code="NoAnswer",
            ) from error
        finally:
            self._meter(call, status, time.perf_counter() - started)
        return response


def _is_value(reply: Reply) -> bool:
    if reply.is_lost:
        return True
    return reply.is_absent and code_and_text(_parsed(reply.content))[0] not in _NOT_ABSENT


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None


def _sign_in_failed(call: Call, error: ClientAuthenticationError) -> ArmError:
    if error.status_code is not None and error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ArmUnavailable(
            f"{call.asked} was not sent: Microsoft Entra ID answered {error.status_code}",
            code="SignIn",
        )
    found = _AADSTS.search(str(error.message))
    said = found[0] if found else type(error).__name__
    return ArmDenied(
        f"{call.asked} was not sent: Microsoft Entra ID did not sign the operator in: {said}",
        code="SignIn",
        reason=Reason.UNAUTHENTICATED,
    )
