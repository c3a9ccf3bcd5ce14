"""The store's refusals, translated once into the operator's own errors.

Only the status and Azure's own code are told: an answer's text may quote what was sent.
"""

from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

from hacluster.errors import ArmDenied, ArmError, ArmRejected, ArmThrottled, ArmUnavailable
from hacluster.model.reasons import Reason

_NO_BLOB: Final = frozenset({"BlobNotFound", ""})
_BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


def is_no_blob(error: HttpResponseError) -> bool:
    """Say whether a 404 tells that the blob is not there, and not only its container."""
    return code_of(error) in _NO_BLOB


def code_of(error: HttpResponseError) -> str:
    """Return Azure's code of an error, such as ``ContainerNotFound``, or nothing."""
    found = getattr(error, "error_code", None)
    return str(getattr(found, "value", found) or "")


def refused(asked: str, url: str, error: HttpResponseError) -> ArmError:
    """Return the operator's error for an answer that is not a success."""
    status, code = error.status_code or 0, code_of(error)
    headers = getattr(error.response, "headers", None) or {}
    message = f"{asked} in {_place(url)} was answered {status} {code}".rstrip()
    more = {"code": code or f"HTTP{status}", "request_id": headers.get("x-ms-request-id", "")}
    if isinstance(error, ClientAuthenticationError) or status == HTTPStatus.UNAUTHORIZED:
        what = f"{asked} in {_place(url)}: the operator was not signed in ({code or status})"
        return ArmDenied(what, reason=Reason.UNAUTHENTICATED, **more)
    if status == HTTPStatus.FORBIDDEN:
        advice = "give the operator's identity the rights of deploy/azure-role.json there"
        return ArmDenied(f"{message}: {advice}", reason=Reason.STORE_DENIED, **more)
    if status in _BUSY:
        return ArmThrottled(message, reason=Reason.STORE_UNREACHABLE, **more)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in {0, HTTPStatus.NOT_FOUND}:
        return ArmUnavailable(message, reason=Reason.STORE_UNREACHABLE, **more)
    return ArmRejected(message, reason=Reason.STORE_UNREACHABLE, **more)


def no_answer(asked: str, url: str, error: BaseException) -> ArmError:
    """Return the operator's error for an answer that never came."""
    why = f"{asked} in {_place(url)} got no answer ({type(error).__name__})"
    return ArmUnavailable(why, code="NoAnswer", reason=Reason.STORE_UNREACHABLE)


def _place(url: str) -> str:
    """Return an address without its query, which may hold a signature."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}"
