"""The door of a cluster's container: what a pass needs of the store, without its library."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A blob of the cluster's container, as it was read; its content is in no ``repr``."""

    content: bytes = field(repr=False)
    tag: str
    """Its ETag: another one whenever it has been written."""


@dataclass(frozen=True, slots=True)
class NotChanged:
    """A blob is still the one that the asker knows."""


@dataclass(frozen=True, slots=True)
class WriteLost:
    """A blob is not what the writer took it for, and was left alone: look again."""


class Store(Protocol):
    """A cluster's container: where operator and nodes meet (docs/architecture.md)."""

    async def read(self, name: str, *, unless: str = "") -> Blob | NotChanged | None:
        """Return a blob, or None where a complete answer tells that there is none.

        `NotChanged` if its ETag is ``unless``, which costs next to nothing.

        Raises:
            HAClusterError: the store does not answer, or refuses the identity.
        """

    async def write(
        self, name: str, content: bytes, *, only_if: str | None = None
    ) -> str | WriteLost:
        """Write a whole blob and return its new ETag.

        ``only_if`` is the ETag that it must still have; empty: there must be none yet; None: it is
        written whatever is there. `WriteLost` if that does not hold.

        Raises:
            HAClusterError: the store does not answer, so whether it was written is unknown, or it
            refuses.
        """

    async def sas(self, since: datetime, until: datetime) -> str:
        """Return a signature that lets its bearer read and write blobs of this container alone.

        It is a query string without its question mark, good over TLS only and between these times,
        which lie at most 7 days apart. It never gives more than the asker's own identity may do.

        Raises:
            HAClusterError: as `read`.
        """

    async def names(self, prefix: str) -> tuple[str, ...]:
        """Return the names of all blobs that begin with ``prefix``, sorted.

        Raises:
            HAClusterError: as `read`.
        """
