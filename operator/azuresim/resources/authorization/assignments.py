"""Role assignments: a principal, a role, a scope and everything below it."""

import re
from typing import Final

from azuresim import ids
from azuresim.clock import timestamp
from azuresim.errors import ArmError, bad_request
from azuresim.resources import versions
from azuresim.resources.authorization import roles
from azuresim.resources.call import Call, Draft
from azuresim.resources.contract import Fact, Placed, Reply, ResourceType, Source
from azuresim.resources.families import AUTHORIZATION
from azuresim.resources.identities import principals
from azuresim.resources.schema import Choice, Text, generated, read_only, shape
from azuresim.state.records import Record
from azuresim.state.store import container_key

KIND: Final = "Microsoft.Authorization/roleAssignments"
OF_PRINCIPAL: Final = re.compile(
    r"(?:principalId eq|assignedTo\()\s*'?\{?([0-9A-Fa-f-]{36})", re.IGNORECASE
)
LONG_AGO: Final = timestamp(1_600_000_000)
"""When the owner became one: nobody waits for that to spread."""
FIXED: Final = ("principalId", "roleDefinitionId")

PROPERTIES: Final = shape(
    roleDefinitionId=Text(required=True),
    principalId=Text(required=True),
    principalType=Choice(
        words=("User", "Group", "ServicePrincipal", "ForeignGroup", "Device"),
        sticky=True,
    ),
    scope=read_only(),
    condition=Text(),
    conditionVersion=Text(),
    description=Text(longest=1024),
    delegatedManagedIdentityResourceId=Text(),
    createdOn=generated(lambda call: call.timestamp),
    updatedOn=generated(lambda call: call.timestamp),
    createdBy=generated(lambda call: call.principal),
    updatedBy=generated(lambda call: call.principal),
)


def scope_of(record: Record) -> str:
    """Return the key of the scope an assignment hangs from; empty for the tenant's root."""
    return container_key(record.key)


def seed(call: Call, object_id: str, role_id: str) -> None:
    """Make a principal the holder of a role on the subscription, under the name of its own id."""
    scope = f"/subscriptions/{call.subscription}"
    resource_id = f"{scope}/providers/{KIND}/{object_id}"
    if call.get(resource_id) is not None:
        return
    properties = {
        "roleDefinitionId": f"{scope}/providers/{roles.KIND}/{role_id}",
        "principalId": object_id,
        "principalType": "ServicePrincipal",
        "scope": scope,
        "createdOn": LONG_AGO,
        "updatedOn": LONG_AGO,
    }
    record = Record(id=resource_id, kind=KIND.casefold(), etag="1", data=b"")
    call.tx.save(record.with_body({"properties": properties}, etag="1"))


def _check(call: Call, draft: Draft) -> None:
    properties = draft.properties
    role = roles.find(call, properties["roleDefinitionId"])
    if role is None:
        name = ids.name_of(properties["roleDefinitionId"])[:80]
        message = f"The specified role definition with ID '{name}' does not exist."
        raise bad_request("RoleDefinitionDoesNotExist", message)
    properties["roleDefinitionId"] = role.id
    properties["scope"] = draft.id.rpartition("/providers/")[0] or "/"
    _check_principal(call, draft)
    if draft.before is None:
        _check_duplicate(call, draft)
        return
    if any(draft.before["properties"][name] != properties[name] for name in FIXED):
        message = (
            "Tenant ID, application ID, principal ID, and scope are not allowed to be updated."
        )
        raise bad_request("RoleAssignmentUpdateNotPermitted", message)


def _check_principal(call: Call, draft: Draft) -> None:
    """Refuse a principal that nobody is; a caller who names the type is believed, as in Azure."""
    wanted = draft.properties["principalId"].casefold()
    believed = draft.before is not None or "principalType" in draft.properties
    draft.properties["principalId"] = wanted
    draft.properties.setdefault("principalType", "ServicePrincipal")
    if not re.fullmatch(roles.GUID, wanted):
        message = "The principal ID is not a valid GUID."
        raise bad_request("InvalidPrincipalId", message)
    if not (believed or call.knows(wanted) or principals.find(call, wanted)):
        message = (
            f"Principal {wanted.replace('-', '')} does not exist in the directory {call.tenant}. "
            "Check that you have the correct principal ID. If you are creating this principal and "
            "then immediately assigning a role, this error might be related to a replication "
            "delay. In this case, set the role assignment principalType property to a value, such "
            "as ServicePrincipal, User, or Group. See "
            "https://aka.ms/docs-principaltype"
        )
        raise bad_request("PrincipalNotFound", message)


def _check_duplicate(call: Call, draft: Draft) -> None:
    scope = ids.key(draft.id).rpartition("/providers/")[0]
    for other in call.tx.members(scope, KIND.casefold()):
        same = all(
            other.body()["properties"][name].casefold() == draft.properties[name].casefold()
            for name in FIXED
        )
        if same and scope_of(other) == scope:
            message = "The role assignment already exists."
            message += f" The ID of the existing role assignment is {other.name.replace('-', '')}."
            raise ArmError(409, "RoleAssignmentExists", message)


def _members(call: Call, scope: str) -> list[Record]:
    """Return the assignments at a scope, above it and, unless `atScope()` is asked, below it."""
    key, wanted = ids.key(scope), call.query.get("$filter", "")
    below = "atscope()" not in wanted.casefold()
    found = []
    for record in call.tx.members(roles.holder(call), KIND.casefold()):
        at = scope_of(record)
        above = f"{key}/".startswith(f"{at}/")
        if above or (below and at.startswith(f"{key}/")):
            found.append(record)
    return found


def _listed(call: Call, record: Record) -> bool:
    wanted = OF_PRINCIPAL.search(call.query.get("$filter", ""))
    return wanted is None or record.body()["properties"]["principalId"] == wanted[1].casefold()


TYPE: Final = ResourceType(
    kind=KIND,
    family=AUTHORIZATION,
    versions=versions.ROLE_ASSIGNMENTS,
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
    name_pattern=roles.GUID,
    check=_check,
    members=_members,
    listed=_listed,
    facts=(
        Fact("takes effect some seconds after it is made, as under durations", Source.DOCUMENT),
        Fact("the same principal, role and scope twice: 409", Source.DOCUMENT),
    ),
    missing=("conditions are kept and not judged", "deny assignments", "groups"),
)
