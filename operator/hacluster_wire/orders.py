"""Orders of the operator to a node, and what became of them.

Orders travel in a signed document (format `hacluster-orders/1`, blob `orders/<node>`), results in
the node's status. An order is carried out at most once, by its id, and never after `until`:

    {"orders": [{"id": "5c…", "type": "Move", "group": "web", "node": "n2", "until": 1767225600}]}
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, Iterable, Mapping

from hacluster_wire.errors import WireError

MAX_ORDERS = 64
"""More at once for one node are a mistake."""
TYPES = frozenset(
    {
        "Move",
        "Start",
        "Stop",
        "Restart",
        "Suspend",
        "Resume",
        "SimulateFailure",
        "ClearSimulatedFailure",
        "ForceActivate",
    }
)
"""What can be asked for; without a group, Start, Stop and Restart mean the node's service."""
RUNNING, SUCCEEDED, FAILED = "Running", "Succeeded", "Failed"
PHASES = frozenset({RUNNING, SUCCEEDED, FAILED})
LONGEST_MESSAGE = 512
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_LONGEST_NAME = 253
_TEXTS = ("type", "group", "monitor", "node")


@dataclass(frozen=True)
class Order:
    """One thing that a node is to do.

    Attributes:
        id: unique for ever; a node does an id at most once.
        type: one of `TYPES`; a newer operator may know more, which the node then refuses.
        group: the failover group, or "".
        monitor: the monitor, or "".
        node: where to (Move), or the only node that is meant, or "".
        until: wall clock in seconds after which it is not done any more, and has failed.
    """

    id: str
    type: str
    group: str = ""
    monitor: str = ""
    node: str = ""
    until: float = 0.0


@dataclass(frozen=True)
class Result:
    """What has become of an order on one node.

    Attributes:
        id: the order's.
        phase: `Running`, `Succeeded` or `Failed`.
        message: for people, at most `LONGEST_MESSAGE` characters.
        at: wall clock in seconds when it came to this phase.
    """

    id: str
    phase: str
    message: str
    at: float


def content_of(orders: Iterable[Order]) -> dict[str, Any]:
    """Return the content of a document with these orders."""
    return {"orders": [asdict(order) for order in orders]}


def parse_orders(content: Mapping[str, Any]) -> tuple[Order, ...]:
    """Return the orders of a document whose signature was checked.

    Raises:
        WireError: `content`, one of them is not as it must be; then none counts.
    """
    items = content.get("orders")
    if not isinstance(items, list) or len(items) > MAX_ORDERS:
        raise WireError("content", f"orders is not a list of at most {MAX_ORDERS}")
    found = tuple(_order(item) for item in items)
    if len({order.id for order in found}) != len(found):
        raise WireError("content", "two orders have the same id")
    return found


def parse_results(status: Mapping[str, Any]) -> tuple[Result, ...]:
    """Return the results in a status whose signature was checked; what is malformed is left out."""
    items = status.get("orders")
    return tuple(_results(items)) if isinstance(items, list) else ()


def plain_results(results: Iterable[Result]) -> list[dict[str, Any]]:
    """Return results as a status has them."""
    return [asdict(result) for result in results]


def _order(item: Any) -> Order:
    if not isinstance(item, dict) or not isinstance(item.get("id"), str):
        raise WireError("content", "an order is not an object with an id")
    if not _ID.match(item["id"]):
        raise WireError("content", "an order's id is not 1 to 64 of A-Z a-z 0-9 . _ -")
    texts = {name: item.get(name, "") for name in _TEXTS}
    if not all(isinstance(text, str) and len(text) <= _LONGEST_NAME for text in texts.values()):
        raise WireError("content", "a name in an order is not a short text")
    if not is_time(item.get("until")):
        raise WireError("content", "an order's until is not a time in seconds")
    return Order(item["id"], until=float(item["until"]), **texts)


def _results(items: list[Any]) -> Iterable[Result]:
    for item in items[: 4 * MAX_ORDERS]:
        if not isinstance(item, dict) or item.get("phase") not in PHASES:
            continue
        known, message = item.get("id"), item.get("message")
        if isinstance(known, str) and isinstance(message, str) and is_time(item.get("at")):
            yield Result(known, item["phase"], message[:LONGEST_MESSAGE], float(item["at"]))


def is_time(value: object) -> bool:
    """Tell whether a value is a wall clock's time in seconds."""
    return type(value) in (int, float) and 0 <= value < 1 << 40  # type: ignore[operator] # a number
