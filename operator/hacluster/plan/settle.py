"""From one wanted resource and what was seen of it to steps: the same for every part.

| seen | step |
|---|---|
| unknown | none: nothing rests on what could not be read |
| absent | create it |
| an operation is under way | none: look again |
| not ours, and may not be adopted | refuse |
| differs where Azure changes nothing in place | refuse, and settle all other differences |
| differs, or its last operation failed | put it, laid over what is there |
| as wanted | none |
"""

from collections.abc import Mapping
from typing import Any, assert_never

from hacluster.model.ids import ArmId, key, name_of, parent_of, type_of
from hacluster.model.observed import Absent, Present, Unknown
from hacluster.model.reasons import Reason
from hacluster.plan.diff import ABSENT, differences, is_at, overlay, pattern, without_none
from hacluster.plan.steps import Change, Put, Refuse, Step
from hacluster.plan.view import View
from hacluster.plan.wanted import Ownership, Wanted, may_adopt, ownership


def settle(view: View, wanted: Wanted) -> tuple[Step, ...]:
    """Return the steps that make one resource what is wanted."""
    seen = view.get(wanted.id)
    match seen:
        case Unknown():
            return ()
        case Absent():
            return (_creation(wanted),)
        case Present():
            return _repair(view, wanted, seen) if seen.is_settled else ()
        case _:
            assert_never(seen)


def look_up(view: View, resource: ArmId, path: str) -> tuple[Step, ...]:
    """Return a refusal if something that the spec calls existing is not there."""
    if not isinstance(view.get(resource), Absent):
        return ()
    why = f"{path} names {resource}, which does not exist: correct the name or create it"
    return (Refuse(id=resource, reason=Reason.EXISTING_NOT_FOUND, why=why),)


def drift(view: View, wanted: Wanted, seen: Present) -> tuple[Change, ...]:
    """Return every difference between what is wanted and what is there."""
    stated = _without(wanted.body, wanted.at_creation)
    return tuple(differences(stated, seen.body, view.is_inventoried))


def describe(resource: ArmId) -> str:
    """Return a resource in few words: ``loadBalancers/web-lb``.

    A role assignment's name is a GUID, so that the place it is for stands instead.
    """
    if "/roleassignments/" in key(resource):
        return f"roleAssignments at {describe(parent_of(resource))}"
    return f"{type_of(resource).rsplit('/', 1)[-1]}/{name_of(resource)}"


def _creation(wanted: Wanted) -> Put:
    return Put(
        id=wanted.id,
        body=without_none(wanted.body),
        etag=None,
        why="it is missing",
        needs=wanted.needs,
        needs_begun=wanted.needs_begun,
        creates=True,
    )


def _repair(view: View, wanted: Wanted, seen: Present) -> tuple[Step, ...]:
    found = ownership(view, seen)
    if not may_adopt(found, view.spec.management.adoption):
        return (_refused_adoption(view, wanted, found),)
    changes = drift(view, wanted, seen)
    fixed = tuple(one for one in changes if is_at(one.path, wanted.immutable))
    loose = tuple(one for one in changes if one not in fixed)
    refusals = (_immutable(wanted, fixed),) if fixed else ()
    if not loose and seen.has_succeeded:
        return refusals
    return (
        *refusals,
        _update(view, wanted, seen, loose, keep={pattern(one.path) for one in fixed}),
    )


def _update(
    view: View, wanted: Wanted, seen: Present, changes: tuple[Change, ...], keep: set[str]
) -> Put:
    have = {name: value for name, value in seen.body.items() if name not in {"id", "name", "type"}}
    body = overlay(
        _without(wanted.body, wanted.at_creation),
        _without(have, wanted.omitted),
        view.is_inventoried,
        keep,
    )
    # Whatever is taken away from a node may be in use there.
    is_disruptive = any(one.want is ABSENT or is_at(one.path, wanted.disruptive) for one in changes)
    return Put(
        id=wanted.id,
        body=without_none(body),
        etag=seen.etag,
        why=_why(changes, seen),
        needs=wanted.needs,
        needs_begun=wanted.needs_begun,
        disrupts=wanted.node if is_disruptive else None,
        changes=changes,
    )


def _why(changes: tuple[Change, ...], seen: Present) -> str:
    if not changes:
        return f"Azure's last operation on it ended as {seen.provisioning_state}"
    paths = [one.path for one in changes[:4]]
    more = f" and {len(changes) - 4} more" if len(changes) > 4 else ""
    return f"it differs in {', '.join(paths)}{more}"


def _immutable(wanted: Wanted, changes: tuple[Change, ...]) -> Refuse:
    remedies = dict.fromkeys(
        remedy
        for one in changes
        for pattern, remedy in wanted.immutable.items()
        if is_at(one.path, (pattern,))
    )
    what = "; ".join(f"{one.path} is {one.have!r}, wanted {one.want!r}" for one in changes[:3])
    why = f"Azure cannot change it in place: {what}. {' '.join(remedies)}"
    return Refuse(
        id=wanted.id,
        reason=Reason.IMMUTABLE_DIFFERENCE,
        why=why,
        changes=changes,
        blocks=False,
    )


def _refused_adoption(view: View, wanted: Wanted, found: Ownership) -> Refuse:
    what = describe(wanted.id)
    if found is Ownership.ANOTHERS:
        why = f"{what} belongs to another HAClusterSpec: choose another name"
        return Refuse(id=wanted.id, reason=Reason.OWNED_BY_ANOTHER, why=why)
    allowed = "IfTagged or Always" if found is Ownership.FORMERLY_OURS else "Always"
    why = (
        f"{what} exists and was not made by this object ({view.names.owner}): choose another "
        f"name, or set management.adoption to {allowed}"
    )
    return Refuse(id=wanted.id, reason=Reason.ADOPTION_REQUIRED, why=why)


def _without(
    body: Mapping[str, Any], left_out: tuple[str, ...], path: str = ""
) -> Mapping[str, Any]:
    if not left_out:
        return body
    return {
        name: _without(value, left_out, inner) if isinstance(value, Mapping) else value
        for name, value in body.items()
        if (inner := f"{path}.{name}".lstrip(".")) not in left_out
    }
