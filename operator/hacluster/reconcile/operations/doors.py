"""What operations need of the API server and of a cluster's store."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from hacluster.model.cluster import Cluster
from hacluster.reconcile.ports import EventType, Raw
from hacluster.reconcile.store_port import Store
from hacluster_wire.keys import KeyRing


class Desk(Protocol):
    """The API server, as far as operations go."""

    async def operations(self, namespace: str) -> tuple[Raw, ...]:
        """Return all operations of a namespace.

        Raises:
            KubernetesError: the API server does not answer.
        """

    async def cluster(self, namespace: str, name: str) -> Raw | None:
        """Return a cluster's object, or None where there is none.

        Raises:
            KubernetesError: the API server does not answer.
        """

    async def report(self, of: Raw, status: Mapping[str, Any]) -> Raw | None:
        """Merge into an operation's status, if it is still as it was read; None if it is not.

        Raises:
            KubernetesError: the API server does not answer.
        """

    async def delete(self, of: Raw) -> None:
        """Delete an operation, if it is still as it was read; one that is gone is no error.

        Raises:
            KubernetesError: the API server does not answer, or does not allow it.
        """

    async def event(self, of: Raw, kind: EventType, reason: str, message: str) -> None:
        """Tell what has changed, as an Event of a cluster's object.

        Raises:
            KubernetesError: the API server does not answer.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """Where a cluster's nodes and the operator meet, and by which keys they know each other."""

    store: Store
    cluster_id: str
    """What the nodes call their cluster."""
    rings: Mapping[str, KeyRing] = field(repr=False)
    """The keys for the documents of each node, in the order of the spec."""


class Meetings(Protocol):
    """The way to any cluster's nodes."""

    async def of(self, cluster: Cluster) -> Meeting:
        """Return where a cluster meets.

        Raises:
            HAClusterError: it cannot be reached, or is not there yet.
        """
