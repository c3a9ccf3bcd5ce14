"""The rule of things with a ``type``: exactly the block of that type stands beside it."""

from collections.abc import Mapping
from typing import Any

from hacluster.model.base import Invariant


def blocks(
    required: Mapping[str, str], optional: Mapping[str, str] | None = None
) -> tuple[Invariant, ...]:
    """Return the rules for a class whose ``type`` decides which block it has.

    Keys are values of ``type``, values the wire names of their blocks.
    """
    allowed = {**required, **(optional or {})}
    needed = (_is_needed(kind, block) for kind, block in required.items())
    return (*needed, *(_is_only_for(kind, block) for kind, block in allowed.items()))


def _is_needed(kind: str, block: str) -> Invariant:
    return Invariant(
        message=f"type {kind} needs a block {block}: write it",
        holds=lambda noun: noun.type != kind or _has(noun, block),
        cel=f"self.type != '{kind}' || has(self.{block})",
    )


def _is_only_for(kind: str, block: str) -> Invariant:
    return Invariant(
        message=f"the block {block} belongs to type {kind}: write that type, or leave it out",
        holds=lambda noun: noun.type == kind or not _has(noun, block),
        cel=f"self.type == '{kind}' || !has(self.{block})",
    )


def _has(noun: Any, block: str) -> bool:
    fields = type(noun).model_fields
    name = next(name for name, field in fields.items() if field.alias == block)
    return getattr(noun, name) is not None
