"""Azure's clouds: what its services are called in each (source: document, the SDKs' own tables)."""

from dataclasses import dataclass
from typing import Final

from azuresim.resources import regions


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """One of Azure's clouds, as clients know it.

    Attributes:
        name: What `--cloud` calls it.
        environment: What the metadata service of machines calls it.
        management: Name of the resource manager.
        login: Name of Entra ID.
        service_management: Name of the older manager, for which tokens are taken too.
        storage: What names of storage endpoints end in.
        vault: What names of key vaults end in.
        registry: What names of container registries end in.
        addresses: What names of public addresses end in.
        graph: The older directory service's URL.
        microsoft_graph: Microsoft Graph's URL.
    """

    name: str
    environment: str
    management: str
    login: str
    service_management: str
    storage: str
    vault: str
    registry: str
    addresses: str
    graph: str
    microsoft_graph: str

    @property
    def audiences(self) -> tuple[str, ...]:
        """What tokens for the resource manager may name as their audience."""
        return f"https://{self.management}", f"https://{self.service_management}"

    @property
    def regions(self) -> tuple[str, ...]:
        """Names of its regions, the first being the one things happen in by default."""
        return regions.names(self.name)


PUBLIC: Final = Cloud(
    name="AzurePublic",
    environment="AzurePublicCloud",
    management="management.azure.com",
    login="login.microsoftonline.com",
    service_management="management.core.windows.net",
    storage="core.windows.net",
    vault="vault.azure.net",
    registry="azurecr.io",
    addresses="cloudapp.azure.com",
    graph="https://graph.windows.net/",
    microsoft_graph="https://graph.microsoft.com/",
)
CHINA: Final = Cloud(
    name="AzureChina",
    environment="AzureChinaCloud",
    management="management.chinacloudapi.cn",
    login="login.chinacloudapi.cn",
    service_management="management.core.chinacloudapi.cn",
    storage="core.chinacloudapi.cn",
    vault="vault.azure.cn",
    registry="azurecr.cn",
    addresses="cloudapp.chinacloudapi.cn",
    graph="https://graph.chinacloudapi.cn/",
    microsoft_graph="https://microsoftgraph.chinacloudapi.cn/",
)
US_GOVERNMENT: Final = Cloud(
    name="AzureUSGovernment",
    environment="AzureUSGovernmentCloud",
    management="management.usgovcloudapi.net",
    login="login.microsoftonline.us",
    service_management="management.core.usgovcloudapi.net",
    storage="core.usgovcloudapi.net",
    vault="vault.usgovcloudapi.net",
    registry="azurecr.us",
    addresses="cloudapp.usgovcloudapi.net",
    graph="https://graph.windows.net/",
    microsoft_graph="https://graph.microsoft.us/",
)
CLOUDS: Final = {cloud.name: cloud for cloud in (PUBLIC, CHINA, US_GOVERNMENT)}
"""By the name that `--cloud` takes."""


def cloud_of(location: str) -> Cloud:
    """Return the cloud that a region is in; the public one for a region nobody knows."""
    return next((cloud for cloud in CLOUDS.values() if location in cloud.regions), PUBLIC)
