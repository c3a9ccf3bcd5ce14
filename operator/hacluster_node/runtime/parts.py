"""Everything that can do something, by name: what `effects` is given to work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from hacluster_node.core.effects import StopNode, UseConfig
    from hacluster_node.net.udp import Heartbeats
    from hacluster_node.runtime.azure import Azure
    from hacluster_node.runtime.checking import Checks
    from hacluster_node.runtime.control import Control
    from hacluster_node.runtime.fences import Fences
    from hacluster_node.runtime.inbox import Inbox
    from hacluster_node.runtime.journal import Journal
    from hacluster_node.runtime.links import Link
    from hacluster_node.runtime.mirrors import Mirrors
    from hacluster_node.runtime.orders import Orders
    from hacluster_node.runtime.saver import Saver
    from hacluster_node.runtime.stores import Stores
    from hacluster_node.runtime.witnesses import Witnesses
    from hacluster_node.runtime.workers import Workers


@dataclass(frozen=True)
class Parts:
    """The parts of one agent run."""

    inbox: Inbox
    workers: Workers
    stores: Stores
    guard: Link
    helper: Link
    fences: Fences
    witnesses: Witnesses
    heartbeats: Heartbeats
    checks: Checks
    mirrors: Mirrors
    azure: Azure
    control: Control
    journal: Journal
    orders: Orders
    saver: Saver
    stop_node: Callable[[StopNode], None]
    use: Callable[[UseConfig], None]
