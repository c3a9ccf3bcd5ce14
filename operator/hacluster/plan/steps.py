"""What a plan is made of: values that say one thing to do in Azure, and why.

A step is one request. It never waits: what it starts is seen again in a later pass. Bodies are
plain mappings in Azure's wire form. Two kinds of value stand in them that are not Azure's: a secret
is a `SecretKey` reference, filled in by the adapter on the way out, so that no plan, log or status
can hold one; and what only Azure knows yet is a `Pending`, which no step that is allowed has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hacluster.model.ids import ArmId


class Verb(StrEnum):
    """A POST on a virtual machine.

    There is no power-off: a stopped machine is deallocated, or it still costs.
    """

    START = "start"
    DEALLOCATE = "deallocate"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Pending:
    """A value that Azure chooses when it makes ``id``; it is known in a later pass."""

    id: ArmId
    field: str


@dataclass(frozen=True, slots=True)
class Change:
    """One place of a body that a step changes; ``ABSENT`` where a side has nothing there."""

    path: str
    want: Any
    have: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Create or replace a resource or child.

    ``etag`` is that of the body seen, sent as If-Match; None means that it was absent, and is sent
    as If-None-Match where the type has it, or that the type has no etag.
    """

    id: ArmId
    body: Mapping[str, Any]
    etag: str | None
    why: str
    needs: frozenset[ArmId] = frozenset()
    """What must have come to rest before: present, its last operation well ended, and nothing
    in this plan left to do to it."""
    needs_begun: frozenset[ArmId] = frozenset()
    """What must only be there, though Azure may still be working on it."""
    disrupts: str | None = None
    """The node whose service this interrupts, if any: one disruption at a time."""
    creates: bool = False
    """Whether it was absent."""
    changes: tuple[Change, ...] = ()
    """What differs from what was seen: the drift. Empty where it was absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Remove a resource or child of ours."""

    id: ArmId
    etag: str | None
    why: str
    needs: frozenset[ArmId] = frozenset()
    """What must be gone before, or, if it stays, have nothing in this plan left to do to it."""
    disrupts: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Start, deallocate or restart a virtual machine."""

    id: ArmId
    verb: Verb
    why: str
    needs: frozenset[ArmId] = frozenset()
    disrupts: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Something the operator will not do: ``reason`` is one of `reasons.Reason`.

    ``why`` says what to do. ``changes`` are the differences that stay unsettled.
    """

    id: ArmId
    reason: str
    why: str
    changes: tuple[Change, ...] = ()
    blocks: bool = True
    """Whether what needs this resource must wait for the refusal to be settled."""


Step = Put | Delete | Act | Refuse
