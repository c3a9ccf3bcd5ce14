"""May this principal do this here? Role assignments, judged as Azure judges them.

An assignment holds for its scope and all below it, once it has spread; a role allows what one of
its patterns matches and none of its exceptions does. A write that leans on another resource also
needs the right to join that one (source: documents on role-based access and on linked scopes).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from azuresim import ids
from azuresim.errors import ArmError
from azuresim.faults.refusals import GROUP_ACTIONS
from azuresim.resources.authorization import assignments, roles
from azuresim.resources.call import Call
from azuresim.resources.catalog import GROUP_KIND, Target
from azuresim.state.records import Record

VERBS: Final[Mapping[str, str]] = {"GET": "read", "HEAD": "read", "DELETE": "delete"}

JOINS: Final[Mapping[str, str]] = {
    kind.casefold(): f"{kind}/{action}/action"
    for kind, action in (
        ("Microsoft.Network/virtualNetworks", "join"),
        ("Microsoft.Network/virtualNetworks/subnets", "join"),
        ("Microsoft.Network/networkSecurityGroups", "join"),
        ("Microsoft.Network/natGateways", "join"),
        ("Microsoft.Network/publicIPAddresses", "join"),
        ("Microsoft.Network/publicIPPrefixes", "join"),
        ("Microsoft.Network/networkInterfaces", "join"),
        ("Microsoft.Network/loadBalancers/backendAddressPools", "join"),
        ("Microsoft.Network/loadBalancers/inboundNatRules", "join"),
        ("Microsoft.ManagedIdentity/userAssignedIdentities", "assign"),
    )
}
"""What a caller needs on a resource that its own write refers to."""


@dataclass(slots=True)
class Role:
    """Compiled patterns of a role definition; answers are remembered."""

    allowed: tuple[re.Pattern[str], ...]
    excepted: tuple[re.Pattern[str], ...]
    known: dict[str, bool] = field(default_factory=dict)

    def allows(self, action: str) -> bool:
        """Whether an action is in the role."""
        if action not in self.known:
            hit = any(one.fullmatch(action) for one in self.allowed)
            self.known[action] = hit and not any(one.fullmatch(action) for one in self.excepted)
        return self.known[action]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One assignment: from when on, where, what."""

    since: float
    scope: str
    role: Role

    def covers(self, scope: str) -> bool:
        """Whether a scope is this one or below it."""
        return f"{scope}/".startswith(f"{self.scope}/")


class Rights:
    """Judges calls.

    Args:
        spread_s: Simulated seconds until a new assignment holds.
    """

    def __init__(self, spread_s: float) -> None:
        self._spread_s = spread_s
        self._seen: tuple[int, int] | None = None
        self._grants: dict[str, list[Grant]] = {}

    def require(self, call: Call, action: str, scope: str) -> None:
        """Let a call through that its caller has the right to.

        Raises:
            ArmError: 403 that names the action and the scope.
        """
        if not self.allows(call, action, scope):
            raise ArmError(
                403,
                "AuthorizationFailed",
                f"The client '{call.client}' with object id '{call.principal}' does not have "
                f"authorization to perform action '{action}' over scope '{scope}' or the scope is "
                "invalid. If access was recently granted, please refresh your credentials.",
            )

    def allows(self, call: Call, action: str, scope: str) -> bool:
        """Whether the caller may do it there."""
        self._look(call)
        key, folded = ids.key(scope), action.casefold()
        return any(
            grant.since <= call.now and grant.covers(key) and grant.role.allows(folded)
            for grant in self._grants.get(call.principal, ())
        )

    def require_joins(self, call: Call, target: Target) -> None:
        """Refuse a write that leans on what its caller may not join.

        Raises:
            ArmError: 403 that names the actions and the linked scopes.
        """
        record = call.get(target.owner)
        if record is None:
            return
        lacking = sorted(self._lacking(call, record))
        if lacking:
            actions = ", ".join(sorted({action for action, _ in lacking}))
            scopes = ", ".join(scope for _, scope in lacking)
            raise ArmError(
                403,
                "LinkedAuthorizationFailed",
                f"The client '{call.client}' with object id '{call.principal}' has permission to "
                f"perform action '{action_of(target, 'PUT')}' on scope '{target.path.id}'; "
                f"however, it does not have permission to perform action(s) '{actions}' on the "
                f"linked scope(s) '{scopes}' (respectively) or the linked scope(s) are invalid.",
            )

    def _lacking(self, call: Call, record: Record) -> Iterator[tuple[str, str]]:
        for link in call.tx.store.refer(record):
            inside = link.target.startswith(f"{record.key}/")
            action = JOINS.get(ids.parse(link.target).kind.casefold())
            if action and not inside and not self.allows(call, action, link.target):
                yield action, call.locate(call, link.target) or link.target

    def _look(self, call: Call) -> None:
        """Read the assignments anew if any of them, or any role, has changed."""
        store = call.tx.store
        seen = (store.changes(assignments.KIND.casefold()), store.changes(roles.KIND.casefold()))
        if seen == self._seen:
            return
        self._seen, self._grants = seen, {}
        known = {role.name.casefold(): _role(role) for role in roles.every(call)}
        for record in call.tx.members(roles.holder(call), assignments.KIND.casefold()):
            properties = record.body()["properties"]
            role = known.get(ids.name_of(properties["roleDefinitionId"]).casefold())
            if role is not None:
                made = datetime.fromisoformat(properties["createdOn"]).timestamp()
                since = made + self._spread_s
                grant = Grant(since=since, scope=assignments.scope_of(record), role=role)
                self._grants.setdefault(properties["principalId"], []).append(grant)


def scope_of(target: Target) -> str:
    """Return the scope a request is about: of a list and of an action, what they hang from."""
    return target.owner if target.listing or target.action else target.path.id


def action_of(target: Target, verb: str) -> str:
    """Return the action that a verb on a target is, as Azure names it."""
    kind = target.entry.kind
    if kind.casefold() == GROUP_KIND:
        kind = GROUP_ACTIONS
    if target.action is None:
        return f"{kind}/{VERBS.get(verb, 'write')}"
    name = target.path.types[-1]
    return f"{kind}/{name}/{'read' if verb == 'GET' else 'action'}"


def _role(record: Record) -> Role:
    permissions = record.body()["properties"]["permissions"]
    return Role(
        allowed=tuple(_patterns(permissions, "actions")),
        excepted=tuple(_patterns(permissions, "notActions")),
    )


def _patterns(permissions: list[dict[str, Any]], name: str) -> Iterator[re.Pattern[str]]:
    for permission in permissions:
        for action in permission.get(name, ()):
            yield re.compile(".*".join(re.escape(part) for part in action.casefold().split("*")))
