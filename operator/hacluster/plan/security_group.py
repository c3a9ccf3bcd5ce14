"""The security group of the nodes' interfaces: without it a Standard balancer reaches nobody.

A PUT takes the list of rules as the whole truth, so that rules of other people are read, kept and
sent back. Ours are the declared ones, those of `security_rules`, and those in the inventory.
"""

from collections.abc import Mapping
from typing import Any

from hacluster.plan.security_rules import rules
from hacluster.plan.settle import look_up, settle
from hacluster.plan.steps import Step
from hacluster.plan.view import View, remembered
from hacluster.plan.wanted import LOCATION, Wanted, regional


def plan(view: View) -> tuple[Step, ...]:
    """Return the step that makes the group what the spec asks for; an existing one is only used."""
    if view.spec.network.security_group.existing:
        path = "network.securityGroup.existing.id"
        return look_up(view, view.names.security_group, path)
    return tuple(step for wanted in desired(view) for step in settle(view, wanted))


@remembered
def desired(view: View) -> tuple[Wanted, ...]:
    """Return the group, or nothing where it exists."""
    if view.spec.network.security_group.existing:
        return ()
    wanted = Wanted(
        id=view.names.security_group,
        body=regional(view, {"securityRules": rules(view, _foreign(view))}),
        needs=frozenset({view.names.resource_group}),
        immutable=LOCATION,
        omitted=(
            "properties.networkInterfaces",
            "properties.subnets",
        ),
        children=("securityRules",),
    )
    return (wanted,)


def _foreign(view: View) -> list[Mapping[str, Any]]:
    """Return the rules that are not ours: their names are none of ours, nor is their id."""
    seen = view.present(view.names.security_group)
    if seen is None:
        return []
    ours = {rule["name"].casefold() for rule in rules(view, ())}
    return [
        rule
        for rule in seen.properties.get("securityRules") or ()
        if rule["name"].casefold() not in ours and not view.is_inventoried(rule["id"])
    ]
