"""Rule 7: a right is given back only when its fence is complete.

The release is the best evidence there is, so it is tried until the witness says what became of
it, however long the witness is away. Meanwhile nothing of the group runs here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hacluster_node.core import effects, lease, leaving, peers, policy
from hacluster_node.core.config import FinalAction, Mode
from hacluster_node.core.events import WitnessAnswered, WitnessOutcome
from hacluster_node.core.state import NodeState, Pending, Phase, Purpose, Right

if TYPE_CHECKING:
    from hacluster_node.core.group_run import GroupRun
    from hacluster_node.core.record import Record


def begin(node: NodeState, right: Right) -> None:
    """Write the release; only ever called with the fence complete, or never needed."""
    right.phase = Phase.RELEASING
    record, run = right.record, node.runs[right.group]
    if record is None or not lease.is_ours(node, right, record):
        finish(node, right)
        return
    if node.config.partition.mode is Mode.GUIDE:  # the record is only this node's own note
        right.record = last_word(node, run, right, record)
        finish(node, right)
        return
    lease.send(node, right, Purpose.RELEASE, last_word(node, run, right, record))


def last_word(node: NodeState, run: GroupRun, right: Right, record: Record) -> Record:
    """Return the record that tells the others to go ahead, and what is wanted from now on.

    Suspects stay in it unless this node activated: a release proves nothing about others.
    """
    ending, me = run.ending, node.config.node
    failed = ending is not None and ending.failed
    new = me not in record.failed_on
    return record._replace(
        counter=record.counter + 1,
        released=True,
        wanted=(ending.wanted if ending is not None else None) or record.wanted,
        successor=(ending.successor if ending is not None else "") or policy.successor(node, right),
        failovers=record.failovers + (1 if failed else 0),
        failed_on=(*record.failed_on, me) if failed and new else record.failed_on,
        suspects=() if run.proven else record.suspects,
    )


def answered(node: NodeState, right: Right, event: WitnessAnswered, pending: Pending) -> None:
    """Use the outcome of the release, or of the look after a conflict."""
    right.pending = None
    outcome, record = event.outcome, event.record
    if outcome is WitnessOutcome.UNKNOWN:
        unknown(node, right)
    elif outcome is WitnessOutcome.CONFLICT:
        lease.send(node, right, Purpose.REREAD)
    elif outcome is WitnessOutcome.ABSENT or record is None:
        finish(node, right)
    elif pending.purpose is Purpose.RELEASE or not lease.is_ours(node, right, record):
        lease.saw(node, right, record, event.version)
        finish(node, right)
    else:
        right.record, right.version = record, event.version
        begin(node, right)


def unknown(node: NodeState, right: Right) -> None:
    """Perhaps written, perhaps not: look again soon, and at most every R."""
    right.failures += 1
    pause_s = node.timings.backoff_s if right.failures < node.timings.retries else 0.0
    right.next_at = node.now.raw + (pause_s or node.timings.renew_s)


def advance(node: NodeState, right: Right) -> None:
    """Try again if it is due."""
    pending = right.pending
    if pending is not None and not lease.is_in_time(node, pending):
        right.pending = None
        unknown(node, right)
    if right.pending is None and node.now.raw >= right.next_at:
        lease.send(node, right, Purpose.REREAD)


def finish(node: NodeState, right: Right) -> None:
    """The right is given back, or had passed on already."""
    run = node.runs[right.group]
    ending, run.ending = run.ending, None
    why = ending.why if ending is not None else "it was never used"
    node.out.append(effects.Decided(run.name, "Released", why, right.epoch))
    right.phase = Phase.IDLE
    right.pending = right.unsure = None
    right.failures = right.epoch = 0
    right.forced = ""
    run.proven = False
    right.next_at = node.now.raw + node.timings.poll_s
    peers.beat(node)
    if ending is not None and ending.final_action is not FinalAction.NONE:
        leaving.final_action(node, run.name, ending.final_action, ending.why)
