"""One failover group on this node, as a value: its resources, what is wanted, and why it ends.

``group`` decides by it; this module knows only what the parts mean.
"""

from __future__ import annotations

import enum
from typing import NamedTuple, Optional

from hacluster_node.core.clocks import Clocks, shortest
from hacluster_node.core.config import FinalAction, Group, Resource
from hacluster_node.core.heartbeat import Standing
from hacluster_node.core.record import Record, Wanted
from hacluster_node.core.state import NEVER, NodeState, Phase, Right


class Condition(enum.Enum):
    """What is known of one resource on this node."""

    OFF = "Off"
    ON = "On"
    FAILED = "Failed"
    """Its start or stop failed, or it was fenced: it needs a stop before anything else."""


class Action(NamedTuple):
    """The start or stop under way."""

    number: int
    resource: str
    is_start: bool
    attempt: int
    due: float
    """Raw time after which it counts as failed."""


class Ending(NamedTuple):
    """Why a group stops here, and what its release says."""

    why: str
    wanted: Optional[Wanted] = None
    """What the cluster wants from now on; None leaves it as it is."""
    successor: str = ""
    failed: bool = False
    """It failed here: count it."""
    final_action: FinalAction = FinalAction.NONE
    """What this node does afterwards."""


class GroupRun:
    """One group on this node."""

    __slots__ = (
        "action",
        "conditions",
        "config",
        "ending",
        "failback_since",
        "gave_up_on",
        "goal",
        "held_off",
        "name",
        "nodes",
        "online",
        "order",
        "proven",
        "removed",
        "resources",
        "restart",
        "retry_at",
        "settled_from",
        "waiting",
        "waits_for",
    )

    def __init__(self, config: Group, order: tuple[str, ...], nodes: tuple[str, ...]) -> None:
        self.config = config
        self.nodes = nodes
        """The nodes that may run it, preferred first."""
        self.name = config.name
        self.order = order
        """Resource names, what depends on others after them."""
        self.resources: dict[str, Resource] = {r.name: r for r in config.resources}
        self.conditions = dict.fromkeys(order, Condition.FAILED)
        """FAILED at first: what an earlier agent run left behind is unknown."""
        self.goal = False
        """Whether the group is wanted on this node."""
        self.held_off: set[str] = set()
        """Resources stopped by hand."""
        self.gave_up_on: set[str] = set()
        """Resources whose start failed for good while the group stays (final action None)."""
        self.restart: set[str] = set()
        """Resources to stop and start again (reactivation)."""
        self.retry_at = NEVER
        """Raw time at which stops that failed are tried again, once nothing is held here, or the
        starts that wait."""
        self.waiting: set[str] = set()
        """Resources whose start was too early: it is tried again at ``retry_at``."""
        self.waits_for = ""
        """Why, from the first such start to the one that succeeds; "" if none waits."""
        self.action: Optional[Action] = None
        self.ending: Optional[Ending] = None
        self.online = False
        self.removed = False
        """The configuration has it no more; it ends here."""
        self.settled_from: Optional[Clocks] = None
        """Since when it is online without failure."""
        self.failback_since: Optional[Clocks] = None
        self.proven = False
        """Activated: earlier holders are ruled out (clears the record's suspects)."""

    def reconfigured(self, new: GroupRun) -> GroupRun:
        """Return ``new`` with what is known from this run.

        A resource that is configured no more stays until it is stopped, and starts no more.
        """
        gone = tuple(name for name in self.order if name not in new.resources)
        new.order += gone
        for name in new.order:
            if name in gone:
                new.resources[name] = self.resources[name]
                new.held_off.add(name)
            new.conditions[name] = self.conditions.get(name, Condition.OFF)
        new.goal, new.ending, new.action = self.goal, self.ending, self.action
        new.held_off |= self.held_off
        new.gave_up_on, new.restart = set(self.gave_up_on), set(self.restart)
        new.waiting, new.waits_for = set(self.waiting), self.waits_for
        new.retry_at = self.retry_at
        new.online, new.settled_from, new.proven = self.online, self.settled_from, self.proven
        return new

    def is_clean(self) -> bool:
        """Tell whether nothing of the group is left here."""
        if self.action is not None:
            return False
        for condition in self.conditions.values():  # noqa: SIM110  # in every heartbeat: no generator
            if condition is not Condition.OFF:
                return False
        return True

    def standing(self) -> Standing:
        """Return the word for heartbeats while the right is held."""
        if not self.goal:
            return Standing.STOPPING
        return Standing.ACTIVE if self.online else Standing.STARTING

    def is_active(self, resource: str) -> bool:
        """Tell whether a resource is on."""
        return self.conditions.get(resource) is Condition.ON

    def renewed(self, node: NodeState, right: Right, record: Record) -> Record:
        """Return the record as the next renewal writes it."""
        settled = right.phase is Phase.HELD and self.is_settled(node)
        return Record(
            record.holder,
            record.incarnation,
            record.boot_id,
            record.epoch,
            node.stated_lease_s,
            record.counter + 1,
            released=False,
            wanted=record.wanted,
            failovers=0 if settled else record.failovers,
            failed_on=() if settled else record.failed_on,
            suspects=() if self.proven else record.suspects,
            promise_s=node.stated_promise_s,
        )

    def is_settled(self, node: NodeState) -> bool:
        """Tell whether it ran long enough without failure to forget earlier ones."""
        since = self.settled_from
        return since is not None and shortest(since, node.now) >= self.config.settled_after_s


def in_order(config: Group) -> tuple[str, ...]:
    """Return the resources' names so that each comes after those it depends on.

    Raises:
        ValueError: A dependency is unknown or cyclic.
    """
    known = {resource.name: resource for resource in config.resources}
    order: list[str] = []
    while len(order) < len(known):
        ready = [
            r.name
            for r in config.resources
            if r.name not in order and all(d in order for d in r.depends_on)
        ]
        if not ready:
            stuck = ", ".join(sorted(set(known) - set(order)))
            raise ValueError(
                f"group {config.name}: {stuck} wait for each other or for unknown names"
            )
        order.append(ready[0])
    return tuple(order)
