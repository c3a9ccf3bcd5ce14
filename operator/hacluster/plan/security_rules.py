"""The rules of the nodes' security group, in Azure's form, with priorities that never collide.

The user's rules come as written. Ours let through what the cluster lives on: the balancer's probe,
the heartbeat and the mirror among the nodes, and the balanced ports. A balanced port that one of
the user's own inbound rules names is left to the user: who may reach it has been decided.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from hacluster.model.access import BalancingRule, Transport
from hacluster.model.network import Direction, Protocol, SecurityRule
from hacluster.plan.view import View

OURS_FROM: Final = 100
"""Our rules stand first, so that no rule of the user's cuts a probe by accident."""
USERS_FROM: Final = 1000
STEP: Final = 10
LAST: Final = 4096

_PROTOCOLS: Final = {
    Protocol.TCP: "Tcp",
    Protocol.UDP: "Udp",
    Protocol.ICMP: "Icmp",
    Protocol.ANY: "*",
}


def rules(view: View, foreign: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return all rules that are ours to keep, the user's among them.

    ``foreign`` are the other rules that the group has: they stay, and so do their priorities.
    """
    declared = view.spec.network.security_group.rules
    taken = {direction: _taken(direction, declared, foreign) for direction in Direction}
    own = _numbered(_own_rules(view), taken, OURS_FROM)
    return [*own, *_numbered(declared, taken, USERS_FROM)]


def _taken(
    direction: Direction, declared: Iterable[SecurityRule], foreign: Iterable[Mapping[str, Any]]
) -> set[int]:
    stated = {rule.priority for rule in declared if rule.priority and rule.direction is direction}
    others = {
        int(rule["properties"]["priority"])
        for rule in foreign
        if rule["properties"]["direction"] == direction
    }
    return stated | others


def _numbered(
    wanted: Iterable[SecurityRule], taken: Mapping[Direction, set[int]], first: int
) -> Iterator[dict[str, Any]]:
    for rule in wanted:
        used = taken[rule.direction]
        priority = rule.priority or _free(used, first)
        used.add(priority)
        yield _in_wire_form(rule, priority)


def _free(used: Collection[int], first: int) -> int:
    """Return the first number free, in steps so that a rule can be put between two."""
    steps = (number for number in range(first, LAST + 1, STEP) if number not in used)
    return next(steps, None) or next(n for n in range(LAST, 0, -1) if n not in used)


def _own_rules(view: View) -> Iterator[SecurityRule]:
    spec = view.spec
    nodes = tuple(node.private_ip_address for node in spec.nodes)
    if balancer := spec.access.load_balancer:
        port = str(balancer.probe.port)
        yield _allow("hacluster-probe", Protocol.TCP, (port,), ("AzureLoadBalancer",))
    heartbeat = str(spec.cluster.heartbeat.port)
    yield _allow("hacluster-heartbeat", Protocol.UDP, (heartbeat,), nodes)
    if mirrored := _mirror_ports(view):
        yield _allow("hacluster-mirror", Protocol.TCP, mirrored, nodes)
    for transport in Transport:
        if ports := _balanced_ports(view, transport):
            protocol = Protocol(transport.value)
            source = "*" if view.names.is_public else "VirtualNetwork"
            yield _allow(f"hacluster-service-{transport.lower()}", protocol, ports, (source,))


def _allow(
    name: str, protocol: Protocol, ports: tuple[str, ...], sources: tuple[str, ...]
) -> SecurityRule:
    return SecurityRule(name=name, protocol=protocol, destination_ports=ports, sources=sources)


def _mirror_ports(view: View) -> tuple[str, ...]:
    found = {
        resource.mirror_disk.port
        for group in view.spec.cluster.failover_groups
        for resource in group.resources
        if resource.mirror_disk
    }
    return tuple(str(port) for port in sorted(found))


def _balanced_ports(view: View, transport: Transport) -> tuple[str, ...]:
    balancer = view.spec.access.load_balancer
    declared = view.spec.network.security_group.rules
    found = {
        rule.backend_port
        for rule in (balancer.rules if balancer else ())
        if rule.protocol is transport and not _is_decided(rule, declared)
    }
    return tuple(str(port) for port in sorted(found))


def _is_decided(balanced: BalancingRule, declared: Iterable[SecurityRule]) -> bool:
    """Say whether a rule of the user's names the port that the balancer forwards to."""
    protocols = {Protocol(balanced.protocol.value), Protocol.ANY}
    return any(
        rule.direction is Direction.INBOUND
        and rule.protocol in protocols
        and any(_covers(ports, balanced.backend_port) for ports in rule.destination_ports)
        for rule in declared
    )


def _covers(ports: str, port: int) -> bool:
    """Say whether a port or range names a port; ``*`` names none in particular."""
    if ports == "*":
        return False
    first, _, last = ports.partition("-")
    return int(first) <= port <= int(last or first)


def _in_wire_form(rule: SecurityRule, priority: int) -> dict[str, Any]:
    properties = {
        "priority": priority,
        "direction": rule.direction.value,
        "access": rule.access.value,
        "protocol": _PROTOCOLS[rule.protocol],
        **_one_or_many("sourcePortRange", "sourcePortRanges", rule.source_ports),
        **_one_or_many("destinationPortRange", "destinationPortRanges", rule.destination_ports),
        **_one_or_many("sourceAddressPrefix", "sourceAddressPrefixes", rule.sources),
        **_one_or_many("destinationAddressPrefix", "destinationAddressPrefixes", rule.destinations),
    }
    return {"name": rule.name, "properties": properties}


def _one_or_many(one: str, many: str, values: Sequence[str]) -> dict[str, Any]:
    """Azure has a field for one value and another for several; only one of them may be set."""
    if len(values) == 1:
        return {one: values[0], many: []}
    return {one: None, many: sorted(values)}
