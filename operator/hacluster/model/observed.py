"""What was seen in Azure: present, absent, or unknown; "could not see" is never "absent"."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NewType

ArmId = NewType("ArmId", str)
"""A resource id in our own spelling, as `names` makes it. Compare ids with `same_id`."""


def same_id(one: str, other: str) -> bool:
    """Say whether two ids name one resource: Azure returns ids in another letter case."""
    return one.casefold() == other.casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A resource as Azure answered it: the whole body in wire form.

    ``etag`` is None for types without one.
    """

    id: ArmId
    body: Mapping[str, Any]
    etag: str | None = None

    @property
    def properties(self) -> Mapping[str, Any]:
        """The body's ``properties``, empty where it has none."""
        found: Mapping[str, Any] = self.body.get("properties") or {}
        return found

    @property
    def tags(self) -> Mapping[str, str]:
        """The resource's tags."""
        found: Mapping[str, str] = self.body.get("tags") or {}
        return found

    @property
    def provisioning_state(self) -> str:
        """Azure's word; types without one are ``Succeeded``."""
        return str(self.properties.get("provisioningState") or "Succeeded")

    @property
    def is_settled(self) -> bool:
        """Whether no operation is under way on it."""
        return self.provisioning_state in {"Succeeded", "Failed", "Canceled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A complete reading that did not find the resource."""

    id: ArmId


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A reading that failed; ``why`` is for the status, ``reason`` is CamelCase for a condition."""

    id: ArmId
    why: str
    reason: str


Seen = Present | Absent | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One immutable look at all that a cluster names, and at the children of our parents.

    ``resources`` is keyed by casefolded id. What was never asked for is Unknown.
    """

    resources: Mapping[str, Seen] = field(default_factory=dict)

    def get(self, resource: ArmId) -> Seen:
        """Return what was seen of a resource."""
        found = self.resources.get(resource.casefold())
        return found or Unknown(id=resource, why="it was not looked at", reason="NotObserved")
