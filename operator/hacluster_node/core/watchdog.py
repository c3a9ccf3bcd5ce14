"""Rule 4: the kernel watchdog is petted only when every right held here is freshly confirmed.

If agent and guard both die, the watchdog resets the machine W after the last pet. That must come
before any lease ends, so a pet is allowed only while W + J fit into what is left of each.
``node.petted`` + W is when the kernel resets the machine, also after W has changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hacluster_node.core import effects
from hacluster_node.core.clocks import longest
from hacluster_node.core.state import NodeState, Phase

if TYPE_CHECKING:
    from hacluster_node.core.state import Right

SERVING = frozenset({Phase.HELD, Phase.FENCING})
"""Phases in which something of the group may still serve."""


def confirmed(node: NodeState) -> None:
    """Pet after a confirmed renewal, unless another group's right is too old."""
    if all(allows(node, right) for right in node.rights.values() if right.phase in SERVING):
        _pet(node)


def idle(node: NodeState) -> None:
    """Pet on a timer while nothing is held; a holder is petted by its renewals only."""
    if not any(right.phase in SERVING for right in node.rights.values()):
        _pet(node)
    else:
        node.watchdog_due = node.now.raw + node.timings.watchdog_s / 3


def changed(node: NodeState, before_s: float) -> None:
    """Count with another W, in force from now on; the kernel learns it by the next pet.

    A shorter W would come too late with the next confirmed renewal: its write may be applied and
    state a shorter lease, and then everything here may hang. So the pet is made now if that brings
    the reset nearer; a reset is never put off here.
    """
    earlier_s = before_s - node.timings.watchdog_s
    if node.petted + earlier_s > node.now.raw:
        _pet(node)
    else:
        node.petted += earlier_s


def allows(node: NodeState, right: Right) -> bool:
    """Tell whether a watchdog petted now fires before this right could outlive its lease."""
    timings = node.timings
    lease_s = right.record.duration_s if right.record is not None else 0.0
    lease_s = min(lease_s, timings.lease_s)
    if longest(right.stamp, node.now) + timings.watchdog_s + timings.slack_s <= lease_s:
        return True
    stamp, valid_s = right.promises_stamp, right.promises_for_s / timings.ratio
    return stamp is not None and (
        longest(stamp, node.now) + timings.watchdog_s + timings.slack_s <= valid_s
    )


def allows_activation(node: NodeState, right: Right) -> bool:
    """Tell whether the last pet, made while nothing was held, ends before this lease does.

    If not, the group waits for its next confirmed renewal, which sets both anew.
    """
    timings = node.timings
    lease_s = min(right.record.duration_s if right.record is not None else 0.0, timings.lease_s)
    bites_in_s = max(0.0, timings.watchdog_s - (node.now.raw - node.petted))
    return longest(right.stamp, node.now) + bites_in_s + timings.slack_s <= lease_s


def _pet(node: NodeState) -> None:
    node.petted = node.now.raw
    node.watchdog_due = node.now.raw + node.timings.watchdog_s / 3
    node.out.append(effects.PetWatchdog())
