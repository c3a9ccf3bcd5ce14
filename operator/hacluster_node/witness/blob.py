"""The witness as one blob: its ETag is the version, If-Match the compare-and-set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from hacluster_node.net.blobs import NOT_THERE, Container, unchanged
from hacluster_node.witness.register import Conflict, Found, Missing, Read, Unknown, Write, Written

if TYPE_CHECKING:
    from hacluster_node.net.http import Response


class BlobRegister:
    """The record `name` in a container; see `Register`.

    Args:
        container: used by this register alone.
        name: the blob's name, one per failover group.
    """

    def __init__(self, container: Container, name: str) -> None:
        self._container = container
        self._name = name

    def read(self, timeout: float) -> Read:
        """Return the record as the store has it now."""
        try:
            answer = self._container.get(self._name, timeout)
        except OSError as error:
            return Unknown(str(error))
        if answer.status == 200 and "etag" in answer.headers:
            return Found(answer.body, answer.headers["etag"])
        if answer.status == 404 and _code(answer) == "BlobNotFound":
            return Missing()
        return refused(answer)

    def write(self, content: bytes, version: Optional[str], timeout: float) -> Write:
        """Replace the record if it is still at `version`; None means it must not exist.

        409 `BlobAlreadyExists` and 412 `ConditionNotMet` say that it was not applied.
        """
        condition = NOT_THERE if version is None else unchanged(version)
        try:
            answer = self._container.put(self._name, content, timeout, condition)
        except OSError as error:
            return Unknown(str(error))
        if answer.status == 201 and "etag" in answer.headers:
            return Written(answer.headers["etag"])
        if answer.status in (409, 412) or (answer.status == 404 and version is not None):
            return Conflict()
        return refused(answer)


def refused(answer: Response) -> Unknown:
    """Return the outcome of an answer that says neither yes nor no."""
    why = f"the store answered {answer.status} {_code(answer)}".rstrip()
    return Unknown(why, "HAN-W02" if answer.status in (401, 403) else "HAN-W01")


def _code(answer: Response) -> str:
    return answer.headers.get("x-ms-error-code", "")[:64]
