"""Rules about the subscription, the group, the region and the tags."""

import re
from collections.abc import Mapping
from typing import Final

from hacluster.model.base import Invariant
from hacluster.model.rules.changes import keeps

_TAG_NAME: Final = re.compile(r"[^<>%&\\?/]{1,512}")
_RESERVED: Final = "hacluster-"
"""The owner tags of `names` begin with it."""


def _stays(field: str, place: str) -> Invariant:
    keep = "keep this one, or make a new object"
    return keeps(field, f"a cluster cannot move to another {place}: {keep}")


def _are_tag_names(tags: Mapping[str, str]) -> bool:
    return all(_TAG_NAME.fullmatch(name) for name in tags)


def _are_free(tags: Mapping[str, str]) -> bool:
    return not any(name.lower().startswith(_RESERVED) for name in tags)


PLACE: Final = (
    _stays("subscriptionId", "subscription"),
    _stays("resourceGroup", "resource group"),
    _stays("location", "region"),
    _stays("cloud", "cloud"),
)

TAG_NAMES: Final = Invariant(
    message="write tag names of 1 to 512 characters without < > % & \\ ? /",
    holds=_are_tag_names,
    cel=r"self.all(name, name.matches('^[^<>%&\\\\?/]{1,512}$'))",
)

FREE_TAG_NAMES: Final = Invariant(
    message="tag names that begin with hacluster- are the operator's own: write another one",
    holds=_are_free,
    cel=f"self.all(name, !name.lowerAscii().startsWith('{_RESERVED}'))",
)
