"""Rule 10: a probe gets a 200 only from a node that can prove its right at that moment.

The lease must have S left, no thaw may be pending, and the last witness round trip (or complete
round of promises) must be younger than one probe interval. If it is older, or if every probe is to
be proven, a read of the witness begun after the probe arrived decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hacluster_node.core import effects, guide_mode, lease
from hacluster_node.core.clocks import longest
from hacluster_node.core.config import Mode
from hacluster_node.core.events import ProbeAsked, WitnessAnswered, WitnessOutcome
from hacluster_node.core.state import NodeState, Phase, Right

if TYPE_CHECKING:
    from typing import Optional

    from hacluster_node.core.clocks import Clocks


def asked(node: NodeState, event: ProbeAsked) -> None:
    """Answer now, or begin a read that will."""
    right = node.rights.get(event.group)
    why = "the group is unknown here" if right is None else why_not(node, right)
    if right is None or why:
        _answer(node, event.probe, right, why)
    elif node.config.partition.mode is Mode.GUIDE:
        _answer(node, event.probe, right, guide_mode.cut_off(node))
    elif is_fresh(node, right) and not node.config.partition.live_probe:
        _answer(node, event.probe, right, "")
    else:
        number = node.number()
        node.probe_reads[number] = (event.group, event.probe, node.now)
        timeout_s = node.timings.request_s
        node.out.append(effects.ReadWitness(number, event.group, timeout_s))


def why_not(node: NodeState, right: Right) -> str:
    """Return why a probe must not get a 200, as far as this node's own knowledge goes."""
    if right.phase is not Phase.HELD:
        return f"this node is {right.phase.value.lower()} for the group"
    if right.thawed:
        return f"the right is being confirmed again: {right.thawed}"
    if not node.runs[right.group].goal:
        return "the group is being stopped here"
    if lease.left(node, right) + node.timings.slack_s <= 0:
        return "the lease is running out"
    return ""


def is_fresh(node: NodeState, right: Right) -> bool:
    """Tell whether the last round trip is younger than one probe interval."""
    return longest(right.round_trip, node.now) < node.config.probe_interval_s


def answered(node: NodeState, event: WitnessAnswered) -> bool:
    """Use a read made for a probe; False if it was not one."""
    entry = node.probe_reads.pop(event.request, None)
    if entry is None:
        return False
    group, probe, stamp = entry
    right = node.rights.get(group)
    if right is not None:
        _answer(
            node, probe, right, why_not(node, right) or _why_not_read(node, right, event, stamp)
        )
    return True


def _why_not_read(node: NodeState, right: Right, event: WitnessAnswered, stamp: Clocks) -> str:
    late = longest(stamp, node.now) > node.timings.request_s
    record = event.record
    if event.outcome is not WitnessOutcome.OK or late or record is None:
        alone = is_fresh(node, right) and right.promises_stamp is not None
        return "" if alone else "the witness did not confirm the right in time"
    if not lease.is_ours(node, right, record):
        return f"the witness names {record.holder} at epoch {record.epoch}"
    right.round_trip = stamp
    return ""


def _answer(node: NodeState, probe: int, right: Optional[Right], why: str) -> None:
    epoch = right.epoch if right is not None else 0
    node.out.append(effects.AnswerProbe(probe, not why, epoch, why or "active"))
