"""Renders what a fabric namespace filters and translates, as one nft table. Pure.

A packet meets, in this order:

| hook | chain | does |
|---|---|---|
| prerouting -150 | arrive | ends strays; judges what an interface sends; marks floating IP |
| prerouting -100 | balance | chooses a backend of other rules, once per flow |
| forward -20, input, output | cut, cut_in, cut_out | loses what is cut |
| forward 0, output | deliver, probe | judges what an interface gets; lets out what has a way out |
| postrouting 100 | leave | gives flows their public address |

Flows that were let in once are let through while they last, whatever the rules say then, and
stay with their backend: conntrack keeps both.
"""

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from azuresim.fabric import ranges
from azuresim.fabric.names import UPLINK, chain
from azuresim.fabric.wanted import (
    PLATFORM,
    Balance,
    Forward,
    Interface,
    Network,
    SecurityRule,
)

TABLE: Final = "az"
UDP_UNREPLIED_S: Final = 30
QUESTION_ID: Final = 0x1D1E
"""IP identification of the packets by which the ends of a forgotten flow are asked."""
_PRIVATE: Final = ranges.addresses(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"])
_HASH: Final = {
    5: "ip saddr . th sport . ip daddr . th dport",
    3: "ip saddr . ip daddr . meta l4proto",
    2: "ip saddr . ip daddr",
}

Chains = Mapping[str, Sequence[str]]
"""Lines by chain; a base chain's first line says where it hangs."""


def table(
    network: Network, healthy: Mapping[str, Sequence[str]], cuts: Mapping[str, Sequence[str]]
) -> tuple[str, Chains]:
    """Return the objects and the chains of a network's table.

    Args:
        network: The virtual network.
        healthy: Addresses of the backends that get new flows, by balancing rule.
        cuts: Lines of the three chains of cuts, from `cuts.chains`.
    """
    ends = network.ends
    chains: dict[str, list[str]] = {
        "arrive": list(_arrive(network, healthy)),
        "strays": list(_strays(network)),
        "balance": list(_balance(network, healthy)),
        "cut": [_hook("filter", "forward", -20), *cuts.get("cut", ())],
        "cut_in": [_hook("filter", "input", -20), *cuts.get("cut_in", ())],
        "cut_out": [_hook("filter", "output", -20), *cuts.get("cut_out", ())],
        "own": [
            _hook("filter", "input", 0),
            f'iifname "{UPLINK}" drop',
            "icmp type echo-request drop",
        ],
        "deliver": list(_deliver(network)),
        "probe": list(_probe(ends)),
        "leave": [_hook("nat", "postrouting", 100), *_leave(ends)],
    }
    for group in network.groups:
        chains[chain("in", group.id)] = _group(group.inbound)
        chains[chain("out", group.id)] = _group(group.outbound)
    for end in ends:
        chains[chain("to", end.id)] = list(_to(end))
        chains[chain("from", end.id)] = list(_from(end))
        chains[chain("way", end.id)] = list(_way(end))
    return _objects(network.balances), chains


def script(objects: str, chains: Chains, before: Iterable[str]) -> str:
    """Return what makes a table from whatever it was, in one step.

    Args:
        objects: What rules refer to; it stays as long as the table does.
        chains: Lines by chain.
        before: Names of the chains the table has had.
    """
    gone = sorted(set(before) - set(chains))
    lines = [f"add table ip {TABLE}", f"flush table ip {TABLE}"]
    lines += [f"delete chain ip {TABLE} {name}" for name in gone]
    lines += [f"table ip {TABLE} {{", objects]
    for name, body in chains.items():
        lines += [f"chain {name} {{", *body, "}"]
    return "\n".join((*lines, "}", ""))


def _hook(kind: str, hook: str, priority: int) -> str:
    return f"type {kind} hook {hook} priority {priority}; policy accept;"


def _objects(balances: Iterable[Balance]) -> str:
    lines = []
    for idle_s in sorted({each.idle_s for each in balances}):
        lines += [
            f"ct timeout tcp{idle_s} {{ protocol tcp; l3proto ip;"
            f" policy = {{ established : {idle_s} }}; }}",
            f"ct timeout udp{idle_s} {{ protocol udp; l3proto ip;"
            f" policy = {{ unreplied : {UDP_UNREPLIED_S}, replied : {idle_s} }}; }}",
        ]
    return "\n".join(lines)


def _verdicts(key: str, kind: str, ends: Iterable[Interface]) -> Iterator[str]:
    """Yield the line that jumps to an end's own chain by the name of its cable."""
    jumps = ", ".join(f'"{end.device}" : jump {chain(kind, end.id)}' for end in ends)
    if jumps:
        yield f"{key} vmap {{ {jumps} }}"


def _arrive(network: Network, healthy: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield _hook("filter", "prerouting", -150)
    yield "ct state invalid goto strays"
    # A flow with floating IP keeps its node: the mark that chose its route is kept with it.
    yield "ct direction original ct mark != 0 meta mark set ct mark"
    yield "ct state established,related accept"
    yield from _verdicts("iifname", "from", network.ends)
    for balance in network.balances:
        for protocol in balance.protocols:
            yield f'{_towards(balance, protocol)} ct timeout set "{protocol}{balance.idle_s}"'
            backends = healthy.get(balance.id, ()) if balance.floating else ()
            if backends:
                choice = _choice(balance, [hex(mark(each)) for each in backends])
                yield f"{_towards(balance, protocol)} meta mark set {choice} ct mark set meta mark"


def mark(address: str) -> int:
    """Return the mark, and the number of the routing table, that leads to a backend."""
    return int(ipaddress.IPv4Address(address))


def _strays(network: Network) -> Iterator[str]:
    """End TCP flows that the balancer forgot, where a rule wants the ends to be told."""
    cables = {address: end.device for end in network.interfaces for address in end.addresses}
    for balance in network.balances:
        if not balance.resets or "tcp" not in balance.protocols:
            continue
        yield f"{_towards(balance, 'tcp')} reject with tcp reset"
        port = f"tcp sport {balance.back_port}" if balance.back_port else "meta l4proto tcp"
        for backend in balance.backends:
            cable = cables.get(backend.address)
            source = balance.front if balance.floating else backend.address
            # The reset takes the mark's route back to the node: both share the front end.
            route = f"meta mark set {mark(backend.address):#x} " if balance.floating else ""
            if cable is not None:
                match = f'iifname "{cable}" ip saddr {source} {port}'
                yield f"{match} {route}reject with tcp reset"
    yield "drop"


def _towards(rule: Balance | Forward, protocol: str) -> str:
    side = f'iifname {"" if rule.public else "!= "}"{UPLINK}" ip daddr {rule.front}'
    if not protocol:
        return side
    return (
        f"{side} {protocol} dport {rule.port}" if rule.port else f"{side} meta l4proto {protocol}"
    )


def _choice(balance: Balance, choices: Sequence[str]) -> str:
    """Return the expression that gives each flow one of the choices, the same for all its life."""
    seed = hashlib.sha256(balance.id.encode()).hexdigest()[:8]
    places = ", ".join(f"{place} : {choice}" for place, choice in enumerate(choices))
    hashed = f"jhash {_HASH[balance.hashed]} mod {len(choices)} seed 0x{seed}"
    return f"{hashed} map {{ {places} }}"


def _balance(network: Network, healthy: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield _hook("nat", "prerouting", -100)
    for rule in network.forwards:
        port = f":{rule.back_port}" if rule.back_port else ""
        for protocol in rule.protocols or ("",):
            yield f"{_towards(rule, protocol)} dnat to {rule.back}{port}"
    for balance in network.balances:
        backends = healthy.get(balance.id, ())
        if balance.floating or not backends:
            continue
        for protocol in balance.protocols:
            yield f"{_towards(balance, protocol)} {_translation(balance, backends)}"


def _translation(balance: Balance, backends: Sequence[str]) -> str:
    if not balance.back_port:
        return f"dnat to {_choice(balance, backends)}"
    places = [f"{address} . {balance.back_port}" for address in backends]
    return f"dnat ip addr . port to {_choice(balance, places)}"


def _deliver(network: Network) -> Iterator[str]:
    yield _hook("filter", "forward", 0)
    yield "ct state established,related accept"
    yield f'iifname "{UPLINK}" oifname "{UPLINK}" drop'
    # What is addressed inside and has no cable would leave by the default route.
    nowhere = ranges.merged([*network.space, *_PRIVATE])
    yield f'oifname "{UPLINK}" ip daddr {ranges.shown_addresses(nowhere)} drop'
    for line in _verdicts("iifname", "way", network.ends):
        yield f'oifname "{UPLINK}" {line}'
    yield f'oifname "{UPLINK}" drop'
    yield from _verdicts("oifname", "to", network.ends)


def _probe(ends: Iterable[Interface]) -> Iterator[str]:
    yield _hook("filter", "output", 0)
    # The fabric's own words to the ends of forgotten flows.
    yield f"ip id {QUESTION_ID} tcp flags ack accept"
    yield "tcp flags rst accept"
    yield "ct state established,related accept"
    yield f'oifname "{UPLINK}" drop'
    yield from _verdicts("oifname", "to", ends)


def _to(end: Interface) -> Iterator[str]:
    for group in end.inbound:
        yield f"jump {chain('in', group)}"
    if not end.inbound:
        # Standard addresses are closed without a security group (document).
        yield f'iifname "{UPLINK}" drop'


def _from(end: Interface) -> Iterator[str]:
    if not end.forwards:
        own = ", ".join(end.addresses)
        yield f"ip saddr != {{ {own} }} drop"
    # The host's own addresses are not for security groups to forbid (document).
    yield f"ip daddr {{ {PLATFORM}, 169.254.169.254 }} return"
    for group in end.outbound:
        yield f"jump {chain('out', group)}"


def _way(end: Interface) -> Iterator[str]:
    for way in end.ways:
        yield _of(way.protocols, "accept")
    yield "drop"


def _leave(ends: Iterable[Interface]) -> Iterator[str]:
    for end in ends:
        for way in end.ways:
            for source in end.addresses:
                public = way.addresses[mark(source) % len(way.addresses)]
                match = f'oifname "{UPLINK}" ip saddr {source} '
                yield match + _of(way.protocols, f"snat to {public}")


def _of(protocols: Sequence[str], verdict: str) -> str:
    return f"meta l4proto {{ {', '.join(protocols)} }} {verdict}" if protocols else verdict


def _group(rules: Iterable[SecurityRule]) -> list[str]:
    return [_rule(rule) for rule in rules]


def _rule(rule: SecurityRule) -> str:
    parts = []
    for word, value in (("saddr", rule.sources), ("daddr", rule.destinations)):
        if value != ranges.ALL_ADDRESSES:
            parts.append(f"ip {word} {ranges.shown_addresses(value)}")
    asks_ports = (rule.source_ports, rule.ports) != (ranges.ALL_PORTS, ranges.ALL_PORTS)
    if rule.protocol:
        parts.append(f"meta l4proto {rule.protocol}")
    elif asks_ports:
        parts.append("meta l4proto { tcp, udp }")
    for word, value in (("sport", rule.source_ports), ("dport", rule.ports)):
        if value != ranges.ALL_PORTS:
            parts.append(f"th {word} {ranges.shown_ports(value)}")
    return " ".join([*parts, "return" if rule.allow else "drop"])
