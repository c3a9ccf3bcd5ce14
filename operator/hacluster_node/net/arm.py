"""The few calls to Azure Resource Manager a node makes itself, by its managed identity."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Mapping, NamedTuple, Optional

from hacluster_node.errors import Broken
from hacluster_node.net.http import Client, Response

if TYPE_CHECKING:
    from hacluster_node.net.blobs import Authority


class Answer(NamedTuple):
    """A success, or one of the two outcomes that are not errors: 404 and 412."""

    status: int
    body: Mapping[str, Any]
    etag: str


class ResourceManager:
    """ARM as one identity sees it. One thread at a time.

    Args:
        endpoint: the cloud's base address.
        identity: the token source.
        ca_file: the authorities to trust instead of the system's.
    """

    def __init__(self, endpoint: str, identity: Authority, ca_file: Optional[str] = None) -> None:
        self._client = Client(endpoint, ca_file)
        self._identity = identity

    def request(
        self,
        method: str,
        path: str,
        timeout_s: float,
        body: Optional[Mapping[str, Any]] = None,
        condition: Mapping[str, str] = {},
    ) -> Answer:
        """Return the answer of a success, of 404 or of 412.

        Args:
            method: the HTTP verb.
            path: with its api-version.
            timeout_s: for everything together.
            body: sent as JSON.
            condition: `If-Match` or `If-None-Match`.

        Raises:
            Broken: HAN-A01 if Azure refuses, HAN-A02 for everything else.
        """
        try:
            token = self._identity.token(timeout_s)
            headers = {"Authorization": "Bearer " + token, **condition}
            content = b""
            if body is not None:
                headers["Content-Type"] = "application/json"
                content = json.dumps(body).encode()
            answer = self._client.request(method, path, headers, content, timeout_s)
        except OSError as error:
            raise Broken("HAN-A02", f"{method}: {error}") from error
        if answer.status in (401, 403):
            self._identity.doubt(token)
            raise Broken("HAN-A01", f"{method} {path.partition('?')[0]}: {_why(answer)}")
        if answer.status >= 300 and answer.status not in (404, 412):
            raise Broken("HAN-A02", f"{method} {path.partition('?')[0]}: {_why(answer)}")
        return _answer(answer)


def _answer(response: Response) -> Answer:
    try:
        body = json.loads(response.body) if response.body else {}
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    etag = str(body.get("etag") or response.headers.get("etag", ""))
    return Answer(response.status, body, etag)


def _why(response: Response) -> str:
    error = _answer(response).body.get("error")
    code = error.get("code", "") if isinstance(error, dict) else ""
    return f"{response.status} {str(code)[:64]}".rstrip()
