"""Monitors and their recovery, in the words of docs/node-configuration.md."""

from collections.abc import Mapping
from typing import Any, Final

from hacluster.model.monitors import Monitor, MonitorType, Recovery, StageScript
from hacluster.model.partition import Http, Target, TargetType
from hacluster.plan.nodes.groups import probe_port
from hacluster.plan.nodes.scripts import Scripts
from hacluster.plan.view import View

_WATCHING: Final = {
    MonitorType.PROBE_PORT: "probePort",
    MonitorType.AZURE_DNS: "azureDNS",
    MonitorType.MIRROR: "mirror",
}


def monitors(view: View, scripts: Scripts) -> list[dict[str, Any]]:
    """Return every monitor, those that come with resources included."""
    return [_monitor(view, one, scripts) for one in view.spec.cluster.effective_monitors]


def target(one: Target) -> dict[str, Any]:
    """Return a target: a thing outside that a healthy node reaches."""
    own: dict[str, Any] = {}
    if one.type is TargetType.PING and one.ping is not None:
        own = {"ping": {"addresses": list(one.ping.addresses)}}
    elif one.type is TargetType.TCP and one.tcp is not None:
        own = {"tcp": {"host": one.tcp.host, "port": one.tcp.port}}
    elif one.type is TargetType.HTTP:
        own = {"http": _http(one.http)}
    return {"name": one.name, "type": str(one.type), **own}


def _monitor(view: View, monitor: Monitor, scripts: Scripts) -> dict[str, Any]:
    timing = str(monitor.effective_timing)
    if monitor.type is MonitorType.LOAD_BALANCE and monitor.timing is None:
        timing = "Inactive"
    made = {
        "name": monitor.name,
        "type": str(monitor.type),
        "intervalSeconds": monitor.interval_seconds,
        "timeoutSeconds": monitor.timeout_seconds,
        "retries": monitor.retries,
        "startDelaySeconds": monitor.start_delay_seconds,
        "timing": timing,
        "nodes": list(monitor.nodes),
        "recovery": _recovery(monitor, scripts),
        **_own(view, monitor, scripts),
    }
    return made | ({"watches": monitor.resource} if monitor.resource else {})


def _own(view: View, monitor: Monitor, scripts: Scripts) -> dict[str, Any]:
    if monitor.type in _WATCHING:
        return {_WATCHING[monitor.type]: {"resource": monitor.resource}}
    match monitor.type:
        case MonitorType.LOAD_BALANCE:
            return {"loadBalance": {"port": _balanced_port(view, monitor)}}
        case MonitorType.CUSTOM:
            return {"custom": _custom(monitor, scripts)}
        case MonitorType.PING:
            return {"ping": {"addresses": list(monitor.ping.addresses) if monitor.ping else []}}
        case MonitorType.HTTP:
            return {"http": _http(monitor.http)}
        case MonitorType.MULTI_TARGET:
            members = monitor.multi_target.monitors if monitor.multi_target else ()
            return {"multiTarget": {"monitors": list(members)}}
        case MonitorType.PROCESS if monitor.process is not None:
            process = monitor.process
            return {"process": {"command": process.command, "count": process.minimum}}
    return {}


def _balanced_port(view: View, monitor: Monitor) -> int:
    for group in view.spec.cluster.failover_groups:
        for resource in group.resources:
            if resource.name == monitor.resource:
                return probe_port(view, resource)
    balancer = view.spec.access.load_balancer
    return balancer.probe.port if balancer else 26001


def _custom(monitor: Monitor, scripts: Scripts) -> dict[str, Any]:
    custom = monitor.custom
    if custom is None:
        return {}
    if custom.port_check is not None:
        return {"portCheck": {"host": custom.port_check.host, "port": custom.port_check.port}}
    return {"script": [scripts.path(f"{monitor.name}-check", custom.script or "")]}


def _http(http: Http | None) -> dict[str, Any]:
    if http is None:
        return {}
    statuses = [http.expected_status] if http.expected_status is not None else []
    return {"url": http.url, "statuses": statuses}


def _recovery(monitor: Monitor, scripts: Scripts) -> dict[str, Any]:
    recovery = monitor.recovery
    made: dict[str, Any] = {
        "maxReactivations": recovery.reactivations,
        "maxFailovers": recovery.failovers,
        "finalAction": str(recovery.final_action),
    }
    if aim := recovery.target or monitor.resource:
        made["target"] = aim
    stages = {
        stage: _stage(f"{monitor.name}-{stage.lower()}", one, scripts)
        for stage, one in _stages(recovery).items()
        if one is not None
    }
    return made | ({"scripts": stages} if stages else {})


def _stages(recovery: Recovery) -> Mapping[str, StageScript | None]:
    return {
        "Reactivate": recovery.pre_reactivation,
        "FailOver": recovery.pre_failover,
        "FinalAction": recovery.pre_final_action,
    }


def _stage(name: str, stage: StageScript, scripts: Scripts) -> dict[str, Any]:
    return {"run": [scripts.path(name, stage.script)], "timeoutSeconds": stage.timeout_seconds}
