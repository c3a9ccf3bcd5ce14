"""Failover groups and their resources, in the words of docs/node-configuration.md."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from hacluster.model.access import LoadBalancerType
from hacluster.model.groups import (
    Exhausted,
    FailoverGroup,
    MirrorDisk,
    Resource,
    ResourceType,
)
from hacluster.plan.nodes.scripts import Scripts
from hacluster.plan.view import View

DISK: Final = "/dev/disk/azure/scsi1/lun{lun}"
"""Where Azure's udev rules show a data disk."""
_POLICY: Final = {"Auto": "Automatic", "Manual": "Manual"}


class AddressUnknownError(Exception):
    """A configuration needs an address that Azure has not chosen yet."""


def groups(view: View, scripts: Scripts) -> list[dict[str, Any]]:
    """Return every group.

    Raises:
        AddressUnknownError: a loopback address is the balancer's, which is not known yet.
    """
    minors = {name: number for number, name in enumerate(_mirrors(view))}
    return [_group(view, group, scripts, minors) for group in view.spec.cluster.failover_groups]


def probe_port(view: View, resource: Resource) -> int:
    """Return the port of a ProbePort resource, the balancer's by default."""
    own = resource.probe_port.port if resource.probe_port else None
    balancer = view.spec.access.load_balancer
    return own or (balancer.probe.port if balancer else 26001)


def _group(
    view: View, group: FailoverGroup, scripts: Scripts, minors: Mapping[str, int]
) -> dict[str, Any]:
    resources, above = [], None
    for resource in group.resources:
        resources.append(_resource(view, resource, above, scripts, minors))
        above = resource.name
    return {
        "name": group.name,
        "startup": _POLICY[group.startup],
        "failover": _POLICY[group.failover],
        "failback": _POLICY[group.failback],
        "nodeOrder": list(group.node_order or (node.name for node in view.spec.nodes)),
        "servicePorts": _service_ports(view, group),
        "maxFailovers": group.max_failovers,
        "settledAfterSeconds": group.failover_period_seconds,
        "resources": resources,
    }


def _service_ports(view: View, group: FailoverGroup) -> list[int]:
    """Return the ports behind the balancer, for the group that answers its probe."""
    balancer = view.spec.access.load_balancer
    probes = [one for one in group.resources if one.type is ResourceType.PROBE_PORT]
    ports = {probe_port(view, one) for one in probes}
    if balancer is None or balancer.probe.port not in ports:
        return []
    return sorted({rule.backend_port for rule in balancer.rules} - ports)


def _resource(
    view: View,
    resource: Resource,
    above: str | None,
    scripts: Scripts,
    minors: Mapping[str, int],
) -> dict[str, Any]:
    depends = resource.depends_on if resource.depends_on is not None else (above,) if above else ()
    moves = resource.on_start_failure is Exhausted.FAILOVER
    ignores = resource.on_start_failure is Exhausted.IGNORE
    name, own = _OWN[resource.type]
    return {
        "name": resource.name,
        "type": str(resource.type),
        "dependsOn": list(depends),
        "startTimeoutSeconds": resource.start_timeout_seconds,
        "stopTimeoutSeconds": resource.stop_timeout_seconds,
        "startRetries": resource.start_retries,
        "stopRetries": resource.stop_retries,
        "maxFailovers": 1 if moves else 0,
        "finalAction": "None" if ignores else "StopGroup",
        name: own(_Own(view, resource, scripts, minors)),
    }


class _Own:
    """What a resource's own object is made of."""

    def __init__(
        self, view: View, resource: Resource, scripts: Scripts, minors: Mapping[str, int]
    ) -> None:
        self.view = view
        self.resource = resource
        self._scripts = scripts
        self._minors = minors

    def probe_port(self) -> dict[str, Any]:
        balancer = self.view.spec.access.load_balancer
        protocol = str(balancer.probe.protocol) if balancer else "HTTP"
        return {"port": probe_port(self.view, self.resource), "protocol": protocol}

    def azure_dns(self) -> dict[str, Any]:
        dns, own = self.view.spec.access.dns, self.resource.azure_dns
        if dns is None:
            return {}
        return {
            "zoneId": self.view.names.zone(dns),
            "recordSet": dns.record_set,
            "ttlSeconds": (own.ttl_seconds if own else None) or dns.ttl_seconds,
            "visibility": str(dns.visibility),
        }

    def loopback(self) -> dict[str, Any]:
        own = self.resource.loopback_address
        return {"address": (own.address if own else None) or _front_end(self.view)}

    def script(self) -> dict[str, Any]:
        script, name = self.resource.script, self.resource.name
        if script is None:
            return {}
        made = {"start": [self._scripts.path(f"{name}-start", script.start)]}
        if script.stop is not None:
            made["stop"] = [self._scripts.path(f"{name}-stop", script.stop)]
        return made

    def systemd(self) -> dict[str, Any]:
        return {"unit": self.resource.systemd.unit} if self.resource.systemd else {}

    def file_system(self) -> dict[str, Any]:
        own = self.resource.file_system
        if own is None:
            return {}
        mount = {"mountPath": own.mount_path, "fileSystem": own.kind, "mountOptions": own.options}
        return {"device": own.device, **mount}

    def shared_disk(self) -> dict[str, Any]:
        own = self.resource.shared_disk
        if own is None:
            return {}
        device = DISK.format(lun=own.disk.lun)
        return {
            "device": device,
            "mountPath": own.mount_path,
            "fileSystem": str(own.file_system),
        }

    def mirror_disk(self) -> dict[str, Any]:
        own: MirrorDisk | None = self.resource.mirror_disk
        if own is None:
            return {}
        return {
            "disk": DISK.format(lun=own.disk.lun),
            "metadataSizeMiB": own.metadata_size_mib,
            "minor": self._minors[self.resource.name],
            "port": own.port,
            "mountPath": own.mount_path,
            "fileSystem": str(own.file_system),
        }


_OWN: Final[Mapping[ResourceType, tuple[str, Callable[[_Own], dict[str, Any]]]]] = {
    ResourceType.PROBE_PORT: ("probePort", _Own.probe_port),
    ResourceType.AZURE_DNS: ("azureDNS", _Own.azure_dns),
    ResourceType.LOOPBACK_ADDRESS: ("loopbackAddress", _Own.loopback),
    ResourceType.SCRIPT: ("script", _Own.script),
    ResourceType.SYSTEMD: ("systemd", _Own.systemd),
    ResourceType.FILE_SYSTEM: ("fileSystem", _Own.file_system),
    ResourceType.SHARED_DISK: ("sharedDisk", _Own.shared_disk),
    ResourceType.MIRROR_DISK: ("mirrorDisk", _Own.mirror_disk),
}


def _mirrors(view: View) -> Iterator[str]:
    for group in view.spec.cluster.failover_groups:
        for resource in group.resources:
            if resource.type is ResourceType.MIRROR_DISK:
                yield resource.name


def _front_end(view: View) -> str:
    """Return the balancer's address, as declared or as Azure has chosen it."""
    balancer = view.spec.access.load_balancer
    if balancer is None:
        raise AddressUnknownError("there is no balancer whose address it could be")
    if balancer.type is LoadBalancerType.INTERNAL and balancer.frontend.private_ip_address:
        return balancer.frontend.private_ip_address
    public = view.present(view.names.balancer_address) if view.names.is_public else None
    if public is not None and public.properties.get("ipAddress"):
        return str(public.properties["ipAddress"])
    seen = view.present(view.names.load_balancer)
    for frontend in (seen.properties.get("frontendIPConfigurations") or ()) if seen else ():
        private = (frontend.get("properties") or {}).get("privateIPAddress")
        if private and not view.names.is_public:
            return str(private)
    raise AddressUnknownError("Azure has not told the balancer's address yet")
