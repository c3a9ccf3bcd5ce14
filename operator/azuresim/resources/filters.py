"""The `$filter` of ARM's own lists of resources and of groups.

The grammar is the part of OData that ARM's documents list for them: `eq` and `ne` on `name`,
`resourceType`, `resourceGroup`, `location`, `tagName` and `tagValue`, `substringof` and
`startswith`, joined by `and`, and `or` between types.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from azuresim.errors import ArmError, bad_request

LONGEST: Final = 4096
QUOTED: Final = r"'((?:[^']|'')*)'"
COMPARED: Final = re.compile(rf"(\w+(?:/\w+)?)\s+(eq|ne)\s+{QUOTED}", re.IGNORECASE)
CONTAINED: Final = re.compile(rf"substringof\(\s*{QUOTED}\s*,\s*(\w+)\s*\)", re.IGNORECASE)
BEGUN: Final = re.compile(rf"startswith\(\s*(\w+)\s*,\s*{QUOTED}\s*\)", re.IGNORECASE)
JOINT: Final = re.compile(r"\s+(and|or)\s+(?=(?:[^']*'[^']*')*[^']*$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What a filter can speak of.

    Attributes:
        name: Name of the resource or group.
        kind: Full type.
        group: Name of the resource group.
        location: Region.
        tags: Tags.
    """

    name: str
    kind: str = ""
    group: str = ""
    location: str = ""
    tags: dict[str, str] = field(default_factory=dict)


Test = Callable[[Item], bool]
PLAIN: Final[dict[str, Callable[[Item], str]]] = {
    "name": lambda item: item.name,
    "resourcetype": lambda item: item.kind,
    "resourcegroup": lambda item: item.group,
    "location": lambda item: item.location,
}


@lru_cache(maxsize=64)
def test_for(text: str) -> Test:
    """Return what decides whether an item passes; an empty text lets all pass.

    Raises:
        ArmError: 400 if the text is no filter that is understood.
    """
    if not text.strip():
        return lambda _: True
    if len(text) > LONGEST:
        raise _bad(text)
    parts = JOINT.split(text.strip())
    bare = [_bare(part) for part in parts[::2]]
    wanted = _wanted_tag(bare)
    tests = [_condition(part, wanted) for part in bare]
    alternatives: list[list[Test]] = [[tests[0]]]
    for joint, each in zip(parts[1::2], tests[1:], strict=True):
        if joint.casefold() == "or":
            alternatives.append([])
        alternatives[-1].append(each)
    return lambda item: any(all(each(item) for each in group) for group in alternatives)


def _bare(part: str) -> str:
    """Return a condition without the parentheses around it or around its neighbours."""
    part = part.strip().lstrip("( ")
    while part.endswith(")") and part.count(")") > part.count("("):
        part = part[:-1].rstrip()
    return part


def _wanted_tag(parts: list[str]) -> str:
    """Return the tag that `tagName eq` names: `tagValue` speaks of that one."""
    for part in parts:
        found = COMPARED.fullmatch(part)
        if found and found[1].casefold() == "tagname" and found[2].casefold() == "eq":
            return _plain(found[3])
    return ""


def _condition(part: str, tag: str) -> Test:
    if found := COMPARED.fullmatch(part):
        name, is_equal, value = found[1].casefold(), found[2].casefold() == "eq", _plain(found[3])
        return _compare(name, value, tag, is_equal=is_equal, text=part)
    if found := CONTAINED.fullmatch(part):
        return _within(found[2].casefold(), _plain(found[1]), part)
    if (found := BEGUN.fullmatch(part)) and found[1].casefold() == "tagname":
        begin = _plain(found[2])
        return lambda item: any(name.casefold().startswith(begin) for name in item.tags)
    raise _bad(part)


def _compare(name: str, value: str, tag: str, *, is_equal: bool, text: str) -> Test:
    if name == "tagname":
        return lambda item: (value in _folded(item.tags)) is is_equal
    if name == "tagvalue":
        return lambda item: (_folded(item.tags).get(tag, "").casefold() == value) is is_equal
    if name not in PLAIN:
        raise _bad(text)
    have = PLAIN[name]
    if name == "location":
        value = value.replace(" ", "")
    return lambda item: (have(item).casefold() == value) is is_equal


def _within(name: str, value: str, text: str) -> Test:
    if name not in PLAIN:
        raise _bad(text)
    have = PLAIN[name]
    return lambda item: value in have(item).casefold()


def _folded(tags: dict[str, str]) -> dict[str, str]:
    return {name.casefold(): value for name, value in tags.items()}


def _plain(quoted: str) -> str:
    return quoted.replace("''", "'").casefold()


def _bad(text: str) -> ArmError:
    message = (
        f"Invalid $filter '{ascii(text)[1:-1][:80]}' specified in the query string. Supported "
        "are eq and ne on name, resourceType, resourceGroup, location, tagName and tagValue, "
        "substringof('...', name) and startswith(tagName, '...'), joined by and, or."
    )
    return bad_request("InvalidFilterInQueryString", message)
