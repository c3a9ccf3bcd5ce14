"""Role definitions: the built-in ones, and custom ones of the subscription."""

import re
from typing import Any, Final

from azuresim import ids
from azuresim.errors import ArmError, bad_request
from azuresim.resources import versions
from azuresim.resources.authorization.builtin import ROLES
from azuresim.resources.call import Call, Draft
from azuresim.resources.contract import Fact, Placed, Reply, ResourceType, Source
from azuresim.resources.families import AUTHORIZATION
from azuresim.resources.schema import Choice, Items, Text, generated, shape
from azuresim.state.records import Record

KIND: Final = "Microsoft.Authorization/roleDefinitions"
ASSIGNMENTS: Final = "microsoft.authorization/roleassignments"
GUID: Final = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
NAMED: Final = re.compile(r"roleName eq '([^']*)'", re.IGNORECASE)
TYPED: Final = re.compile(r"type eq '([^']*)'", re.IGNORECASE)

WORDS: Final = Items(of=Text(), default=[])
PROPERTIES: Final = shape(
    roleName=Text(required=True, longest=512),
    type=Choice(words=("CustomRole", "BuiltInRole"), default="CustomRole"),
    description=Text(default="", longest=2048),
    assignableScopes=Items(of=Text(), required=True),
    permissions=Items(
        of=shape(actions=WORDS, notActions=WORDS, dataActions=WORDS, notDataActions=WORDS),
        required=True,
    ),
    createdOn=generated(lambda call: call.timestamp),
    updatedOn=generated(lambda call: call.timestamp),
    createdBy=generated(lambda call: call.principal),
    updatedBy=generated(lambda call: call.principal),
)


def holder(call: Call) -> str:
    """Return the key of what custom and built-in roles are kept under."""
    return f"/subscriptions/{call.subscription}".casefold()


def every(call: Call, _: str = "") -> list[Record]:
    """Return all roles: they can be assigned at every scope of the subscription."""
    return call.tx.members(holder(call), KIND.casefold())


def find(call: Call, role_id: str) -> Record | None:
    """Return a role by an id at whatever scope; the name alone tells it."""
    return call.tx.get(f"{holder(call)}/providers/{KIND}/{ids.name_of(role_id)}".casefold())


def seed(call: Call) -> None:
    """Put the built-in roles in, where they are not there yet."""
    for role in ROLES:
        resource_id = f"/subscriptions/{call.subscription}/providers/{KIND}/{role.id}"
        if call.get(resource_id) is None:
            record = Record(id=resource_id, kind=KIND.casefold(), etag="1", data=b"")
            call.tx.save(record.with_body({"properties": role.properties()}, etag="1"))


def _check(call: Call, draft: Draft) -> None:
    if draft.before and draft.before["properties"]["type"] == "BuiltInRole":
        raise _fixed(draft.id)
    draft.properties["type"] = "CustomRole"
    draft.properties["updatedOn"] = call.timestamp
    if not draft.properties["permissions"]:
        message = "The role definition has no permissions: name at least one."
        raise bad_request("InvalidRoleDefinitionPermissions", message)
    own, name = ids.key(draft.id), draft.properties["roleName"].casefold()
    for other in every(call):
        if other.key != own and other.body()["properties"]["roleName"].casefold() == name:
            message = f"A custom role with the same name '{name}' already exists in this directory."
            raise ArmError(409, "RoleDefinitionWithSameNameExists", message)


def _listed(call: Call, record: Record) -> bool:
    properties, asked = record.body()["properties"], call.query.get("$filter", "")
    named, typed = NAMED.search(asked), TYPED.search(asked)
    return (named is None or named[1].casefold() == properties["roleName"].casefold()) and (
        typed is None or typed[1].casefold() == properties["type"].casefold()
    )


def _remove(call: Call, record: Record) -> None:
    if record.body()["properties"]["type"] == "BuiltInRole":
        raise _fixed(record.id)
    for assignment in call.tx.members(holder(call), ASSIGNMENTS):
        used = assignment.body()["properties"]["roleDefinitionId"]
        if ids.name_of(used).casefold() == record.name.casefold():
            message = (
                "There are existing role assignments referencing role (code: "
                "RoleDefinitionHasAssignments)."
            )
            raise bad_request("RoleDefinitionHasAssignments", message)


def _show(_: Call, __: Record, wire: dict[str, Any]) -> None:
    """Leave out what a built-in role does not have."""
    if wire["properties"]["type"] == "BuiltInRole":
        wire["properties"] |= {"createdBy": None, "updatedBy": None}


def _fixed(role_id: str) -> ArmError:
    message = f"The built-in role '{ids.name_of(role_id)}' cannot be changed."
    return ArmError(403, "RoleDefinitionCannotBeUpdated", message)


TYPE: Final = ResourceType(
    kind=KIND,
    family=AUTHORIZATION,
    versions=versions.ROLE_DEFINITIONS,
    properties=PROPERTIES,
    placed=Placed.NOWHERE,
    tagged=False,
    stateful=False,
    scoped=True,
    create=Reply(status=201),
    update=Reply(status=201),
    delete=Reply(status=200),
    duration="at once",
    patch="",
    name_pattern=GUID,
    check=_check,
    show=_show,
    members=every,
    listed=_listed,
    remove=_remove,
    facts=(
        Fact("built-in roles with Azure's ids and actions", Source.DOCUMENT),
        Fact("a role that is assigned cannot be deleted", Source.DOCUMENT),
    ),
    missing=("conditions on actions; assignable scopes are kept and not checked",),
)
