"""What a cluster's nodes are trusted by: its master keys, and the SAS of its container.

The operator keeps them in a Secret beside the object (docs/decisions/032-installing-the-agent.md).
Nodes never see a master: they get what is derived from it. A SAS they get as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

KEY_BYTES: Final = 32
MOST: Final = 2
"""How many are accepted at once: the one that signs, and one that comes or goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterKey:
    """One master; its bytes are in no ``repr``."""

    id: str
    made: datetime
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sas:
    """A shared access signature (`cluster.store.access: SAS`); its text is in no ``repr``."""

    container: str
    """The URL of the container that it opens."""
    made: datetime
    until: datetime
    text: str = field(repr=False)
    """The query string, without its question mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """What the nodes show to the Kubernetes API server; its text is in no ``repr``."""

    account: str
    """The service account that it is of."""
    made: datetime
    until: datetime
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterKeys:
    """All that are accepted, the oldest first."""

    keys: tuple[MasterKey, ...]
    active: str
    """The id of the key that signs."""
    asked: str = ""
    """The last value of the annotation that asked for a rotation."""
    sas: Sas | None = None
    """What opens the container to the nodes; None where their identity does, or not yet."""
    token: ApiToken | None = None
    """What opens their Leases to the nodes; None where the witness is no Lease, or not yet."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all accepted keys, the oldest first."""
        return tuple(one.id for one in self.keys)

    @property
    def signing(self) -> MasterKey:
        """The key that signs."""
        return next(one for one in self.keys if one.id == self.active)

    @property
    def masters(self) -> Mapping[str, bytes]:
        """The masters themselves, by id."""
        return {one.id: one.value for one in self.keys}
