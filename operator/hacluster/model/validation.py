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
        yield from _twice(value, path)
        for index, item in enumerate(value):
            yield from _inside(item, f"{path}[{index}]")


def _twice(items: tuple[Any, ...], path: str) -> Iterator[Flaw]:
    """Yield the items that have the keys of an earlier one, as the API server's list maps do."""
    seen: set[tuple[Any, ...]] = set()
    for index, item in enumerate(items):
        if not isinstance(item, Noun) or not item.list_keys:
            return
        wire = item.wire()
        keys = tuple(wire[key] for key in item.list_keys)
        if keys in seen:
            told = ", ".join(f"{key} {wire[key]}" for key in item.list_keys)
            yield Flaw(f"{path}[{index}]", f"{told} stands in the list twice: write another one")
        seen.add(keys)
