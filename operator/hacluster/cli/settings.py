"""The operator's settings: read once from the environment, documented here and nowhere else."""

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from hacluster.arm.clouds import PUBLIC, Clouds, Endpoints
from hacluster.arm.door import AzureSettings
from hacluster.arm.identity import OwnIdentity
from hacluster.model.agent import ApiServer, Guest
from hacluster.model.azure import Cloud

DEFAULT_NAMESPACE = "hacluster-system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guests:
    """How machines reach what the operator reaches otherwise."""

    clouds: Clouds
    resource_manager: str
    metadata: str
    ca_file: str | None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Return what an environment says."""
        return cls(
            clouds=Clouds(custom=_custom(environment)),
            resource_manager=environment.get("HACLUSTER_NODE_RESOURCE_MANAGER", "").rstrip("/"),
            metadata=environment.get("HACLUSTER_NODE_METADATA", "").rstrip("/"),
            ca_file=environment.get("AZURE_CA_FILE") or None,
        )

    def guest(self, cloud: Cloud) -> Guest:
        """Return it for a cloud; the further authority goes with the settings' own endpoints."""
        endpoints = self.clouds.endpoints(cloud)
        is_custom = endpoints == self.clouds.custom
        ca = Path(self.ca_file).read_text() if is_custom and self.ca_file else ""
        here = self.resource_manager if is_custom else ""
        return Guest(
            resource_manager=here or endpoints.resource_manager,
            metadata=self.metadata if is_custom else "",
            ca=ca,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of them.

    | variable | meaning |
    |---|---|
    | KUBECONFIG | the kubeconfig to use; without it the Pod's own service account |
    | POD_NAMESPACE | where the lease is; `hacluster-system` by default |
    | POD_NAME | this replica's name in the lease; a random one by default |
    | AZURE_TENANT_ID, AZURE_CLIENT_ID | the operator's own identity |
    | AZURE_FEDERATED_TOKEN_FILE | its proof with workload identity |
    | AZURE_CLIENT_SECRET | or its proof as a service principal with a secret |
    | AZURE_CLIENT_CERTIFICATE_PATH, ..._PASSWORD | or with a certificate |
    | (none of the three) | a managed identity, the one of AZURE_CLIENT_ID if that is given |
    | AZURE_RESOURCE_MANAGER | endpoint used for the clouds AzurePublic and Custom |
    | AZURE_AUTHORITY_HOST | who signs tokens there; Microsoft's public one by default |
    | AZURE_ARM_AUDIENCE | for whom; the endpoint itself by default |
    | AZURE_CA_FILE | a further certificate authority to trust; the nodes get it too |
    | HACLUSTER_NODE_RESOURCE_MANAGER | that endpoint as machines reach it, where it differs |
    | HACLUSTER_NODE_API_SERVER | this API server as machines reach it (witness KubernetesLease) |
    | HACLUSTER_NODE_API_SERVER_CA_FILE | its authority; by default the one the operator trusts |
    | HACLUSTER_NODE_METADATA | their metadata service, where it is not at Azure's address |
    """

    kubeconfig: Path | None
    namespace: str
    replica: str
    azure: AzureSettings
    guests: Guests
    node_api_server: str = ""
    node_api_server_ca_file: str = ""

    def api_server(self, own_ca_file: str | None) -> ApiServer | None:
        """Return the API server as machines reach it; None where that was not told."""
        if not self.node_api_server:
            return None
        file = self.node_api_server_ca_file or own_ca_file
        return ApiServer(server=self.node_api_server, ca=Path(file).read_text() if file else "")

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Return the settings that an environment holds."""
        kubeconfig = environment.get("KUBECONFIG")
        return cls(
            kubeconfig=Path(kubeconfig) if kubeconfig else None,
            namespace=environment.get("POD_NAMESPACE") or DEFAULT_NAMESPACE,
            replica=f"{environment.get('POD_NAME') or 'operator'}_{uuid.uuid4().hex[:8]}",
            azure=azure_settings(environment),
            guests=Guests.of(environment),
            node_api_server=environment.get("HACLUSTER_NODE_API_SERVER", "").rstrip("/"),
            node_api_server_ca_file=environment.get("HACLUSTER_NODE_API_SERVER_CA_FILE", ""),
        )


def azure_settings(environment: Mapping[str, str]) -> AzureSettings:
    """Return what an environment says about Azure."""
    return AzureSettings(
        clouds=Clouds(custom=_custom(environment)),
        own=OwnIdentity(
            tenant=environment.get("AZURE_TENANT_ID", ""),
            client=environment.get("AZURE_CLIENT_ID", ""),
            client_secret=environment.get("AZURE_CLIENT_SECRET", ""),
            certificate_path=environment.get("AZURE_CLIENT_CERTIFICATE_PATH", ""),
            certificate_password=environment.get("AZURE_CLIENT_CERTIFICATE_PASSWORD", ""),
            federated_token_file=environment.get("AZURE_FEDERATED_TOKEN_FILE", ""),
        ),
        ca_file=environment.get("AZURE_CA_FILE") or None,
    )


def _custom(environment: Mapping[str, str]) -> Endpoints | None:
    manager = environment.get("AZURE_RESOURCE_MANAGER", "").rstrip("/")
    if not manager:
        return None
    authority = environment.get("AZURE_AUTHORITY_HOST", "").rstrip("/")
    audience = environment.get("AZURE_ARM_AUDIENCE", "").rstrip("/")
    return Endpoints(
        resource_manager=manager,
        authority=authority or PUBLIC.authority,
        audience=audience or manager,
    )
