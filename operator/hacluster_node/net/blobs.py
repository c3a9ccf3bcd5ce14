"""Blobs of one container: read, conditional write, nothing more.

Everything the agent keeps in the cluster's store goes through here: the witness record,
its configuration, its status. Authorised by managed identity or by a shared access
signature; which one, the node's own file says.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import formatdate
from typing import Callable, Optional, Protocol
from urllib.parse import quote

from hacluster_node.net.http import Client, Response

_API_VERSION = "2021-12-02"


class Authority(Protocol):
    """What gives the right to use the container."""

    def token(self, timeout: float) -> str:
        """Return a bearer token."""

    def doubt(self, value: str) -> None:
        """Hear that a server refused that token."""


@dataclass(frozen=True)
class Condition:
    """A precondition on a blob's ETag, as its header."""

    header: str
    value: str


NOT_THERE = Condition("If-None-Match", "*")


def unchanged(etag: str) -> Condition:
    """Return the condition that the blob still has `etag`."""
    return Condition("If-Match", etag)


def changed(etag: str) -> Condition:
    """Return the condition that the blob no longer has `etag` (a read answers 304)."""
    return Condition("If-None-Match", etag)


class Container:
    """One container. Each instance has its own connection: one thread at a time.

    Args:
        url: `https://account.blob.core.windows.net/container`, without a query.
        identity: the token source, or None when `sas` is given.
        sas: tells, for each request, a shared access signature: a query string without its
            question mark; None when `identity` is given.
        ca_file: the authorities to trust instead of the system's.
    """

    def __init__(
        self,
        url: str,
        identity: Optional[Authority] = None,
        sas: Optional[Callable[[], str]] = None,
        ca_file: Optional[str] = None,
    ) -> None:
        if (identity is None) == (sas is None):
            raise ValueError("a container takes either an identity or a SAS")
        self._client = Client(url, ca_file)
        self._identity = identity
        self._sas: Callable[[], str] = sas or str

    def get(self, name: str, timeout: float, condition: Optional[Condition] = None) -> Response:
        """Return the answer to reading a blob (200, 304, 404 or a refusal)."""
        return self._request("GET", name, b"", timeout, condition)

    def put(
        self, name: str, content: bytes, timeout: float, condition: Optional[Condition] = None
    ) -> Response:
        """Return the answer to writing a blob (201, 409, 412 or a refusal)."""
        return self._request("PUT", name, content, timeout, condition)

    def _request(
        self, method: str, name: str, content: bytes, timeout: float, condition: Optional[Condition]
    ) -> Response:
        headers = {"x-ms-version": _API_VERSION, "x-ms-date": formatdate(usegmt=True)}
        if method == "PUT":
            headers["x-ms-blob-type"] = "BlockBlob"
            headers["Content-Type"] = "application/octet-stream"
        if condition is not None:
            headers[condition.header] = condition.value
        path = "/" + quote(name)
        if self._identity is None:
            path += "?" + self._sas()
            return self._client.request(method, path, headers, content, timeout)
        token = self._identity.token(timeout)
        headers["Authorization"] = "Bearer " + token
        response = self._client.request(method, path, headers, content, timeout)
        if response.status in (401, 403):
            self._identity.doubt(token)
        return response
