"""Secrets: read one by one, when a pass needs them; never listed, kept or logged."""

import base64
from typing import Final

from kubernetes_asyncio.client import ApiClient, ApiException, CoreV1Api

from hacluster.errors import ArmDenied
from hacluster.kube.connection import TIMEOUT_S
from hacluster.kube.translation import translated
from hacluster.model.reasons import Reason
from hacluster.reconcile.ports import Secret

_NOT_FOUND: Final = 404


class SecretReader:
    """Reads Secrets; see `ports.Secrets`."""

    def __init__(self, client: ApiClient) -> None:
        self._core = CoreV1Api(client)

    async def read(self, namespace: str, name: str) -> Secret:
        """Return a Secret as it is now."""
        try:
            async with translated(f"Reading the Secret {namespace}/{name}"):
                found = await self._core.read_namespaced_secret(
                    name, namespace, _request_timeout=TIMEOUT_S
                )
        except ApiException as error:
            if error.status != _NOT_FOUND:
                raise
            raise ArmDenied(
                f"There is no Secret {namespace}/{name}: create it",
                reason=Reason.SECRET_MISSING,
            ) from None
        return Secret(
            namespace=namespace,
            name=name,
            version=str(found.metadata.resource_version),
            data={key: base64.b64decode(value) for key, value in (found.data or {}).items()},
        )
