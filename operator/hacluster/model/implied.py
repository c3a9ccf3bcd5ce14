"""Monitors that come with resources and need no line of their own.

They have the guide's names: azureppw1 and azurelbw1 for the first ProbePort resource, azurednsw1
for an AzureDNS resource, mdw1 for a MirrorDisk. A monitor that is written for the same resource and
type takes the place of the one that would come with it.
"""

from collections.abc import Iterable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Final

from hacluster.model.groups import Resource, ResourceType
from hacluster.model.monitors import Monitor, MonitorType, Recovery, RecoveryPreset

if TYPE_CHECKING:
    from hacluster.model.groups import FailoverGroup

_WATCHERS: Final = (
    (ResourceType.PROBE_PORT, MonitorType.PROBE_PORT, "azureppw"),
    (ResourceType.PROBE_PORT, MonitorType.LOAD_BALANCE, "azurelbw"),
    (ResourceType.AZURE_DNS, MonitorType.AZURE_DNS, "azurednsw"),
    (ResourceType.MIRROR_DISK, MonitorType.MIRROR, "mdw"),
)

_PUBLISHED_WITHIN_S: Final = 60
"""Azure's name servers follow a change within a minute: a record just written is not missed yet."""


def monitors_of(
    groups: "Iterable[FailoverGroup]", written: tuple[Monitor, ...]
) -> tuple[Monitor, ...]:
    """Return the written monitors, then those that come with the groups' resources."""
    resources = [resource for group in groups for resource in group.resources]
    implied = list(_implied(resources, written))
    return (*written, *implied)


def _implied(resources: list[Resource], written: tuple[Monitor, ...]) -> Iterator[Monitor]:
    taken = {monitor.name for monitor in written}
    replaced = {(monitor.type, monitor.resource) for monitor in written}
    for kind, watcher, stem in _WATCHERS:
        names = (name for number in count(1) if (name := f"{stem}{number}") not in taken)
        for resource in resources:
            if resource.type is kind and (watcher, resource.name) not in replaced:
                yield _watcher(next(names), watcher, resource)


def _watcher(name: str, kind: MonitorType, resource: Resource) -> Monitor:
    return Monitor(
        name=name,
        type=kind,
        resource=resource.name,
        start_delay_seconds=_PUBLISHED_WITHIN_S if kind is MonitorType.AZURE_DNS else 0,
        recovery=_recovery(kind, resource.name),
    )


def _recovery(kind: MonitorType, resource: str) -> Recovery:
    """Return the guide's answer: a lost record moves the group, a mirror out of step is told."""
    if kind is MonitorType.MIRROR:
        return Recovery(preset=RecoveryPreset.FINAL_ACTION_ONLY)
    if kind is MonitorType.AZURE_DNS:
        return Recovery(preset=RecoveryPreset.FAILOVER, target=resource)
    return Recovery(preset=RecoveryPreset.RESTART_THEN_FAILOVER, target=resource)
