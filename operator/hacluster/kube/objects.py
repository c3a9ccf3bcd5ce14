"""Cluster objects: read one, merge into its status, tell an event about it."""

import itertools
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from kubernetes_asyncio.client import ApiClient, ApiException, CoreV1Api, CustomObjectsApi

from hacluster.kube.connection import TIMEOUT_S
from hacluster.kube.translation import translated
from hacluster.model import kinds
from hacluster.reconcile.ports import EventType, Raw

COMPONENT: Final = "hacluster-operator"
LONGEST_MESSAGE: Final = 1024
"""The API server refuses an Event with more."""
_NOT_FOUND: Final = 404
_MERGE: Final = "application/merge-patch+json"


class Objects:
    """The HAClusterSpec objects of the API server; see `ports.Kubernetes`."""

    def __init__(self, client: ApiClient) -> None:
        self._custom = CustomObjectsApi(client)
        self._core = CoreV1Api(client)
        self._counter = itertools.count()

    async def get(self, namespace: str, name: str) -> Raw | None:
        """Return an object as it is now."""
        asked = f"Reading {kinds.CLUSTER_KIND} {namespace}/{name}"
        try:
            async with translated(asked):
                body = await self._custom.get_namespaced_custom_object(
                    kinds.GROUP,
                    kinds.VERSION,
                    namespace,
                    kinds.CLUSTER_PLURAL,
                    name,
                    _request_timeout=TIMEOUT_S,
                )
        except ApiException as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        return _raw(body)

    async def patch_status(self, of: Raw, patch: Mapping[str, Any]) -> Raw | None:
        """Merge a patch into the object's status, whatever its version is."""
        asked = f"Writing the status of {kinds.CLUSTER_KIND} {of.namespace}/{of.name}"
        try:
            async with translated(asked):
                body = await self._custom.patch_namespaced_custom_object_status(
                    kinds.GROUP,
                    kinds.VERSION,
                    of.namespace,
                    kinds.CLUSTER_PLURAL,
                    of.name,
                    {"metadata": {"uid": of.uid}, "status": dict(patch)},
                    _content_type=_MERGE,
                    _request_timeout=TIMEOUT_S,
                )
        except ApiException as error:
            if error.status in {_NOT_FOUND, 409}:  # 409: another object has the name now
                return None
            raise
        return _raw(body)

    async def event(self, of: Raw, kind: EventType, reason: str, message: str) -> None:
        """Tell what has changed; an event about what is gone is dropped."""
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        unique = f"{os.getpid():x}.{int(datetime.now(UTC).timestamp()):x}.{next(self._counter):x}"
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"namespace": of.namespace, "name": f"{of.name}.{unique}"},
            "involvedObject": {
                "apiVersion": kinds.API_VERSION,
                "kind": kinds.CLUSTER_KIND,
                "namespace": of.namespace,
                "name": of.name,
                "uid": of.uid,
            },
            "type": str(kind),
            "reason": reason,
            "message": message[:LONGEST_MESSAGE],
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            async with translated(f"Telling an event of {of.namespace}/{of.name}"):
                await self._core.create_namespaced_event(
                    of.namespace, body, _request_timeout=TIMEOUT_S
                )
        except ApiException as error:
            if error.status != _NOT_FOUND:
                raise


def _raw(body: dict[str, Any]) -> Raw:
    """Return an object without who wrote which of its fields: more than all else that is in it."""
    body["metadata"].pop("managedFields", None)
    return Raw(body=body)
