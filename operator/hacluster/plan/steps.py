"""What a plan is made of: values that say one thing to do in Azure, and why.

A step is one request. It never waits: what it starts is seen again in a later pass. Bodies are plain mappings in
Azure's wire form; a secret stands in them as a `SecretKey` reference and is filled in by the adapter on the way
out, so that no plan, log or status can hold one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hacluster.model.observed import ArmId


class Verb(StrEnum):
    """A POST on a virtual machine. There is no power-off: a stopped machine is deallocated, or it still costs."""

    START = "start"
    DEALLOCATE = "deallocate"
    RESTART = "restart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Create or replace a resource or child.

    ``etag`` is that of the body seen, sent as If-Match; None means that it was absent, and is sent as
    If-None-Match where the type has it. ``needs`` are ids that must be settled before Azure takes the request.
    """

    id: ArmId
    body: Mapping[str, Any]
    etag: str | None
    why: str
    needs: frozenset[ArmId] = frozenset()
    disrupts: str | None = None
    """The node whose service this interrupts, if any: one disruption at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Remove a resource or child of ours; ``needs`` are ids that must be gone before."""

    id: ArmId
    etag: str | None
    why: str
    needs: frozenset[ArmId] = frozenset()
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
    """Something the operator will not do: ``reason`` is CamelCase for the condition, ``why`` says what to do."""

    id: ArmId
    reason: str
    why: str


Step = Put | Delete | Act | Refuse
