"""What the nodes' identity may do in Azure, and nothing more.

Write the blobs of the cluster's own container (Azure's built-in role); read the cluster's machines;
read and write the one record set; and read the zone's name servers. The last three are one custom
role, assigned at each of these places, so that a node of one cluster can do nothing to another.
In a zone of the cluster's own it is assigned at the zone: what is assigned at a record set goes
with it, and a node has to write a set again that somebody has deleted.

With ``cluster.store.access: SAS`` the operator may not assign roles: then none is made, and whoever
may has to let the nodes write the record set.
"""

from collections.abc import Iterator
from typing import Any, Final

from hacluster.model.access import Visibility
from hacluster.model.ids import ArmId, key
from hacluster.model.observed import Present
from hacluster.model.partition import StoreAccess
from hacluster.plan.settle import describe, drift, settle
from hacluster.plan.steps import Delete, Pending, Step
from hacluster.plan.view import View, remembered
from hacluster.plan.wanted import Wanted, is_ours

MACHINE_ACTIONS: Final = (
    "Microsoft.Compute/virtualMachines/read",
    "Microsoft.Compute/virtualMachines/instanceView/read",
)
RECORD_ACTIONS: Final = {
    Visibility.PUBLIC: (
        "Microsoft.Network/dnsZones/A/read",
        "Microsoft.Network/dnsZones/A/write",
        "Microsoft.Network/dnsZones/NS/read",
    ),
    Visibility.PRIVATE: (
        "Microsoft.Network/privateDnsZones/A/read",
        "Microsoft.Network/privateDnsZones/A/write",
    ),
}


def plan(view: View) -> tuple[Step, ...]:
    """Return the steps that give the nodes their rights."""
    return tuple(step for wanted in desired(view) for step in _settle(view, wanted))


@remembered
def desired(view: View) -> tuple[Wanted, ...]:
    """Return the custom role and all assignments."""
    if view.spec.cluster.store.access is StoreAccess.SAS:
        return ()
    names = view.names
    store = _assignment(view, names.container, names.blob_role, begun=False)
    actions = tuple(_actions(view))
    if not actions:
        return (store,)
    role = names.role_definition
    machines = [names.machine(node) for node in view.spec.nodes] if view.makes_machines else []
    # A machine can be given rights to while it is still being made.
    on_machines = [_assignment(view, scope, role, begun=True) for scope in machines]
    on_records = [_assignment(view, scope, role, begun=False) for scope in _record_scopes(view)]
    return (_role(view, actions), store, *on_machines, *on_records)


def _settle(view: View, wanted: Wanted) -> tuple[Step, ...]:
    """Azure changes no assignment (RoleAssignmentUpdateNotPermitted): a wrong one is made again."""
    seen = view.get(wanted.id)
    if key(wanted.id) == key(view.names.role_definition) or not isinstance(seen, Present):
        return settle(view, wanted)
    changes = drift(view, wanted, seen) if is_ours(view, seen) else ()
    if not changes:
        return settle(view, wanted)
    paths = ", ".join(change.path for change in changes)
    why = f"{describe(wanted.id)} is made again, since Azure cannot change {paths} in place"
    return (Delete(id=wanted.id, etag=seen.etag, why=why),)


def _actions(view: View) -> Iterator[str]:
    if view.makes_machines:
        yield from MACHINE_ACTIONS
    if dns := view.spec.access.dns:
        yield from RECORD_ACTIONS[dns.visibility]


def _record_scopes(view: View) -> tuple[ArmId, ...]:
    dns = view.spec.access.dns
    if dns is None:
        return ()
    if dns.manage_zone:
        return (view.names.zone(dns),)
    records = view.names.record_set(dns)
    is_public = dns.visibility is Visibility.PUBLIC
    return (records, view.names.name_servers(dns)) if is_public else (records,)


def _role(view: View, actions: tuple[str, ...]) -> Wanted:
    names = view.names
    permissions = {
        "actions": list(actions),
        "notActions": [],
        "dataActions": [],
        "notDataActions": [],
    }
    properties: dict[str, Any] = {
        "roleName": names.role_name,
        "description": names.owner_mark,
        "type": "CustomRole",
        "assignableScopes": [names.resource_group],
        "permissions": [permissions],
    }
    return Wanted(
        id=names.role_definition,
        body={"properties": properties},
        needs=frozenset({names.resource_group}),
    )


def _assignment(view: View, scope: ArmId, role: ArmId, *, begun: bool) -> Wanted:
    names = view.names
    custom = {role} if role == names.role_definition else set()
    properties = {
        "roleDefinitionId": role,
        "principalId": _principal(view),
        "principalType": "ServicePrincipal",
        "description": names.owner_mark,
    }
    needed = _scope_need(view, scope)
    return Wanted(
        id=names.role_assignment(scope),
        body={"properties": properties},
        needs=frozenset({names.identity, *custom} | (set() if begun else {needed})),
        needs_begun=frozenset({needed} if begun else ()),
    )


def _scope_need(view: View, scope: ArmId) -> ArmId:
    """The name servers' record set comes with its zone."""
    dns = view.spec.access.dns
    return view.names.zone(dns) if dns and scope == view.names.name_servers(dns) else scope


def _principal(view: View) -> str | Pending:
    identity = view.names.identity
    seen = view.present(identity)
    found = seen.properties.get("principalId") if seen else None
    return str(found) if found else Pending(identity, "properties.principalId")
