"""Azure's clouds: where each is managed, who signs its tokens, and for whom.

The public cloud's addresses can be replaced by the operator's settings, for Azure Stack or a
simulated Azure: then no object can reach the real one, whatever it asks for.
"""

from dataclasses import dataclass
from typing import Final

from hacluster.errors import ArmUnavailable
from hacluster.model.azure import Cloud


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """A cloud's addresses, without a final slash."""

    resource_manager: str
    authority: str
    audience: str

    @property
    def scope(self) -> str:
        """What a token for Azure Resource Manager is asked for."""
        return f"{self.audience}/.default"


PUBLIC: Final = Endpoints(
    resource_manager="https://management.azure.com",
    authority="https://login.microsoftonline.com",
    audience="https://management.azure.com",
)
CHINA: Final = Endpoints(
    resource_manager="https://management.chinacloudapi.cn",
    authority="https://login.chinacloudapi.cn",
    audience="https://management.chinacloudapi.cn",
)
US_GOVERNMENT: Final = Endpoints(
    resource_manager="https://management.usgovcloudapi.net",
    authority="https://login.microsoftonline.us",
    audience="https://management.core.usgovcloudapi.net",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clouds:
    """The clouds as this operator knows them; ``custom`` comes from its settings."""

    custom: Endpoints | None = None

    def endpoints(self, cloud: Cloud) -> Endpoints:
        """Return a cloud's addresses.

        Raises:
            ArmUnavailable: it is Custom, and the settings have no endpoints.
        """
        match cloud:
            case Cloud.PUBLIC:
                return self.custom or PUBLIC
            case Cloud.CHINA:
                return CHINA
            case Cloud.US_GOVERNMENT:
                return US_GOVERNMENT
            case Cloud.CUSTOM if self.custom is not None:
                return self.custom
            case Cloud.CUSTOM:
                raise ArmUnavailable(
                    "azure.cloud is Custom, and the operator runs without AZURE_RESOURCE_MANAGER: "
                    "set it and AZURE_AUTHORITY_HOST in the operator's environment"
                )
