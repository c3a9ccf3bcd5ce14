"""What every witness back end promises.

`Unknown` is its own outcome. A write whose answer was lost may be applied, also later
than the next read; the caller tries again and never takes it for success or failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Protocol, Union


@dataclass(frozen=True)
class Found:
    """The record's content and the version to write against."""

    content: bytes
    version: str


@dataclass(frozen=True)
class Missing:
    """The store answered, and there is no record yet."""


@dataclass(frozen=True)
class Written:
    """The write was applied; `version` is the new one."""

    version: str


@dataclass(frozen=True)
class Conflict:
    """The write was surely not applied: the record is not at the version named."""


@dataclass(frozen=True)
class Unknown:
    """No trustworthy answer: away, late, denied, throttled or broken.

    Attributes:
        why: what came back instead, for the administrator.
        code: an error code of docs/node-errors.md.
    """

    why: str
    code: str = "HAN-W01"


Read = Union[Found, Missing, Unknown]
Write = Union[Written, Conflict, Unknown]


class Register(Protocol):
    """One record with compare-and-set. Both calls end within `timeout` seconds."""

    def read(self, timeout: float) -> Read:
        """Return the record as the store has it now."""

    def write(self, content: bytes, version: Optional[str], timeout: float) -> Write:
        """Replace the record if it is still at `version`; None means it must not exist."""
