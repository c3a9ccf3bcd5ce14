"""The witness as a Kubernetes Lease: resourceVersion is the version.

The record itself is an annotation, so that both back ends hold the same bytes and the
same rules; `holderIdentity` repeats the holder for people who use kubectl. The Lease's own
times are not used: they would make a server's clock part of the protocol.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional, Union
from urllib.parse import quote

from hacluster_node.net.http import Client, Response
from hacluster_node.witness.register import Conflict, Found, Missing, Read, Unknown, Write, Written

ANNOTATION = "hacluster.dev/record"


@dataclass(frozen=True)
class LeaseAddress:
    """Where the Lease lives and what opens the door.

    Attributes:
        server: the API server's base address.
        namespace: the Lease's namespace.
        name: the Lease's name.
        token: tells the bearer token; asked before each request, so that it may be rotated.
        ca_file: the API server's authority.
        ca: the same as text.
    """

    server: str
    namespace: str
    name: str
    token: Callable[[], str]
    ca_file: Optional[str] = None
    ca: str = ""


class LeaseRegister:
    """The record in a Lease's annotation; see `Register`.

    A Lease without the annotation holds no record yet: whoever may not make Leases is given an
    empty one. The first record then replaces that very version of it.
    """

    def __init__(self, address: LeaseAddress) -> None:
        self._address = address
        self._client = Client(address.server, address.ca_file, address.ca)
        self._empty: Optional[str] = None
        leases = f"/apis/coordination.k8s.io/v1/namespaces/{quote(address.namespace)}/leases"
        self._collection = leases
        self._path = f"{leases}/{quote(address.name)}"

    def read(self, timeout: float) -> Read:
        """Return the record as the API server has it now."""
        try:
            answer = self._request("GET", self._path, None, timeout)
        except OSError as error:
            return Unknown(str(error))
        self._empty = None
        if answer.status == 404:
            return Missing()
        found = _found(answer) if answer.status == 200 else _refused(answer)
        if isinstance(found, Found) and not found.content:
            self._empty = found.version
            return Missing()
        return found

    def write(self, content: bytes, version: Optional[str], timeout: float) -> Write:
        """Replace the record if it is still at `version`; None means it must not exist."""
        version = self._empty if version is None else version
        body = self._lease(content, version)
        try:
            if version is None:
                answer = self._request("POST", self._collection, body, timeout)
            else:
                answer = self._request("PATCH", self._path, body, timeout)
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
        if version is not None:  # A patch of this very version: the Lease's owner stays.
            metadata["resourceVersion"] = version
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {"holderIdentity": holder or None},
        }

    def _request(
        self, method: str, path: str, body: Optional[Mapping[str, Any]], timeout: float
    ) -> Response:
        headers = {"Authorization": "Bearer " + self._address.token(), "Accept": "application/json"}
        content = b""
        if body is not None:
            kind = "merge-patch+json" if method == "PATCH" else "json"
            headers["Content-Type"] = f"application/{kind}"
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
