"""The disk a machine boots from: made by Azure with the machine, and gone with it.

It is no part that the spec asks for by itself. One that is left over, because a machine went
without it, stands in the way of the next machine of that name; ours is removed, another is refused.
"""

from hacluster.model.ids import ArmId, same_id
from hacluster.model.machines import Node
from hacluster.model.observed import Absent, Present, Unknown
from hacluster.model.reasons import Reason
from hacluster.plan.steps import Delete, Refuse, Step
from hacluster.plan.view import View
from hacluster.plan.wanted import is_ours


def ids(view: View) -> tuple[ArmId, ...]:
    """Return the ids of the disks that the nodes boot from."""
    return (
        tuple(view.names.os_disk(node) for node in view.spec.nodes) if view.makes_machines else ()
    )


def is_made_by_us(view: View, disk: Present) -> bool:
    """Say whether a boot disk is ours: Azure need not give it the tags of its machine."""
    return is_ours(view, disk) or view.is_inventoried(disk.id)


def leftover(view: View, node: Node) -> tuple[Step, ...] | None:
    """Return what must be done before a machine that is missing can be made.

    None means that nothing stands in its way; no steps, that it has to wait.
    """
    disk = view.get(view.names.os_disk(node))
    if isinstance(disk, Absent):
        return None
    if isinstance(disk, Unknown) or _is_still_attached(view, node, disk):
        return ()
    if is_made_by_us(view, disk) and not disk.body.get("managedBy"):
        why = f"it is left over from an earlier machine {node.name}"
        return (Delete(id=disk.id, etag=disk.etag, why=why),)
    why = (
        f"the disk that {node.name} is to boot from exists and was not made by this object, or is "
        "attached to another machine: delete the disk, or choose another node name"
    )
    return (Refuse(id=disk.id, reason=Reason.ADOPTION_REQUIRED, why=why),)


def _is_still_attached(view: View, node: Node, disk: Present) -> bool:
    """Say whether Azure is only just taking the machine away."""
    return same_id(str(disk.body.get("managedBy") or ""), view.names.machine(node))
