"""The one way a request is refused: ARM's error shape.

Whoever finds a reason to say no raises `ArmError`; the wire turns it into the
reply. Codes and messages are Azure's own words wherever they are known.
"""

from collections.abc import Mapping, Sequence
from typing import Any

GATEWAY: Mapping[str, str] = {"x-ms-failure-cause": "gateway"}
"""Marks what ARM itself refused, before any resource provider saw the request."""


class ArmError(Exception):
    """A refusal, with all a client sees of it.

    Args:
        status: HTTP status, 400 to 599.
        code: Azure's error code, for programs.
        message: What is wrong, for people.
        target: The parameter or resource at fault, if Azure names it.
        details: Further errors in the same shape; None leaves the member out.
        headers: Sent with the reply.
        flat: The error is the whole body, as some providers have it, not a member of it.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        target: str | None = None,
        details: Sequence[Mapping[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        flat: bool = False,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.target = target
        self.details = details
        self.headers = dict(headers or {})
        self.flat = flat

    def error(self) -> dict[str, Any]:
        """Return the inner error object, as operations keep it."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.target is not None:
            error["target"] = self.target
        if self.details is not None:
            error["details"] = list(self.details)
        return error

    def body(self) -> dict[str, Any]:
        """Return the reply's body."""
        return self.error() if self.flat else {"error": self.error()}


def bad_request(code: str, message: str, **more: Any) -> ArmError:
    """Return a 400."""
    return ArmError(400, code, message, **more)


def group_not_found(group: str) -> ArmError:
    """Return ARM's 404 for a resource group (source: recording)."""
    message = f"Resource group '{group}' could not be found."
    return ArmError(404, "ResourceGroupNotFound", message, headers=GATEWAY)


def resource_not_found(kind: str, name: str, group: str) -> ArmError:
    """Return ARM's 404 for a tracked resource (source: recording)."""
    message = (
        f"The Resource '{kind}/{name}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix"
    )
    return ArmError(404, "ResourceNotFound", message, headers=GATEWAY)


def parent_not_found(kind: str, parent_id: str) -> ArmError:
    """Return ARM's 404 for a write below a missing parent (source: document)."""
    message = (
        f"Failed to perform 'write' on resource(s) of type '{kind}', because the parent "
        f"resource '{parent_id}' could not be found."
    )
    return ArmError(404, "ParentResourceNotFound", message, headers=GATEWAY)
