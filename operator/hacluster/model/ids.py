"""The grammar of Azure's resource ids: taking them apart and putting children on.

Azure returns ids in another letter case than they were sent, so ids are compared by `same_id` or
by their `key`, never by `==`. Which ids a cluster has is told by `names` alone.
"""

from functools import lru_cache
from typing import Final, NewType

ArmId = NewType("ArmId", str)
"""A resource id in our own spelling, as `names` makes it. Compare ids with `same_id`."""

RESOURCE_GROUP: Final = "Microsoft.Resources/resourceGroups"


_RECENT: Final = 1 << 14
"""How many answers `type_of` keeps: a pass asks the same of the same ids many times."""


def key(resource: str) -> str:
    """Return the spelling under which two ids of one resource are equal; for sets and mappings."""
    return resource.casefold().rstrip("/")


def same_id(one: str, other: str) -> bool:
    """Say whether two ids name one resource: Azure returns ids in another letter case."""
    return key(one) == key(other)


def child(parent: ArmId, kind: str, name: str) -> ArmId:
    """Return the id of a child, such as a rule of a balancer or a container's blob service."""
    return ArmId(f"{parent}/{kind}/{name}")


def extension(scope: ArmId, kind: str, name: str) -> ArmId:
    """Return the id of a resource that hangs on another one, such as a role assignment."""
    return ArmId(f"{scope}/providers/{kind}/{name}")


def name_of(resource: ArmId) -> str:
    """Return the last segment of an id."""
    return resource.rstrip("/").rsplit("/", 1)[-1]


def type_of(resource: ArmId) -> str:
    """Return the resource type, such as ``Microsoft.Network/virtualNetworks/subnets``.

    Types are spelled as the id spells them; an id without a provider is a resource group.
    """
    return _type_of(resource)


@lru_cache(_RECENT)
def _type_of(resource: str) -> str:
    provider, separator, rest = resource.rpartition("/providers/")
    if not separator:
        return RESOURCE_GROUP if "/resourcegroups/" in key(provider or resource) else ""
    namespace, *segments = rest.strip("/").split("/")
    return "/".join((namespace, *segments[0::2]))


def parent_of(resource: ArmId) -> ArmId:
    """Return what a child or an extension hangs on; for a top-level resource its group."""
    scope, _, rest = resource.rstrip("/").rpartition("/providers/")
    if len(rest.split("/")) > 3:
        return ArmId(resource.rstrip("/").rsplit("/", 2)[0])
    return ArmId(scope)


def is_inside(resource: ArmId, scope: ArmId) -> bool:
    """Say whether an id lies below another one."""
    return key(resource).startswith(f"{key(scope)}/")
