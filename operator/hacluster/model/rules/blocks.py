"""The rule of things with a ``type``: exactly the block of that type stands beside it."""

from collections.abc import Callable, Mapping
from typing import Any

from hacluster.model.base import Invariant


def blocks(
    required: Mapping[str, str], optional: Mapping[str, str] | None = None
) -> tuple[Invariant, ...]:
    """Return the rules for a class whose ``type`` decides which block it has.

    Keys are values of ``type``, values the wire names of their blocks.
    """
    allowed = {**required, **(optional or {})}
    return tuple(_is_there(kind, block) for kind, block in required.items()) + tuple(
        _is_alone(kind, block) for kind, block in allowed.items()
    )


def _is_there(kind: str, block: str) -> Invariant:
    return Invariant(
        message=f"type {kind} needs a block {block}: write it",
        holds=_unless(lambda found: found == kind, block, is_present=True),
        cel=f"self.type != '{kind}' || has(self.{block})",
    )


def _is_alone(kind: str, block: str) -> Invariant:
    return Invariant(
        message=f"the block {block} belongs to type {kind}: write that type, or leave it out",
        holds=_unless(lambda found: found != kind, block, is_present=False),
        cel=f"self.type == '{kind}' || !has(self.{block})",
    )


def _unless(
    applies: Callable[[str], bool], block: str, *, is_present: bool
) -> Callable[[Any], bool]:
    def holds(noun: Any) -> bool:
        return not applies(noun.type) or (_block(noun, block) is not None) is is_present

    return holds


def _block(noun: Any, wire: str) -> Any:
    fields = type(noun).model_fields
    return next(getattr(noun, name) for name, field in fields.items() if field.alias == wire)
