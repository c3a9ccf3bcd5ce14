"""Secrets and ConfigMaps: read one by one, when a pass needs them; never listed, kept or logged.

The only Secret that is written is the one that holds a cluster's master keys; it belongs to the
cluster's object and goes with it.
"""

import base64
from collections.abc import Mapping
from typing import Any, Final

from kubernetes_asyncio.client import ApiClient, ApiException, CoreV1Api

from hacluster.errors import ArmDenied
from hacluster.kube.connection import TIMEOUT_S
from hacluster.kube.translation import translated
from hacluster.model import kinds
from hacluster.model.reasons import Reason
from hacluster.reconcile.ports import Raw, Secret

_NOT_FOUND: Final = 404
_CONFLICT: Final = 409


class SecretReader:
    """Reads and writes them; see `ports.Vault`."""

    def __init__(self, client: ApiClient) -> None:
        self._core = CoreV1Api(client)

    async def read(self, namespace: str, name: str) -> Secret:
        """Return a Secret as it is now."""
        found = await self.find(namespace, name)
        if found is None:
            why = f"There is no Secret {namespace}/{name}: create it"
            raise ArmDenied(why, reason=Reason.SECRET_MISSING)
        return found

    async def find(self, namespace: str, name: str) -> Secret | None:
        """Return a Secret as it is now, or None where there is none."""
        try:
            async with translated(f"Reading the Secret {namespace}/{name}"):
                found = await self._core.read_namespaced_secret(
                    name, namespace, _request_timeout=TIMEOUT_S
                )
        except ApiException as error:
            if error.status != _NOT_FOUND:
                raise
            return None
        owners = found.metadata.owner_references or ()
        owner = next((one for one in owners if one.kind == kinds.CLUSTER_KIND), None)
        return Secret(
            namespace=namespace,
            name=name,
            version=str(found.metadata.resource_version),
            data={key: base64.b64decode(value) for key, value in (found.data or {}).items()},
            owner=str(owner.uid) if owner else "",
            owner_name=str(owner.name) if owner else "",
        )

    async def create(self, of: Raw, name: str, data: Mapping[str, bytes]) -> None:
        """Make a Secret that goes with an object."""
        metadata = {
            "namespace": of.namespace,
            "name": name,
            "ownerReferences": [kinds.owner(of.name, of.uid)],
        }
        try:
            async with translated(f"Creating the Secret {of.namespace}/{name}"):
                await self._core.create_namespaced_secret(
                    of.namespace, _body(metadata, data), _request_timeout=TIMEOUT_S
                )
        except ApiException as error:
            if error.status != _CONFLICT:
                raise

    async def replace(self, secret: Secret, data: Mapping[str, bytes]) -> bool:
        """Give a Secret other values, if it is still as it was read."""
        gone = dict.fromkeys(key for key in secret.data if key not in data)
        return await self._patch(secret, {"data": {**_encoded(data), **gone}}, {})

    async def adopt(self, of: Raw, secret: Secret) -> bool:
        """Make an object the owner of a Secret, if it is still as it was read."""
        return await self._patch(secret, {}, {"ownerReferences": [kinds.owner(of.name, of.uid)]})

    async def _patch(
        self, secret: Secret, body: Mapping[str, Any], metadata: Mapping[str, Any]
    ) -> bool:
        """Merge into a Secret, demanding the version that was read."""
        demanded = {**metadata, "resourceVersion": secret.version}
        try:
            async with translated(f"Changing the Secret {secret.namespace}/{secret.name}"):
                await self._core.patch_namespaced_secret(
                    secret.name,
                    secret.namespace,
                    {**body, "metadata": demanded},
                    _content_type="application/merge-patch+json",
                    _request_timeout=TIMEOUT_S,
                )
        except ApiException as error:
            if error.status not in {_NOT_FOUND, _CONFLICT}:
                raise
            return False
        return True

    async def config_map(self, namespace: str, name: str) -> Mapping[str, str]:
        """Return what a ConfigMap holds."""
        try:
            async with translated(f"Reading the ConfigMap {namespace}/{name}"):
                found = await self._core.read_namespaced_config_map(
                    name, namespace, _request_timeout=TIMEOUT_S
                )
        except ApiException as error:
            if error.status != _NOT_FOUND:
                raise
            why = f"There is no ConfigMap {namespace}/{name}: create it"
            raise ArmDenied(why, reason=Reason.SECRET_MISSING) from None
        return dict(found.data or {})


def _body(metadata: Mapping[str, Any], data: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": dict(metadata),
        "data": _encoded(data),
    }


def _encoded(data: Mapping[str, bytes]) -> dict[str, str | None]:
    return {key: base64.b64encode(value).decode() for key, value in data.items()}
