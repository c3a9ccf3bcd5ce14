"""The witness as a Kubernetes Lease: resourceVersion is the version.

The record itself is an annotation, so that both back ends hold the same bytes and the
same rules; `holderIdentity` repeats the holder for people who use kubectl. The Lease's own
times are not used: they would make a server's clock part of the protocol.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Mapping, Optional, Union
from urllib.parse import quote

from hacluster_node.net.http import Client, Response
from hacluster_node.witness.register import Conflict, Found, Missing, Read, Unknown, Write, Written

if TYPE_CHECKING:
    from pathlib import Path

ANNOTATION = "hacluster.dev/record"


@dataclass(frozen=True)
class LeaseAddress:
    """Where the Lease lives and what opens the door.

    Attributes:
        server: the API server's base address.
        namespace: the Lease's namespace.
        name: the Lease's name.
        token_file: a bearer token; read before each request, so that it may be rotated.
        ca_file: the API server's authority.
    """

    server: str
    namespace: str
    name: str
    token_file: Path
    ca_file: Optional[str] = None


class LeaseRegister:
    """The record in a Lease's annotation; see `Register`."""

    def __init__(self, address: LeaseAddress) -> None:
        self._address = address
        self._client = Client(address.server, address.ca_file)
        leases = f"/apis/coordination.k8s.io/v1/namespaces/{quote(address.namespace)}/leases"
        self._collection = leases
        self._path = f"{leases}/{quote(address.name)}"

    def read(self, timeout: float) -> Read:
        """Return the record as the API server has it now."""
        try:
            answer = self._request("GET", self._path, None, timeout)
        except OSError as error:
            return Unknown(str(error))
        if answer.status == 404:
            return Missing()
        return _found(answer) if answer.status == 200 else _refused(answer)

    def write(self, content: bytes, version: Optional[str], timeout: float) -> Write:
        """Replace the record if it is still at `version`; None means it must not exist."""
        body = self._lease(content, version)
        try:
            if version is None:
                answer = self._request("POST", self._collection, body, timeout)
            else:
                answer = self._request("PUT", self._path, body, timeout)
        except OSError as error:
            return Unknown(str(error))
        if answer.status in (200, 201):
            found = _found(answer)
            return Written(found.version) if isinstance(found, Found) else found
        if answer.status in (404, 409):
            return Conflict()
        return _refused(answer)

    def _lease(self, content: bytes, version: Optional[str]) -> Mapping[str, Any]:
        text = content.decode()
        holder = _holder(text)
        metadata: dict[str, Any] = {
            "name": self._address.name,
            "namespace": self._address.namespace,
            "annotations": {ANNOTATION: text},
        }
        if version is not None:
            metadata["resourceVersion"] = version
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {"holderIdentity": holder} if holder else {},
        }

    def _request(
        self, method: str, path: str, body: Optional[Mapping[str, Any]], timeout: float
    ) -> Response:
        token = self._address.token_file.read_text(encoding="utf-8").strip()
        headers = {"Authorization": "Bearer " + token, "Accept": "application/json"}
        content = b""
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        return self._client.request(method, path, headers, content, timeout)


def _holder(text: str) -> str:
    try:
        record = json.loads(text)
    except ValueError:
        return ""
    holder = record.get("holder") if isinstance(record, dict) else None
    return holder if isinstance(holder, str) else ""


def _found(answer: Response) -> Union[Found, Unknown]:
    try:
        metadata = json.loads(answer.body)["metadata"]
        record = (metadata.get("annotations") or {}).get(ANNOTATION, "")
        return Found(record.encode(), str(metadata["resourceVersion"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Unknown("the API server's answer is not a Lease")


def _refused(answer: Response) -> Unknown:
    denied = answer.status in (401, 403)
    return Unknown(f"the API server answered {answer.status}", "HAN-W02" if denied else "HAN-W01")
