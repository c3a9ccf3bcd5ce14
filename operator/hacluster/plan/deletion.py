"""Removing what is ours: what the spec no longer asks for, and all of it when the object goes.

Only what carries both our owner tags is ever deleted, or what the inventory knows where a type has
no tags. What uses something goes before it. Something of ours that holds things of others is kept,
and said so.

| deletionPolicy | when the object goes |
|---|---|
| Delete | all that is ours goes |
| RetainDisks | data disks and shared disks stay, with their tags; boot disks go |
| Retain | nothing goes and nothing is written |

Retained things keep their tags, so that an object of the same name can take them over with
``management.adoption: IfTagged``.

In mode Observe nothing is ever written, and the object goes as with Retain. A group of ours goes
last, and only if a complete listing shows nothing in it that stays.
"""

from collections.abc import Collection
from typing import Final

from hacluster.model.azure import DeletionPolicy, ManagementMode
from hacluster.model.ids import RESOURCE_GROUP, ArmId, is_inside, key, name_of, parent_of, type_of
from hacluster.model.observed import Present, Unknown
from hacluster.model.reasons import Reason
from hacluster.plan.inventory import is_embedded
from hacluster.plan.os_disk import is_made_by_us
from hacluster.plan.settle import describe
from hacluster.plan.steps import Delete, Refuse, Step
from hacluster.plan.view import View
from hacluster.plan.wanted import is_ours

_MACHINES: Final = "microsoft.compute/virtualmachines"
_DISKS: Final = "microsoft.compute/disks"
_INTERFACES: Final = "microsoft.network/networkinterfaces"
_BALANCERS: Final = "microsoft.network/loadbalancers"
_GATEWAYS: Final = "microsoft.network/natgateways"
_NETWORKS: Final = "microsoft.network/virtualnetworks"
_SUBNETS: Final = "microsoft.network/virtualnetworks/subnets"
_ZONES: Final = "microsoft.network/dnszones"
_PRIVATE_ZONES: Final = "microsoft.network/privatednszones"
_LINKS: Final = "microsoft.network/privatednszones/virtualnetworklinks"
_ACCOUNTS: Final = "microsoft.storage/storageaccounts"
_ASSIGNMENTS: Final = "microsoft.authorization/roleassignments"

REFERRERS: Final = {
    _DISKS: {_MACHINES},
    _INTERFACES: {_MACHINES},
    "microsoft.compute/availabilitysets": {_MACHINES},
    "microsoft.managedidentity/userassignedidentities": {_MACHINES, _ASSIGNMENTS},
    "microsoft.authorization/roledefinitions": {_ASSIGNMENTS},
    _ACCOUNTS: {_MACHINES},
    _BALANCERS: {_INTERFACES},
    "microsoft.network/publicipaddresses": {_BALANCERS, _GATEWAYS, _INTERFACES},
    _GATEWAYS: {_NETWORKS, _SUBNETS},
    "microsoft.network/networksecuritygroups": {_INTERFACES, _SUBNETS},
    _NETWORKS: {_INTERFACES, _BALANCERS, _LINKS},
    _SUBNETS: {_INTERFACES, _BALANCERS},
    _PRIVATE_ZONES: {_LINKS},
}
"""By type, which types refer to it: Azure deletes nothing that is in use."""

OWN_RECORDS: Final = {_ZONES: 2, _PRIVATE_ZONES: 1}
"""The record sets that a zone has by itself: SOA, and for a public one NS."""


def plan(view: View) -> tuple[Step, ...]:
    """Return the steps that remove what is ours, as far as the policy allows."""
    if not _may_delete(view):
        return ()
    steps = removals(view, frozenset())
    return steps + _group(view, steps)


def is_complete(view: View) -> bool:
    """Say whether nothing is left to remove and nothing was unreadable: the object may go.

    What was never looked at counts as unreadable: the group, and all that the inventory names.
    """
    if not _may_delete(view):
        return True
    group = view.get(view.names.resource_group)
    known = (view.get(one) for one in map(ArmId, view.inventory) if not is_embedded(one))
    if any(isinstance(seen, Unknown) for seen in (group, *view.seen.resources.values(), *known)):
        return False
    if isinstance(group, Present) and is_ours(view, group) and not _is_at_rest(view, group):
        return False
    is_moving = any(not seen.is_settled for seen in _unwanted(view, frozenset()))
    return not is_moving and not any(isinstance(step, Delete) for step in plan(view))


def removals(view: View, keep: Collection[str]) -> tuple[Step, ...]:
    """Return the steps that remove what is ours and has none of the keys in ``keep``."""
    unwanted = _unwanted(view, keep)
    holding = {key(seen.id): held for seen in unwanted if (held := _foreign_inside(view, seen))}
    going = {key(seen.id) for seen in unwanted} - holding.keys()
    refusals = [
        _refusal(seen, holding[key(seen.id)]) for seen in unwanted if key(seen.id) in holding
    ]
    deletions = [
        Delete(
            id=seen.id,
            etag=seen.etag,
            why="nothing asks for it",
            needs=_referrers(view, seen.id),
            disrupts=_disrupted(seen.id),
        )
        for seen in unwanted
        if key(seen.id) in going and seen.is_settled and not _goes_with_parent(seen.id, going)
    ]
    return (*refusals, *deletions)


def _may_delete(view: View) -> bool:
    management = view.spec.management
    is_kept = management.deletion_policy is DeletionPolicy.RETAIN
    return not is_kept and management.mode is not ManagementMode.OBSERVE


def _unwanted(view: View, keep: Collection[str]) -> tuple[Present, ...]:
    return tuple(
        seen
        for seen in view.seen.present()
        if key(seen.id) not in keep
        and type_of(seen.id) != RESOURCE_GROUP
        and not _is_retained(view, seen)
        and (is_ours(view, seen) or _is_boot_disk_of_ours(view, seen))
    )


def _is_at_rest(view: View, group: Present) -> bool:
    """Say whether a group is not on its way out, and all that is in it is known."""
    return group.is_settled and view.seen.listing(group.id) is not None


def _is_retained(view: View, seen: Present) -> bool:
    """Say whether it is a disk with data, and data is not to be deleted."""
    may_go = view.spec.management.deletion_policy is DeletionPolicy.DELETE
    return _kind(seen.id) == _DISKS and not may_go and not _is_boot_disk(seen)


def _is_boot_disk(seen: Present) -> bool:
    return _kind(seen.id) == _DISKS and bool(seen.properties.get("osType"))


def _is_boot_disk_of_ours(view: View, seen: Present) -> bool:
    return _is_boot_disk(seen) and is_made_by_us(view, seen)


def _referrers(view: View, resource: ArmId) -> frozenset[ArmId]:
    """Return what must be gone, or have let go of a resource, before it can be deleted."""
    types = REFERRERS.get(_kind(resource), set())
    return frozenset(
        seen.id
        for seen in view.seen.present()
        if _kind(seen.id) in types
        or (_kind(seen.id) == _ASSIGNMENTS and is_inside(seen.id, resource))
    )


def _goes_with_parent(resource: ArmId, going: Collection[str]) -> bool:
    """Say whether deleting the parent deletes it; a link and a role assignment it does not."""
    return _kind(resource) not in {_LINKS, _ASSIGNMENTS} and _has_going_parent(resource, going)


def _disrupted(resource: ArmId) -> str | None:
    """Return the node that loses its machine, or a right on it."""
    machine = parent_of(resource) if _kind(resource) == _ASSIGNMENTS else resource
    return name_of(machine) if _kind(machine) == _MACHINES else None


def _has_going_parent(resource: ArmId, going: Collection[str]) -> bool:
    scope = parent_of(resource)
    while type_of(scope) not in {"", RESOURCE_GROUP}:
        if key(scope) in going:
            return True
        scope = parent_of(scope)
    return False


def _foreign_inside(view: View, seen: Present) -> str | None:
    """Return what others have inside of a resource of ours and would lose with it."""
    kind = _kind(seen.id)
    if kind == _NETWORKS:
        subnets = [str(one["id"]) for one in seen.properties.get("subnets") or ()]
        ours = key(view.names.subnet)
        others = [one for one in subnets if key(one) != ours and not view.is_inventoried(one)]
        return f"the subnets {', '.join(map(name_of, map(ArmId, others)))}" if others else None
    if kind in OWN_RECORDS:
        records = (one for one in view.seen.present() if is_inside(one.id, seen.id))
        ours_count = sum(_kind(one.id) == f"{kind}/a" and is_ours(view, one) for one in records)
        count = int(seen.properties.get("numberOfRecordSets") or 0)
        others_count = count - OWN_RECORDS[kind] - ours_count
        return f"{others_count} record sets" if others_count > 0 else None
    return None


def _refusal(seen: Present, held: str) -> Refuse:
    why = f"{describe(seen.id)} is ours, and holds {held} that are not: it is not deleted"
    return Refuse(id=seen.id, reason=Reason.FOREIGN_INSIDE, why=why, blocks=False)


def _group(view: View, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    group = view.present(view.names.resource_group)
    if group is None or not group.is_settled or not is_ours(view, group):
        return ()
    listing = view.seen.listing(group.id)
    going = {key(step.id) for step in steps if isinstance(step, Delete)}
    going |= {key(seen.id) for seen in _unwanted(view, frozenset()) if not seen.is_settled}
    if listing is None or not all(
        key(member) in going or _has_going_parent(member, going) for member in listing
    ):
        return ()
    needs = frozenset(listing) | {step.id for step in steps if isinstance(step, Delete)}
    return (
        Delete(id=group.id, etag=None, why="we made it and nothing else is in it", needs=needs),
    )


def _kind(resource: ArmId) -> str:
    return type_of(resource).casefold()
