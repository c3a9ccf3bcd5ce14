"""Builds the agent's settings from the content of a configuration document.

The format is docs/node-configuration.md. The result is whole or refused; nothing is
corrected silently.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, fields, replace
from typing import Any, List, Mapping, Tuple

from hacluster_node import timing
from hacluster_node.core.config import (
    AgentConfig,
    FinalAction,
    Group,
    HeartbeatTimes,
    Mode,
    Monitor,
    Node,
    Partition,
    Policy,
    Recovery,
    Resource,
    When,
)
from hacluster_node.core.effects import Stage
from hacluster_node.settings.checks import contradictions
from hacluster_node.settings.fields import MONITORS, RESOURCES, TARGETS, field_of
from hacluster_node.settings.reader import ConfigInvalid, Reader
from hacluster_node.settings.software import Software
from hacluster_node.settings.software import read as read_software
from hacluster_wire.heartbeat import Rollout

HEARTBEAT_PORT = 29002


@dataclass(frozen=True)
class Settings:
    """All that a node's programs run by.

    Attributes:
        agent: what the state machine decides by.
        generation: the document's; grows with every change.
        heartbeat_port: the UDP port of every node.
        rollout: how strict heartbeats are authenticated.
        service_ports: per group, the ports that clients use; held and cut with it.
        witness: `type` AzureBlob or KubernetesLease, with the latter's `server`, `namespace`,
            `name`.
        restart_on_failed_fence: whether the guard restarts the machine if a fence hangs.
        scripts: per monitor and stage, the recovery script's argv.
        software: packages, files and commands of the node.
    """

    agent: AgentConfig
    generation: int = 0
    heartbeat_port: int = HEARTBEAT_PORT
    rollout: Rollout = Rollout.ENFORCE
    service_ports: Mapping[str, Tuple[int, ...]] = field(default_factory=dict)
    witness: Mapping[str, str] = field(default_factory=dict)
    restart_on_failed_fence: bool = True
    scripts: Mapping[Tuple[str, str], Tuple[str, ...]] = field(default_factory=dict)
    software: Software = field(default_factory=Software)


def parse(content: Any, node: str, generation: int = 0) -> Settings:
    """Return the settings of a document's content for one node.

    Raises:
        ConfigInvalid: with every fault found, each with what to write instead.
    """
    faults: List[str] = []
    reader = Reader(content, "", faults)
    settings = _settings(reader, node, generation)
    reader.done()
    if not faults:
        faults += contradictions(settings)
    if faults:
        raise ConfigInvalid(faults)
    return settings


def _settings(reader: Reader, node: str, generation: int) -> Settings:
    heartbeat = reader.child("heartbeat")
    partition = reader.child("partition")
    probe = reader.child("probe")
    guard = reader.child("guard")
    scripts: dict[Tuple[str, str], Tuple[str, ...]] = {}
    ports: dict[str, Tuple[int, ...]] = {}
    mode = partition.choice("mode", Mode, Mode.WITNESS)
    witness = _witness(partition, mode)
    agent = AgentConfig(
        cluster=reader.name("cluster"),
        node=node,
        nodes=tuple(_node(item) for item in reader.children("nodes")),
        groups=tuple(_group(item, ports) for item in reader.children("groups")),
        monitors=tuple(_monitor(item, scripts) for item in reader.children("monitors")),
        partition=_partition(partition, mode),
        heartbeat=_heartbeat(heartbeat),
        probe_interval_s=probe.number("intervalSeconds", 5.0, 1.0, 300.0),
        version=str(generation),
    )
    settings = Settings(
        agent=agent,
        generation=generation,
        heartbeat_port=heartbeat.whole("port", HEARTBEAT_PORT, 1, 65535),
        rollout=heartbeat.choice("rollout", Rollout, Rollout.ENFORCE),
        service_ports=ports,
        witness=witness,
        restart_on_failed_fence=guard.flag("restartOnFailedFence", default=True),
        scripts=scripts,
        software=read_software(reader.child("software")),
    )
    for child in (heartbeat, partition, probe, guard):
        child.done()
    return settings


def _node(reader: Reader) -> Node:
    address = reader.checked("address", ipaddress.ip_address, "an IP address")
    return Node(reader.name("name"), address)


def _heartbeat(reader: Reader) -> HeartbeatTimes:
    interval = reader.number("intervalSeconds", 1.0, 0.1, 60.0)
    return HeartbeatTimes(interval, reader.number("timeoutSeconds", 10.0, 0.3, 3600.0))


def _witness(partition: Reader, mode: Mode) -> Mapping[str, str]:
    if mode is Mode.GUIDE and not partition.has("witness"):
        return {}
    reader = partition.child("witness")
    found = {"type": reader.one_of("type", ("AzureBlob", "KubernetesLease"), "AzureBlob")}
    if found["type"] == "KubernetesLease":
        found["server"] = reader.text("server", "")
        found["namespace"] = reader.text("namespace")
        found["name"] = reader.text("name")
        found["tokenFile"] = reader.text("tokenFile", "/etc/hacluster/kubernetes.token")
        found["caFile"] = reader.text("caFile", "")
    reader.done()
    return found


def _partition(reader: Reader, mode: Mode) -> Partition:
    profile = reader.one_of("profile", (*timing.PROFILES, "Custom"), "Balanced")
    base = timing.PROFILES.get(profile, timing.BALANCED)
    numbers = reader.child("timings")
    timings = _timings(numbers, base)
    if profile != "Custom" and timings != base:
        numbers.fault("", "explicit numbers need profile: Custom")
    numbers.done()
    return Partition(
        mode=mode,
        profile=profile,
        timings=timings,
        failsafe=reader.flag("failsafe", default=True),
        power_off=reader.flag("powerOff", default=False),
        live_probe=reader.flag("liveProbe", default=False),
        targets=tuple(_target(item) for item in reader.children("targets")),
        grace_s=reader.number("graceSeconds", 30.0, 0.0, 600.0),
    )


def _timings(reader: Reader, base: timing.Timings) -> timing.Timings:
    """Read explicit numbers; each has the name of the field of `Timings` in camel case."""
    changed: dict[str, Any] = {}
    for item in fields(timing.Timings):
        current = getattr(base, item.name)
        name = wire_name(item.name)
        if isinstance(current, bool):
            changed[item.name] = reader.flag(name, default=current)
        elif isinstance(current, int):
            changed[item.name] = reader.whole(name, current, 0, 1000)
        else:
            changed[item.name] = reader.number(name, current, 0.0, 86400.0)
    return replace(base, **changed)


def wire_name(field_name: str) -> str:
    """Return how a field of `Timings` is written: `renew_s` -> `renewSeconds`."""
    words = [("seconds" if word == "s" else word) for word in field_name.split("_")]
    return words[0] + "".join(word.capitalize() for word in words[1:])


def _group(reader: Reader, ports: dict[str, Tuple[int, ...]]) -> Group:
    name = reader.name("name")
    ports[name] = reader.wholes("servicePorts", 1, 65535)
    return Group(
        name=name,
        resources=tuple(_resource(item) for item in reader.children("resources")),
        startup=reader.choice("startup", Policy, Policy.AUTOMATIC),
        failover=reader.choice("failover", Policy, Policy.AUTOMATIC),
        failback=reader.choice("failback", Policy, Policy.MANUAL),
        node_order=reader.texts("nodeOrder", ()),
        max_failovers=reader.whole("maxFailovers", 4, 0, 1000),
        settled_after_s=reader.number("settledAfterSeconds", 600.0, 1.0, 1e6),
        failback_after_s=reader.number("failbackAfterSeconds", 30.0, 0.0, 1e6),
    )


def _resource(reader: Reader) -> Resource:
    name = reader.name("name")
    kind = reader.one_of("type", tuple(RESOURCES))
    own = reader.child(field_of(kind))
    options = RESOURCES[kind](own)
    own.done()
    return Resource(
        name=name,
        kind=kind,
        depends_on=reader.texts("dependsOn", ()),
        start_timeout_s=reader.number("startTimeoutSeconds", 60.0, 0.1, 86400.0),
        stop_timeout_s=reader.number("stopTimeoutSeconds", 60.0, 0.1, 86400.0),
        start_retries=reader.whole("startRetries", 1, 0, 1000),
        stop_retries=reader.whole("stopRetries", 1, 0, 1000),
        max_failovers=reader.whole("maxFailovers", 1, 0, 1000),
        final_action=reader.choice("finalAction", FinalAction, FinalAction.STOP_GROUP),
        stop_final_action=reader.choice("stopFinalAction", FinalAction, FinalAction.REBOOT),
        options=options,
    )


def _monitor(reader: Reader, scripts: dict[Tuple[str, str], Tuple[str, ...]]) -> Monitor:
    name = reader.name("name")
    kind = reader.one_of("type", tuple(MONITORS))
    own = reader.child(field_of(kind))
    members = own.texts("monitors") if kind == "MultiTarget" else ()
    options = MONITORS[kind](own)
    own.done()
    times = Monitor(name=name, kind=kind, members=members, options=options)
    return replace(
        _times(reader, times),
        when=reader.choice("timing", When, When.ALWAYS),
        watches=reader.name("watches", "") or str(options.get("resource", "")),
        nodes=reader.texts("nodes", ()),
        recovery=_recovery(reader.child("recovery"), name, scripts),
    )


def _target(reader: Reader) -> Monitor:
    kind = reader.one_of("type", tuple(TARGETS))
    own = reader.child(field_of(kind))
    target = Monitor(name=reader.name("name"), kind=kind, options=TARGETS[kind](own))
    own.done()
    return _times(reader, replace(target, interval_s=10.0, timeout_s=3.0, retries=2))


def _times(reader: Reader, base: Monitor) -> Monitor:
    return replace(
        base,
        interval_s=reader.number("intervalSeconds", base.interval_s, 0.1, 86400.0),
        timeout_s=reader.number("timeoutSeconds", base.timeout_s, 0.1, 3600.0),
        retries=reader.whole("retries", base.retries, 0, 1000),
        start_delay_s=reader.number("startDelaySeconds", 0.0, 0.0, 86400.0),
    )


def _recovery(
    reader: Reader, monitor: str, scripts: dict[Tuple[str, str], Tuple[str, ...]]
) -> Recovery:
    limits: dict[str, float] = {}
    stages = reader.child("scripts")
    for stage in Stage:
        if stages.has(stage.value):
            inner = stages.child(stage.value)
            scripts[(monitor, stage.value)] = inner.texts("run")
            limits[stage.value] = inner.number("timeoutSeconds", 30.0, 0.1, 3600.0)
            inner.done()
    stages.done()
    recovery = Recovery(
        target=reader.name("target", ""),
        max_reactivations=reader.whole("maxReactivations", 3, 0, 1000),
        max_failovers=reader.whole("maxFailovers", 1, 0, 1000),
        final_action=reader.choice("finalAction", FinalAction, FinalAction.NONE),
        scripts=limits,
    )
    reader.done()
    return recovery
