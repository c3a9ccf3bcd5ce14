"""A group's packets, held or cut by nftables.

A table of our own; nobody else's rules are read or changed. *Held* packets are dropped, so
that flows survive a hold of seconds. *Cut* ones are answered with a reset, so that clients
leave a fenced node at once: Azure's balancer never ends an established flow by itself.
Local traffic over the loopback interface is left alone.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Iterable, Iterator

from hacluster_node.errors import Broken
from hacluster_node.system.command import Command, run

if TYPE_CHECKING:
    from hacluster_node.system.port import Traffic

TABLE = "hacluster"
_TIMEOUT_S = 2.0
_IS_RESET = "tcp flags & rst == rst"


def ruleset(held: Iterable[Traffic], cut: Iterable[Traffic]) -> str:
    """Return the whole table as one nft transaction, which replaces what was there."""
    rules_in: list[str] = []
    rules_out: list[str] = []
    for traffic in held:
        for match_in, match_out, _ in _matches(traffic):
            rules_in.append(f"{match_in} drop")
            rules_out.append(f"{match_out} drop")
    for traffic in cut:
        for match_in, match_out, may_be_tcp in _matches(traffic):
            if may_be_tcp:
                rules_in.append(f"{match_in} meta l4proto tcp reject with tcp reset")
                rules_out.append(f"{match_out} meta l4proto tcp {_IS_RESET} accept")
            rules_in.append(f"{match_in} drop")
            rules_out.append(f"{match_out} drop")
    head = f"table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n"
    return head + _chain("input", "iif", rules_in) + _chain("output", "oif", rules_out) + "}\n"


def apply(held: Iterable[Traffic], cut: Iterable[Traffic]) -> None:
    """Make the kernel's table this one.

    Raises:
        Broken: HAN-R04 without nft, HAN-R01 if it refuses.
    """
    command = Command(("nft", "-f", "-"), _TIMEOUT_S, stdin=ruleset(held, cut).encode())
    outcome = run(command)
    if not outcome.ok:
        raise Broken("HAN-R01", f"nft: {outcome.output or 'timed out'}")


def destroy_sockets(traffic: Traffic) -> bool:
    """Destroy the service's established sockets; False where the kernel cannot."""
    if not traffic.ports:
        return True
    ports = " or ".join(f"sport = :{port}" for port in sorted(traffic.ports))
    outcome = run(Command(("ss", "-K", "-n", "state", "established", f"( {ports} )"), _TIMEOUT_S))
    return outcome.ok and "RTNETLINK" not in outcome.output


def _matches(traffic: Traffic) -> Iterator[tuple[str, str, bool]]:
    """Yield what to match coming in, going out, and whether that may be TCP."""
    if traffic.ports:
        ports = "{ " + ", ".join(str(port) for port in sorted(traffic.ports)) + " }"
        for protocol in ("tcp", "udp"):
            yield f"{protocol} dport {ports}", f"{protocol} sport {ports}", protocol == "tcp"
    for text in traffic.addresses:
        family = "ip6" if ipaddress.ip_address(text).version == 6 else "ip"
        yield f"{family} daddr {text}", f"{family} saddr {text}", True


def _chain(hook: str, interface: str, rules: list[str]) -> str:
    lines = [f" chain {hook} {{", f"  type filter hook {hook} priority -150; policy accept;"]
    lines += [f'  {interface} "lo" accept', *(f"  {rule}" for rule in rules), " }"]
    return "\n".join(lines) + "\n"
