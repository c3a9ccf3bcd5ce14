"""What was seen in Azure: present, absent, or unknown; "could not see" is never "absent"."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hacluster.model.ids import ArmId, key

SETTLED: Final = frozenset({"Succeeded", "Failed", "Canceled"})


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
        return self.provisioning_state in SETTLED

    @property
    def has_succeeded(self) -> bool:
        """Whether the last operation on it ended well: others may build on it."""
        return self.provisioning_state == "Succeeded"


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
    """One immutable look at all that a cluster names, and at whatever else carries its owner tags.

    ``resources`` is keyed by `ids.key`. What was never asked for is Unknown. It holds every id of
    `plan.parts.watched`, and should also hold each resource of the cluster's group that carries the
    cluster's owner tag: that is how something of ours is found again after the inventory was lost.

    ``members`` holds, by the key of a resource group, all ids that a complete listing found in it;
    a group without an entry was not listed. Only deletion needs it.

    ``tag`` tells snapshots of the same ids apart without a look inside: where two have the same,
    they hold the same. It is None where that is not known.
    """

    resources: Mapping[str, Seen] = field(default_factory=dict)
    members: Mapping[str, tuple[ArmId, ...]] = field(default_factory=dict)
    tag: tuple[int, ...] | None = None

    def get(self, resource: ArmId) -> Seen:
        """Return what was seen of a resource."""
        found = self.resources.get(key(resource))
        return found or Unknown(id=resource, why="it was not looked at", reason="NotObserved")

    def present(self) -> Iterator[Present]:
        """Yield what is there, in the order of ids."""
        for _, seen in sorted(self.resources.items()):
            if isinstance(seen, Present):
                yield seen

    def listing(self, group: ArmId) -> tuple[ArmId, ...] | None:
        """Return all that is in a resource group, or None if it was not listed."""
        return self.members.get(key(group))
