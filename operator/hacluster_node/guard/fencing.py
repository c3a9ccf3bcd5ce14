"""The fence: ends everything a group does to the outside, step by step, within S.

Each step is tried whatever became of the one before; what failed is reported by name. The
order is: packets first (they are what a client sees), then addresses, then who writes, then
what is written to. Orderly stops come later and have no part in safety.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Iterator, List, Tuple

from hacluster_node.errors import NodeError
from hacluster_node.resources.catalogue import FENCE_ORDER, KINDS
from hacluster_node.resources.kinds import Call, options_of
from hacluster_node.system.port import System, Traffic

if TYPE_CHECKING:
    from hacluster_node.core.config import Group, Resource
    from hacluster_node.settings.document import Settings

Step = Tuple[str, Callable[[], None]]
_DISKS = frozenset({"MirrorDisk", "SharedDisk", "FileSystem"})


def traffic_of(settings: Settings, group: Group) -> Traffic:
    """Return what the outside reaches a group by."""
    addresses = [
        str(item.options["address"]) for item in group.resources if item.kind == "LoopbackAddress"
    ]
    return Traffic(settings.service_ports.get(group.name, ()), tuple(addresses))


def fence(system: System, settings: Settings, group: Group, epoch: int) -> List[str]:
    """End all outside effect of a group; return what could not be done, empty if all was."""
    failures = []
    for name, step in _steps(system, settings, group, epoch):
        try:
            step()
        except NodeError as error:
            failures.append(f"{name}: {error.detail}")
        except OSError as error:
            failures.append(f"{name}: {error.strerror or error}")
    return failures


def _steps(system: System, settings: Settings, group: Group, epoch: int) -> Iterator[Step]:
    traffic = traffic_of(settings, group)
    yield "cut traffic", lambda: system.cut(group.name, traffic)
    has_disk = any(item.kind in _DISKS for item in group.resources)
    for kind in FENCE_ORDER:
        for resource in reversed(group.resources):
            if resource.kind == kind:
                call = _call(settings, group, resource, epoch, has_disk=has_disk)
                yield resource.name, _bound(system, kind, call)


def _bound(system: System, kind: str, call: Call) -> Callable[[], None]:
    return lambda: KINDS[kind].fence(system, call)


def _call(
    settings: Settings, group: Group, resource: Resource, epoch: int, *, has_disk: bool
) -> Call:
    options = {**options_of(settings.agent, resource), "kill": has_disk}
    limit = settings.agent.partition.timings.fence_s
    return Call(group.name, resource.name, epoch, limit, options)
