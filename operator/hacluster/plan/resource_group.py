"""The resource group that everything of a cluster is in.

A group that is there already is used as it is, whoever made it: it is a place, not a part of the
service, and clusters may share one. Only a group of our own is kept tagged, and only such a one is
deleted, when nothing is left in it (`deletion`).
"""

from hacluster.model.observed import Present
from hacluster.plan.settle import settle
from hacluster.plan.steps import Step
from hacluster.plan.view import View, remembered
from hacluster.plan.wanted import LOCATION, Wanted, is_ours


def plan(view: View) -> tuple[Step, ...]:
    """Return the step that makes the group, or that mends the tags of our own."""
    (wanted,) = desired(view)
    seen = view.get(wanted.id)
    if isinstance(seen, Present) and not is_ours(view, seen):
        return ()
    return settle(view, wanted)


@remembered
def desired(view: View) -> tuple[Wanted, ...]:
    """Return the group."""
    body = {"location": view.spec.azure.location, "tags": view.names.tags}
    return (Wanted(id=view.names.resource_group, body=body, immutable=LOCATION),)
