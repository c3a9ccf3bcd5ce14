"""Compare a body we want with the body Azure has, and lay the one over the other.

Bodies are what JSON has: dicts, lists, texts, numbers. Only what we state is compared: Azure adds
ids, etags and defaults to all it stores, and none of that is drift. Its other habits are allowed
for too: lists of named items, of references or of words keep no order, ids no letter case, and
regions are spelled "Japan East" or "japaneast".

A list of named items or of references may hold items of other people. They are no difference, and
`overlay` keeps them; an item is only taken away if the caller says that it is ours.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

from hacluster.model.ids import key
from hacluster.plan.read_only import READ_ONLY
from hacluster.plan.steps import Change, Pending

Ours = Callable[[str], bool]
"""Says of the id of an item whether we made it."""


class _Absent:
    """The one value that stands for "nothing there"."""

    def __repr__(self) -> str:
        return "(absent)"


ABSENT: Final = _Absent()


def differences(want: Any, have: Any, ours: Ours, path: str = "") -> Iterator[Change]:
    """Yield each place where ``have`` is not what ``want`` states.

    A wanted None means that nothing may be there. A `Pending` is never compared.
    """
    if isinstance(want, Pending) or want is have:
        return
    if isinstance(want, dict) and isinstance(have, dict):
        for name, value in want.items():
            inner = f"{path}.{name}".lstrip(".")
            yield from differences(value, _find(have, name), ours, inner)
    elif _is_keyed(want) and _is_keyed(have):
        yield from _item_differences(want, have, ours, path)
    elif _is_rows(want) and isinstance(have, list) and len(want) == len(have):
        for index, (row, had) in enumerate(zip(want, have, strict=True)):
            yield from differences(row, had, ours, f"{path}[{index}]")
    elif not _is_same(want, have, path):
        yield Change(path, want, have)


def overlay(want: Any, have: Any, ours: Ours, keep: Collection[str] = (), path: str = "") -> Any:
    """Return ``want`` laid over ``have``: what we do not state stays as Azure has it.

    Args:
        want: The body or part of it that is stated.
        have: The same as Azure has it.
        ours: Says which items of a list may be taken away.
        keep: Patterns of paths (see `is_at`) that stay as Azure has them.
        path: Where this is.
    """
    if is_at(path, keep):
        return without_read_only(have)
    if isinstance(want, dict) and isinstance(have, dict):
        return _overlay_mapping(want, have, ours, keep, path)
    if _is_keyed(want) and _is_keyed(have):
        return _overlay_items(want, have, ours, keep, path)
    return want


def is_at(path: str, patterns: Collection[str]) -> bool:
    """Say whether a path is at or below one of the patterns.

    A pattern is a path without the names in brackets: ``properties.loadBalancingRules[].name``.
    """
    plain = pattern(path)
    return any(plain == one or plain.startswith((f"{one}.", f"{one}[")) for one in patterns)


def without_read_only(value: Any) -> Any:
    """Return a value of Azure's without what Azure alone sets."""
    if isinstance(value, dict):
        return {
            name: without_read_only(inner)
            for name, inner in value.items()
            if name not in READ_ONLY and not _is_type_name(name, inner)
        }
    if isinstance(value, list):
        return [without_read_only(item) for item in value]
    return value


def without_none(value: Any) -> Any:
    """Return a body without the places where nothing may be."""
    if isinstance(value, dict):
        return {name: without_none(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_none(item) for item in value]
    return value


def item_key(item: Mapping[str, Any]) -> str:
    """Return what tells an item of a list apart: its name, else the key of the id it refers to."""
    return str(item["name"]) if "name" in item else key(str(item["id"]))


def item_id(item: Mapping[str, Any]) -> str:
    """Return the id by which the inventory knows an item: that of a disk for an attached disk."""
    disk = item.get("managedDisk") or {}
    return str(disk.get("id") or item.get("id") or "")


def _item_differences(want: Any, have: list[Any], ours: Ours, path: str) -> Iterator[Change]:
    wanted, had = _by_key(want), _by_key(have)
    for name, item in wanted.items():
        yield from differences(item, had.get(name, ABSENT), ours, _item_path(path, item))
    for name, item in had.items():
        if name not in wanted and ours(item_id(item)):
            yield Change(_item_path(path, item), ABSENT, item)


def _overlay_mapping(
    want: Mapping[str, Any],
    have: Mapping[str, Any],
    ours: Ours,
    keep: Collection[str],
    path: str,
) -> dict[str, Any]:
    merged = dict(without_read_only(have))
    for name, value in want.items():
        found = next((had for had in have if _is_same_name(had, name)), None)
        if found is not None and found != name:
            merged.pop(found, None)
        inner = f"{path}.{name}".lstrip(".")
        merged[name] = overlay(value, _find(have, name), ours, keep, inner)
    return {name: value for name, value in merged.items() if value is not ABSENT}


def _overlay_items(
    want: list[Any], have: list[Any], ours: Ours, keep: Collection[str], path: str
) -> list[Any]:
    wanted, had = _by_key(want), _by_key(have)
    kept = [
        without_read_only(item)
        for name, item in had.items()
        if name not in wanted and not ours(item_id(item))
    ]
    return [
        overlay(item, had[name], ours, keep, _item_path(path, item)) if name in had else item
        for name, item in wanted.items()
    ] + kept


def _by_key(items: list[Any]) -> dict[str, Any]:
    return {item_key(item).casefold(): item for item in items}


def _item_path(path: str, item: Mapping[str, Any]) -> str:
    return f"{path}[{item_key(item).rsplit('/', 1)[-1]}]"


def _find(have: Mapping[str, Any], name: str) -> Any:
    if name in have:
        return have[name]
    return next((value for had, value in have.items() if _is_same_name(had, name)), ABSENT)


def _is_same_name(one: str, other: str) -> bool:
    """Mappings keyed by ids, such as a machine's identities, keep no letter case."""
    return one == other or (other.startswith("/") and key(one) == key(other))


def _is_keyed(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, dict) and ("name" in item or "id" in item) for item in value
    )


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _is_same(want: Any, have: Any, path: str) -> bool:
    if want is None or want == []:
        return have is ABSENT or have in (None, [])
    if isinstance(want, str) and isinstance(have, str):
        return want == have or _spelling(want, path) == _spelling(have, path)
    if _is_words(want) and _is_words(have):
        return sorted(_spelling(word, path) for word in want) == sorted(
            _spelling(word, path) for word in have
        )
    return bool(want == have)


def _spelling(text: str, path: str) -> str:
    if path.endswith("].name"):
        return text.casefold()  # An item's name, by which it was found.
    if path == "location":
        return text.replace(" ", "").casefold()
    return key(text) if text.casefold().startswith("/subscriptions/") else text


def _is_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_type_name(name: str, value: Any) -> bool:
    return name == "type" and isinstance(value, str) and value.startswith("Microsoft.")


def pattern(path: str) -> str:
    """Return a path without the names in its brackets, which may hold dots and brackets."""
    found, depth = [], 0
    for letter in path:
        depth -= letter == "]"
        if not depth:
            found.append(letter)
        depth += letter == "["
    return "".join(found)
