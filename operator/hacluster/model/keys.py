"""The master keys of a cluster: which ids are accepted, and which one signs.

The operator keeps them in a Secret beside the object (docs/decisions/032-installing-the-agent.md).
Nodes never see a master: they get what is derived from it.
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
class MasterKeys:
    """All that are accepted, the oldest first."""

    keys: tuple[MasterKey, ...]
    active: str
    """The id of the key that signs."""
    asked: str = ""
    """The last value of the annotation that asked for a rotation."""

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
