"""Orders that came through the store: begun once, then followed to the end they really come to.

An order that an earlier run of the agent began is not begun again; it is followed just the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Optional

from hacluster_node.core import effects, order_kinds, status
from hacluster_node.core.order_kinds import End, Followed, active_on
from hacluster_node.core.orders import RefusedError

if TYPE_CHECKING:
    from hacluster_node.core.events import Order, OrderGiven
    from hacluster_node.core.state import NodeState

MOST: Final = 64
"""Orders that are followed at once."""


def give(node: NodeState, event: OrderGiven) -> None:
    """Begin an order, or go on following it; say how far it is."""
    order = event.order
    if order.id in node.followed:
        return
    followed = _followed(node, event)
    try:
        text = _begin(node, event)
    except RefusedError as refusal:
        _tell(node, order, "Failed", str(refusal))
        node.out.append(effects.Reply(order.id, ok=False, text=str(refusal)))
        return
    node.followed[order.id] = followed
    _tell(node, order, "Running", text, followed.epoch)
    node.out.append(effects.Reply(order.id, ok=True, text=text))


def _begin(node: NodeState, event: OrderGiven) -> str:
    order, kind = event.order, order_kinds.of(event.order)
    if kind is None:
        raise RefusedError(f"this agent does not know how to {order.type}: upgrade it")
    if len(node.followed) >= MOST:
        raise RefusedError(f"{MOST} orders are under way on this node already")
    if event.begun:
        return "it was begun before the agent started anew"
    if node.now.realtime >= order.until:
        raise RefusedError("its deadline was over before it could be begun")
    return kind.begin(node, order)


def _followed(node: NodeState, event: OrderGiven) -> Followed:
    right = node.rights.get(event.order.group)
    epoch = max(right.epoch, right.highest) if right is not None else 0
    origin = "" if event.begun or right is None else active_on(node, right)
    return Followed(event.order, event.epoch if event.begun else epoch, origin, event.begun)


def advance(node: NodeState) -> bool:
    """Look at each order and tell those that are over; True if there were any: look again."""
    ended = False
    for followed in list(node.followed.values()):
        end = _end(node, followed)
        if end is not None:
            ended = True
            del node.followed[followed.order.id]
            phase = "Succeeded" if end.ok else "Failed"
            _tell(node, followed.order, phase, end.text, followed.epoch)
    return ended


def _end(node: NodeState, followed: Followed) -> Optional[End]:
    order, kind = followed.order, order_kinds.of(followed.order)
    end = kind.look(node, followed) if kind is not None else None
    if end is None and node.now.realtime >= order.until:
        if kind is not None:
            kind.give_up(node, order)
        return End(ok=False, text=f"it was not done by its deadline: {_case(node, order)}")
    return end


def _tell(node: NodeState, order: Order, phase: str, text: str, epoch: int = 0) -> None:
    node.out.append(effects.OrderReported(order.id, phase, text, epoch))
    subject = order.group or order.monitor or node.config.node
    node.out.append(effects.Decided(subject, f"{order.type}{phase}", text, epoch))


def _case(node: NodeState, order: Order) -> str:
    """Return what is the case, for an order that was not done."""
    right = node.rights.get(order.group)
    if right is None:
        return node.leaving or "this node takes part in the cluster"
    where = active_on(node, right)
    if where:
        return f"{right.group} is active on {where}"
    return f"{right.group} is not active here because {status.why_not_active(node, right.group)}"
