"""Each kind of order: how it is begun, and how one sees that it is over.

What counts as done is what the state machine did, never what it took up: a move has succeeded when
the group is active on the other node, and nothing of it is left here. Looking is level-triggered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Final, Mapping, NamedTuple, Optional

from hacluster_node.core import commands, orders, peers
from hacluster_node.core.config import Mode
from hacluster_node.core.heartbeat import Standing
from hacluster_node.core.orders import RefusedError
from hacluster_node.core.record import Wanted
from hacluster_node.core.state import NodeState, Phase, Right

if TYPE_CHECKING:
    from hacluster_node.core.events import Order
    from hacluster_node.core.group_run import Ending


class Followed(NamedTuple):
    """An order that was begun."""

    order: Order
    epoch: int
    """The group's epoch when it was begun."""
    origin: str
    """The node on which the group was active then, or ""."""
    inherited: bool
    """An earlier run of this agent began it."""


class End(NamedTuple):
    """How an order ended."""

    ok: bool
    text: str


class Kind(NamedTuple):
    """Begins an order (or raises ``RefusedError``), looks for its end, gives it up in the end."""

    begin: Callable[[NodeState, Order], str]
    look: Callable[[NodeState, Followed], Optional[End]]
    give_up: Callable[[NodeState, Order], None] = lambda _node, _order: None


def of(order: Order) -> Optional[Kind]:
    """Return the kind of an order, or None where this agent does not know it."""
    return _KINDS.get((order.type, bool(order.group) and not order.monitor))


def active_on(node: NodeState, right: Right) -> str:
    """Return the node on which a group is wholly active, as far as this node knows, or ""."""
    if peers.standing(node, right) is Standing.ACTIVE:
        return node.config.node
    for peer in node.peers.values():
        report = peer.report(right.group)
        if report and report.standing is Standing.ACTIVE and peers.is_alive(node, peer):
            return peer.name
    return ""


def _epoch_on(node: NodeState, right: Right, where: str) -> int:
    if where == node.config.node:
        return right.epoch
    report = node.peers[where].report(right.group)
    return report.epoch if report is not None else 0


def _of_group(
    look: Callable[[NodeState, Followed, Right], Optional[End]],
) -> Callable[[NodeState, Followed], Optional[End]]:
    """Return a look at an order's group, which ends the order where there is none any more."""

    def looked(node: NodeState, followed: Followed) -> Optional[End]:
        right = node.rights.get(followed.order.group)
        if right is None:
            why = f"the group {followed.order.group} is configured no more"
            return End(ok=False, text=why)
        return look(node, followed, right)

    return looked


# Groups.


def _begin_move(node: NodeState, order: Order) -> str:
    return orders.do(node, commands.MoveGroup(order.group, order.node))


@_of_group
def _look_move(node: NodeState, followed: Followed, right: Right) -> Optional[End]:
    order = followed.order
    where = active_on(node, right)
    if where == node.config.node:
        if order.node == where:
            return End(ok=True, text=f"{right.group} is active on {where}")
        back = right.epoch > followed.epoch
        return End(ok=False, text=f"{right.group} came back to {where}") if back else None
    if not where or right.phase is not Phase.IDLE or not _is_new(node, right, followed, where):
        return None
    wrong = order.node and where != order.node
    if wrong or where == followed.origin:
        return End(ok=False, text=f"{right.group} became active on {where} instead")
    return End(ok=True, text=f"{right.group} is active on {where} and released here")


def _is_new(node: NodeState, right: Right, followed: Followed, where: str) -> bool:
    """Tell whether the group was activated since the order was begun."""
    return _epoch_on(node, right, where) > followed.epoch


def _begin_stop(node: NodeState, order: Order) -> str:
    right = node.rights.get(order.group)
    if right is not None and _is_stopped(node, right):
        return f"{order.group} is stopped already"
    if right is not None and order.node and right.phase not in (Phase.HELD, Phase.WAITING):
        raise RefusedError(f"{order.group} is not active on this node")
    return orders.do(node, commands.StopGroup(order.group))


@_of_group
def _look_stop(node: NodeState, followed: Followed, right: Right) -> Optional[End]:
    if _is_stopped(node, right):
        return End(ok=True, text=f"{right.group} is stopped on every node")
    where = active_on(node, right)
    if where and _is_new(node, right, followed, where):
        return End(ok=False, text=f"{right.group} became active on {where}")
    return None


def _is_stopped(node: NodeState, right: Right) -> bool:
    """Tell whether a group is fenced and released everywhere, and not wanted."""
    if right.phase is not Phase.IDLE or right.asked:
        return False
    reports = [p.report(right.group) for p in node.peers.values() if peers.is_alive(node, p)]
    if any(report and report.standing is not Standing.INACTIVE for report in reports):
        return False
    wanted = {report.wanted for report in reports if report}
    record = right.record
    if node.config.partition.mode is Mode.GUIDE:  # the record is each node's own note
        return Wanted.STOPPED in wanted | ({record.wanted} if record else set())
    return record is not None and record.released and record.wanted is Wanted.STOPPED


def _begin_start(node: NodeState, order: Order) -> str:
    return orders.do(node, commands.StartGroup(order.group))


@_of_group
def _look_start(node: NodeState, followed: Followed, right: Right) -> Optional[End]:
    order = followed.order
    where = active_on(node, right)
    if where == node.config.node:
        failed = ", ".join(sorted(node.runs[right.group].gave_up_on))
        text = f"{right.group} is active on {where}"
        return End(not failed, f"{text} without {failed}, which did not start" if failed else text)
    if where and order.node and _is_new(node, right, followed, where):
        return End(ok=False, text=f"{right.group} became active on {where} instead")
    if where and not order.node:
        return End(ok=True, text=f"{right.group} is active on {where}")
    ending = node.runs[right.group].ending
    if ending is not None and right.epoch > followed.epoch and _is_last(order, ending):
        return End(ok=False, text=f"{right.group} was begun here and ends: {ending.why}")
    record = right.record
    if record and record.epoch > followed.epoch and record.wanted is Wanted.GIVEN_UP:
        return End(ok=False, text=f"{right.group} was given up by {record.holder}")
    return None


def _is_last(order: Order, ending: Ending) -> bool:
    """Tell whether the group, when it ends here, does not go on as the order wants it."""
    return bool(order.node) or ending.wanted is Wanted.GIVEN_UP


def _withdraw_start(node: NodeState, order: Order) -> None:
    """A start whose time is over must not happen later."""
    right = node.rights.get(order.group)
    if right is not None and right.phase is Phase.IDLE:
        right.asked = False
        right.forced = ""


def _begin_restart(node: NodeState, order: Order) -> str:
    return orders.do(node, commands.RestartGroup(order.group))


@_of_group
def _look_restart(node: NodeState, followed: Followed, right: Right) -> Optional[End]:
    order = followed.order
    run, where = node.runs[right.group], active_on(node, right)
    if where and _is_new(node, right, followed, where):
        text = f"{right.group} did not come up again here; it is active on {where}"
        if followed.inherited:
            text = f"{right.group} was started anew with the agent and is active on {where}"
        return End(followed.inherited, text)
    if where == node.config.node and not run.restart and run.action is None:
        failed = ", ".join(sorted(run.gave_up_on))
        return End(not failed, f"{failed} did not start" if failed else f"{order.group} runs again")
    return None


def _begin_force(node: NodeState, order: Order) -> str:
    """The administrator states that all others are off; one that is heard refutes it."""
    right = node.rights.get(order.group)
    heard = [peer.name for peer in node.peers.values() if peers.is_alive(node, peer)]
    if heard:
        raise RefusedError(f"{', '.join(heard)} is heard, so it is not off: move or stop instead")
    record = right.record if right is not None else None
    if record is not None and (record.released or record.holder == node.config.node):
        return orders.do(node, commands.StartGroup(order.group))
    holder = record.holder if record is not None else ""
    if node.config.partition.mode is Mode.GUIDE:
        holder = next(iter(node.peers), "")
    return orders.do(node, commands.ForceActivate(order.group, holder))


# The node's service.


def _begin_service_start(node: NodeState, _order: Order) -> str:
    return orders.do(node, commands.StartService())


def _look_service_start(node: NodeState, _followed: Followed) -> Optional[End]:
    return None if node.leaving else End(ok=True, text="this node takes part in the cluster")


def _begin_service_stop(node: NodeState, _order: Order) -> str:
    if node.leaving and not node.leave_how:
        return "the cluster service is stopped on this node already"
    return orders.do(node, commands.StopService())


def _look_service_stop(node: NodeState, _followed: Followed) -> Optional[End]:
    if not node.leaving or node.leave_how:
        return None
    return End(ok=True, text="the cluster service is stopped: every group is released here")


def _look_service_restart(node: NodeState, followed: Followed) -> Optional[End]:
    """As soon as everything is released, take part again."""
    if not node.leaving and followed.inherited:
        return End(ok=True, text="the agent has started anew and takes part in the cluster")
    if not node.leaving:
        return End(ok=False, text="the service was started by somebody else meanwhile")
    if node.leave_how:
        return None
    orders.do(node, commands.StartService())
    return End(ok=True, text="every group was released here, and this node takes part again")


# Monitors: done as soon as they are taken up.


def _begin_monitor(command: Callable[[str], commands.Command]) -> Kind:
    return Kind(
        lambda node, order: orders.do(node, command(order.monitor)),
        lambda node, followed: End(ok=True, text=_monitor_text(node, followed.order)),
    )


def _monitor_text(node: NodeState, order: Order) -> str:
    run = node.monitors.get(order.monitor)
    if run is None:
        return f"{order.monitor} is configured no more"
    words = [word for word in ("suspended", "simulated") if getattr(run, word)]
    state = {"suspended": "suspended", "simulated": "failing by order"}
    return f"{order.monitor} is {' and '.join(state[word] for word in words) or 'as it should be'}"


_KINDS: Final[Mapping[tuple[str, bool], Kind]] = {
    ("Move", True): Kind(_begin_move, _look_move),
    ("Start", True): Kind(_begin_start, _look_start, _withdraw_start),
    ("Stop", True): Kind(_begin_stop, _look_stop),
    ("Restart", True): Kind(_begin_restart, _look_restart),
    ("ForceActivate", True): Kind(_begin_force, _look_start, _withdraw_start),
    ("Start", False): Kind(_begin_service_start, _look_service_start),
    ("Stop", False): Kind(_begin_service_stop, _look_service_stop),
    ("Restart", False): Kind(_begin_service_stop, _look_service_restart),
    ("Suspend", False): _begin_monitor(commands.SuspendMonitor),
    ("Resume", False): _begin_monitor(commands.ResumeMonitor),
    ("SimulateFailure", False): _begin_monitor(commands.SimulateFailure),
    ("ClearSimulatedFailure", False): _begin_monitor(commands.ClearFailure),
}
"""Each kind of order, by its type and whether it is about a group."""
