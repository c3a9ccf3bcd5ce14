"""Turns pydantic's findings into sentences for the person who wrote the manifest."""

from difflib import get_close_matches
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hacluster.errors import Flaw
from hacluster.model.base import BROKEN, Noun, noun_in

_TYPES: Final = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "a text; put it in quotes",
    "enum": "one of the words",
    "tuple": "a list",
    "dict": "a mapping of names to values",
    "model": "a mapping of fields to values",
}

_BOUNDS: Final = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}

_LENGTHS: Final = {
    "string_too_long": ("max_length", "at most", "characters"),
    "string_too_short": ("min_length", "at least", "characters"),
    "too_long": ("max_length", "at most", "of them"),
    "too_short": ("min_length", "at least", "of them"),
}


def explained(root: type[Noun], error: ValidationError, path: str) -> list[Flaw]:
    """Return one flaw for each finding, with paths as a manifest's reader knows them."""
    details = error.errors(include_url=False, include_input=False)
    return [Flaw(_path(detail["loc"], path), _why(root, detail)) for detail in details]


def _path(loc: tuple[int | str, ...], path: str) -> str:
    for step in loc:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path.removesuffix(".[key]")


def _why(root: type[Noun], detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == BROKEN:
        return str(context["why"])
    if kind == "missing":
        return "it is required: write it"
    if kind == "extra_forbidden":
        return _unknown(root, detail["loc"])
    if kind == "enum":
        return f"write {context['expected']}"
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"write {words} {context[name]}"
    if kind in _LENGTHS:
        name, words, things = _LENGTHS[kind]
        return f"write {words} {context[name]} {things}"
    stem = kind.partition("_")[0]
    return f"write {_TYPES[stem]}" if stem in _TYPES else "write a value of the documented form"


def _unknown(root: type[Noun], loc: tuple[int | str, ...]) -> str:
    *steps, last = loc
    owner = _class_at(root, steps)
    known = [field.alias or name for name, field in owner.model_fields.items()] if owner else []
    folded = {name.lower(): name for name in known}
    near = get_close_matches(str(last).lower(), folded, n=1, cutoff=0.5)
    if near:
        return f"there is no such field; did you mean {folded[near[0]]}?"
    return f"there is no such field; known here: {', '.join(sorted(known))}"


def _class_at(root: type[Noun], steps: list[int | str]) -> type[Noun] | None:
    owner: type[Noun] | None = root
    for step in steps:
        if owner is None or isinstance(step, int):
            continue
        fields = owner.model_fields.values()
        found = next((field.annotation for field in fields if field.alias == step), None)
        owner = noun_in(found)
    return owner
