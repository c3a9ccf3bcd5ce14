"""Operation objects: list those of a namespace, write into the status of one, make and delete."""

from collections.abc import Mapping
from typing import Any, Final

from kubernetes_asyncio.client import (
    ApiClient,
    ApiException,
    AuthenticationV1Api,
    CustomObjectsApi,
    V1SelfSubjectReview,
)

from hacluster.kube.connection import TIMEOUT_S
from hacluster.kube.objects import Objects
from hacluster.kube.translation import translated
from hacluster.model import kinds
from hacluster.reconcile.ports import EventType, KubernetesError, Raw

_GONE_OR_CHANGED: Final = frozenset({404, 409})
_IS_THERE: Final = 409
_MERGE: Final = "application/merge-patch+json"


class OperationObjects:
    """The HAClusterOperation objects of the API server; see `reconcile.operations.doors.Desk`."""

    def __init__(self, client: ApiClient, clusters: Objects) -> None:
        self._custom = CustomObjectsApi(client)
        self._authentication = AuthenticationV1Api(client)
        self._clusters = clusters
        self._own_name = ""

    async def operations(self, namespace: str) -> tuple[Raw, ...]:
        """Return all operations of a namespace."""
        async with translated(f"Listing the {kinds.OPERATION_KIND} objects of {namespace}"):
            found = await self._custom.list_namespaced_custom_object(
                kinds.GROUP,
                kinds.VERSION,
                namespace,
                kinds.OPERATION_PLURAL,
                _request_timeout=TIMEOUT_S,
            )
        kind = {"apiVersion": kinds.API_VERSION, "kind": kinds.OPERATION_KIND}
        return tuple(Raw(body={**kind, **item}) for item in found.get("items") or ())

    async def create(self, body: Mapping[str, Any]) -> None:
        """Make an operation; one of that name that is there already is left as it is."""
        body = await self._signed(body)
        metadata = body["metadata"]
        try:
            async with translated(f"Asking for {metadata['namespace']}/{metadata['name']}"):
                await self._custom.create_namespaced_custom_object(
                    kinds.GROUP,
                    kinds.VERSION,
                    metadata["namespace"],
                    kinds.OPERATION_PLURAL,
                    dict(body),
                    _request_timeout=TIMEOUT_S,
                )
        except ApiException as error:
            if error.status != _IS_THERE:
                raise

    async def _signed(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return an operation with who asks for it, where the API server tells who we are."""
        name = self._own_name = self._own_name or await self._whoami()
        if not name:
            return body
        metadata = body["metadata"]
        annotations = {**(metadata.get("annotations") or {}), kinds.REQUESTED_BY: name}
        return {**body, "metadata": {**metadata, "annotations": annotations}}

    async def _whoami(self) -> str:
        try:
            async with translated("Asking who the operator is"):
                found = await self._authentication.create_self_subject_review(
                    V1SelfSubjectReview(), _request_timeout=TIMEOUT_S
                )
        except (ApiException, KubernetesError):
            return ""  # An operation without the name is better than none.
        user = found.status.user_info if found.status else None
        return str((user.username if user else "") or "")

    async def cluster(self, namespace: str, name: str) -> Raw | None:
        """Return a cluster's object."""
        return await self._clusters.get(namespace, name)

    async def report(self, of: Raw, status: Mapping[str, Any]) -> Raw | None:
        """Merge into an operation's status, if nobody has written the object meanwhile."""
        metadata = {"uid": of.uid, "resourceVersion": of.metadata.get("resourceVersion")}
        asked = f"Writing the status of {kinds.OPERATION_KIND} {of.namespace}/{of.name}"
        try:
            async with translated(asked):
                body = await self._custom.patch_namespaced_custom_object_status(
                    kinds.GROUP,
                    kinds.VERSION,
                    of.namespace,
                    kinds.OPERATION_PLURAL,
                    of.name,
                    {"metadata": metadata, "status": dict(status)},
                    _content_type=_MERGE,
                    _request_timeout=TIMEOUT_S,
                )
        except ApiException as error:
            if error.status in _GONE_OR_CHANGED:
                return None
            raise
        return Raw(body=body)

    async def delete(self, of: Raw) -> None:
        """Delete an operation, if nobody has written the object meanwhile."""
        preconditions = {"uid": of.uid, "resourceVersion": of.metadata.get("resourceVersion")}
        try:
            async with translated(f"Deleting {kinds.OPERATION_KIND} {of.namespace}/{of.name}"):
                await self._custom.delete_namespaced_custom_object(
                    kinds.GROUP,
                    kinds.VERSION,
                    of.namespace,
                    kinds.OPERATION_PLURAL,
                    of.name,
                    body={
                        "apiVersion": "v1",
                        "kind": "DeleteOptions",
                        "preconditions": preconditions,
                    },
                    _request_timeout=TIMEOUT_S,
                )
        except ApiException as error:
            if error.status not in _GONE_OR_CHANGED:
                raise

    async def event(self, of: Raw, kind: EventType, reason: str, message: str) -> None:
        """Tell what has changed, as an Event of a cluster's object."""
        await self._clusters.event(of, kind, reason, message)
