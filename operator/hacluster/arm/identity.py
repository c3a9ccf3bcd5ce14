"""Who the operator is to Azure: credentials of azure-identity, from a Secret or its settings.

The operator's own identity is chosen by what its environment holds, never by trying one after
another: a federated token (workload identity), a secret or certificate, else a managed identity.
Only tokens are ever kept here; a Secret's values live inside azure-identity's objects.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity.aio import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)

from hacluster.arm.clouds import Endpoints
from hacluster.errors import ArmDenied
from hacluster.model.reasons import Reason
from hacluster.reconcile.ports import Secret

TENANT: Final = "AZURE_TENANT_ID"
CLIENT: Final = "AZURE_CLIENT_ID"
CLIENT_SECRET: Final = "AZURE_CLIENT_SECRET"  # noqa: S105 - a key's name
CERTIFICATE: Final = "AZURE_CLIENT_CERTIFICATE"
CERTIFICATE_PASSWORD: Final = "AZURE_CLIENT_CERTIFICATE_PASSWORD"  # noqa: S105 - a key's name
FEDERATED_TOKEN: Final = "AZURE_FEDERATED_TOKEN"  # noqa: S105 - a key's name
ONCE: Final[dict[str, Any]] = {
    "retry_total": 0,
    "connection_timeout": 5,
    "read_timeout": 15,
}
"""How a pipeline of the SDK is told to try once: the loop is the retry, and never waits in one."""
_KINDS: Final = (CLIENT_SECRET, CERTIFICATE, FEDERATED_TOKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnIdentity:
    """The operator's own identity, as its environment tells it."""

    tenant: str = ""
    client: str = ""
    client_secret: str = field(default="", repr=False)
    certificate_path: str = ""
    certificate_password: str = field(default="", repr=False)
    federated_token_file: str = ""


def own(
    identity: OwnIdentity, cloud: Endpoints, transport: AioHttpTransport
) -> AsyncTokenCredential:
    """Return the operator's own credential."""
    common = _common(cloud, transport)
    if identity.federated_token_file:
        return WorkloadIdentityCredential(
            tenant_id=identity.tenant,
            client_id=identity.client,
            token_file_path=identity.federated_token_file,
            **common,
        )
    if identity.client_secret:
        return ClientSecretCredential(
            identity.tenant, identity.client, identity.client_secret, **common
        )
    if identity.certificate_path:
        return CertificateCredential(
            identity.tenant,
            identity.client,
            identity.certificate_path,
            password=identity.certificate_password or None,
            **common,
        )
    return ManagedIdentityCredential(client_id=identity.client or None, transport=transport, **ONCE)


def of_secret(
    secret: Secret, cloud: Endpoints, transport: AioHttpTransport
) -> AsyncTokenCredential:
    """Return the credential that a Secret describes.

    Raises:
        ArmDenied: a key is missing, more than one kind of proof is there, or one cannot be read.
    """
    kinds = [kind for kind in _KINDS if kind in secret.data]
    if len(kinds) != 1:
        raise ArmDenied(
            f"The Secret {secret.namespace}/{secret.name} must hold {TENANT}, {CLIENT} and exactly "
            f"one of {', '.join(_KINDS)}; it holds {len(kinds)} of the latter",
            reason=Reason.SECRET_MISSING if not kinds else Reason.SECRET_INVALID,
        )
    tenant, client = secret.text(TENANT).strip(), secret.text(CLIENT).strip()
    common = _common(cloud, transport)
    try:
        return _made(kinds[0], tenant, client, secret, common)
    except ValueError as error:
        raise ArmDenied(
            f"The Secret {secret.namespace}/{secret.name} cannot be used: its tenant is no tenant, "
            "or its certificate no PEM or PKCS12 with a private key",
            reason=Reason.SECRET_INVALID,
        ) from _without_text(error)


def _common(cloud: Endpoints, transport: AioHttpTransport) -> dict[str, Any]:
    return {"authority": cloud.authority, "transport": transport, **ONCE}


def _made(
    kind: str, tenant: str, client: str, secret: Secret, common: dict[str, Any]
) -> AsyncTokenCredential:
    if kind == CLIENT_SECRET:
        return ClientSecretCredential(tenant, client, secret.text(CLIENT_SECRET).strip(), **common)
    if kind == FEDERATED_TOKEN:
        token = secret.text(FEDERATED_TOKEN).strip()
        return ClientAssertionCredential(tenant, client, lambda: token, **common)
    password = secret.data.get(CERTIFICATE_PASSWORD)
    return CertificateCredential(
        tenant,
        client,
        certificate_data=secret.data[CERTIFICATE],
        password=password.strip() if password else None,
        **common,
    )


def _without_text(error: ValueError) -> ValueError:
    """Return an error of the same type without its words, which may quote what was parsed."""
    return type(error)("not shown")
