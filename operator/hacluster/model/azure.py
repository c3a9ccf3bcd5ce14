"""Where in Azure a cluster lives, and how the operator may treat what it finds there."""

from enum import StrEnum

from pydantic import Field

from hacluster.model.base import Noun


class Cloud(StrEnum):
    """The Azure cloud: it decides authority, endpoints and token audience."""

    PUBLIC = "AzurePublic"
    CHINA = "AzureChina"
    US_GOVERNMENT = "AzureUSGovernment"
    CUSTOM = "Custom"


class SecretName(Noun):
    """A Secret in the object's own namespace."""

    name: str


class SecretKey(Noun):
    """One key of a Secret in the object's own namespace."""

    name: str
    key: str


class Azure(Noun):
    """The subscription, group and region; the first three never change."""

    subscription_id: str
    resource_group: str
    location: str
    cloud: Cloud = Cloud.PUBLIC
    credentials_secret_ref: SecretName | None = None
    tags: dict[str, str] = Field(default_factory=dict)


class ManagementMode(StrEnum):
    """Whether drift is repaired or only shown."""

    ENFORCE = "Enforce"
    OBSERVE = "Observe"


class Adoption(StrEnum):
    """What may be taken over that we did not make."""

    NEVER = "Never"
    IF_TAGGED = "IfTagged"
    ALWAYS = "Always"


class DeletionPolicy(StrEnum):
    """What happens in Azure when the object is deleted."""

    DELETE = "Delete"
    RETAIN_DISKS = "RetainDisks"
    RETAIN = "Retain"


class Replacement(StrEnum):
    """Whether an immutable difference may be settled by rebuilding a standby node."""

    NEVER = "Never"
    ONE_AT_A_TIME = "OneAtATime"


class Management(Noun):
    """How far the operator may go."""

    mode: ManagementMode = ManagementMode.ENFORCE
    paused: bool = False
    adoption: Adoption = Adoption.NEVER
    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN_DISKS
    replacement: Replacement = Replacement.NEVER
    sync_interval_seconds: int = Field(default=60, ge=10, le=3600)
