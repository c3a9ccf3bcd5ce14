"""Checks a parsed noun, and all that is in it, against the invariants that its classes carry."""

from collections.abc import Iterator
from typing import Any

from hacluster.errors import Flaw
from hacluster.model.base import Noun


def flaws(noun: Noun, path: str) -> Iterator[Flaw]:
    """Yield every broken invariant, those of inner nouns first; ``path`` is the noun's own."""
    for name, field in type(noun).model_fields.items():
        yield from _inside(getattr(noun, name), f"{path}.{field.alias}")
    for invariant in type(noun).invariants:
        if invariant.holds is not None and not invariant.holds(noun):
            where = f"{path}.{invariant.field}" if invariant.field else path
            yield Flaw(where, invariant.message)


def _inside(value: Any, path: str) -> Iterator[Flaw]:
    if isinstance(value, Noun):
        yield from flaws(value, path)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _inside(item, f"{path}[{index}]")
