"""Where in Azure a cluster lives, and how the operator may treat what it finds there."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from hacluster.model.base import Invariant, Noun
from hacluster.model.rules import azure as azure_rules
from hacluster.model.spellings import (
    KeyText,
    Location,
    ResourceGroupName,
    SecretNameText,
    SubscriptionId,
)


class Cloud(StrEnum):
    """The Azure cloud: it decides authority, endpoints and token audience."""

    PUBLIC = "AzurePublic"
    CHINA = "AzureChina"
    US_GOVERNMENT = "AzureUSGovernment"
    CUSTOM = "Custom"


class SecretName(Noun):
    """A Secret in the object's own namespace."""

    name: SecretNameText
    """The Secret's name."""


class SecretKey(Noun):
    """One key of a Secret or ConfigMap in the object's own namespace."""

    name: SecretNameText
    """The object's name."""
    key: KeyText
    """The key whose value is used."""


TagValue = Annotated[str, Field(max_length=256)]


class Azure(Noun):
    """The subscription, group and region; the first three never change."""

    invariants: ClassVar[tuple[Invariant, ...]] = azure_rules.PLACE

    subscription_id: SubscriptionId
    """The subscription's id, a GUID. It never changes."""
    resource_group: ResourceGroupName
    """The resource group that holds the cluster; made where it is missing. It never changes."""
    location: Location
    """The region, for example japaneast. It never changes."""
    cloud: Cloud = Cloud.PUBLIC
    """The cloud: AzurePublic, AzureChina, AzureUSGovernment, or Custom, whose endpoints come from
    the operator's settings."""
    credentials_secret_ref: SecretName | None = None
    """The Secret with the service principal to use; without one, the operator's own identity.
    Its keys are AZURE_TENANT_ID, AZURE_CLIENT_ID, and one of AZURE_CLIENT_SECRET,
    AZURE_CLIENT_CERTIFICATE (with AZURE_CLIENT_CERTIFICATE_PASSWORD) or AZURE_FEDERATED_TOKEN."""
    tags: Annotated[
        dict[str, TagValue], Field(max_length=40), azure_rules.TAG_NAMES, azure_rules.FREE_TAG_NAMES
    ] = Field(default_factory=dict)
    """Tags for everything that the operator makes, beside its own owner tags."""


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
    """Enforce repairs what differs from the spec; Observe only reports it and writes nothing."""
    paused: bool = False
    """Whether the operator only looks for now."""
    adoption: Adoption = Adoption.NEVER
    """Which existing resources of our names may be taken over: none, those that carry this
    cluster's owner tag, or all."""
    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN_DISKS
    """What deleting the object deletes in Azure: all that we own, all but disks, or nothing.
    Only what carries our owner tag is ever deleted."""
    replacement: Replacement = Replacement.NEVER
    """Whether a change that Azure cannot make in place may rebuild a standby node, one by one."""
    sync_interval_seconds: int = Field(default=60, ge=10, le=3600)
    """How often Azure is looked at while nothing happens; it is more often while something does."""
