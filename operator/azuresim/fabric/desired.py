"""What the kernel should have, as a pure function of the store's records."""

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from azuresim.fabric import ranges, security
from azuresim.fabric.balancing import Balancing, Seat, balancing, seats
from azuresim.fabric.bodies import (
    BALANCERS,
    GATEWAYS,
    GROUPS,
    INTERFACES,
    MACHINES,
    NETWORKS,
    Bodies,
    Body,
    key_of,
    public_addresses,
)
from azuresim.fabric.names import Names, mac_address
from azuresim.fabric.wanted import (
    PORTS_ONLY,
    Balance,
    Forward,
    Interface,
    Machine,
    Network,
    Wanted,
    WayOut,
)
from azuresim.state.records import Record

CLIENT_FROM: Final = 5
"""The client machine gets the first free address of its subnet from this one on."""

DEFAULT_OUTBOUND: Final = ipaddress.IPv4Network("100.96.0.0/11")
"""Azure's own addresses, for networks with default outbound access; each has one of its own."""


def wanted(
    records: Iterable[Record], names: Names, clients: Mapping[str, str], minute_s: float = 60.0
) -> Wanted:
    """Return what the kernel should have.

    Args:
        records: The store's, of the kinds in `bodies.KINDS`.
        names: What things are called.
        clients: Address of each network's client machine so far, by network id; it stays while
            nobody else has it.
        minute_s: How long a minute of an idle time-out is.
    """
    bodies = Bodies(records)
    attached = _attached(bodies)
    found = list(seats(bodies, attached))
    balanced = balancing(bodies, found, minute_s)
    taken = _taken(bodies)
    networks = {}
    for network_id, body in bodies.of(NETWORKS).items():
        made = _Networks(bodies, names, network_id, body, found, balanced)
        networks[network_id] = made.network(clients.get(network_id, ""), taken)
    return Wanted(networks=networks, machines=_machines(bodies, names, networks))


def _attached(bodies: Bodies) -> dict[str, str]:
    """Return the machine of each interface that has one."""
    return {
        interface: machine
        for machine, body in bodies.of(MACHINES).items()
        for interface in _interfaces(body)
    }


def _interfaces(machine: Body) -> list[str]:
    """Return the keys of a machine's interfaces, the primary one first."""
    listed = machine["properties"].get("networkProfile", {}).get("networkInterfaces", ())
    ordered = sorted(listed, key=lambda each: not each.get("properties", {}).get("primary"))
    return [key_of(each) for each in ordered]


def _machines(bodies: Bodies, names: Names, networks: Mapping[str, Network]) -> dict[str, Machine]:
    there = {each.id: each for network in networks.values() for each in network.interfaces}
    return {
        machine: Machine(
            id=machine,
            namespace=names.machine(machine),
            interfaces=tuple(there[key] for key in _interfaces(body) if key in there),
        )
        for machine, body in bodies.of(MACHINES).items()
    }


def _taken(bodies: Bodies) -> set[tuple[str, str]]:
    """Return the private addresses that are somebody's, each with its subnet's key."""
    taken = set()
    for kind, name in ((INTERFACES, "ipConfigurations"), (BALANCERS, "frontendIPConfigurations")):
        for body in bodies.of(kind).values():
            for item in body["properties"][name]:
                properties = item["properties"]
                if "subnet" in properties:
                    place = key_of(properties["subnet"])
                    taken.add((place, str(properties.get("privateIPAddress"))))
    return taken


class _Networks:
    """One virtual network, read as far as the data plane asks."""

    def __init__(
        self,
        bodies: Bodies,
        names: Names,
        network_id: str,
        body: Body,
        found: list[Seat],
        balanced: Balancing,
    ) -> None:
        self._bodies, self._names, self._id, self._balanced = bodies, names, network_id, balanced
        properties = body["properties"]
        self._space = ranges.addresses(properties["addressSpace"]["addressPrefixes"])
        self._subnets = {
            f"{network_id}/subnets/{each['name'].casefold()}": each["properties"]
            for each in properties.get("subnets", ())
        }
        self._seats = [seat for seat in found if seat.network == network_id]

    def network(self, client: str, taken: set[tuple[str, str]]) -> Network:
        """Return the network; its client stays at an address that nobody has taken."""
        interfaces = tuple(self._interfaces())
        end = self._client(client, taken)
        forwards = (*self._balanced.forwards.get(self._id, ()), *self._own_addresses())
        balances = self._balanced.balances.get(self._id, ())
        ends = (*interfaces, end) if end else interfaces
        used = dict.fromkeys(key for each in ends for key in (*each.inbound, *each.outbound))
        return Network(
            id=self._id,
            namespace=self._names.network(self._id),
            device=self._names.device(self._id),
            space=self._space,
            client=end,
            client_namespace=self._names.client(self._id),
            interfaces=interfaces,
            groups=tuple(
                security.group(key, self._bodies.of(GROUPS)[key], self._space) for key in used
            ),
            balances=balances,
            forwards=forwards,
            publics=_publics(forwards, balances, ends),
        )

    def _interfaces(self) -> Iterator[Interface]:
        """Yield the interfaces of machines, those without a subnet of this network left out."""
        by_interface: dict[str, list[Seat]] = {}
        for seat in self._seats:
            if key_of(seat.body["subnet"]) in self._subnets:
                by_interface.setdefault(seat.interface, []).append(seat)
        for key, mine in by_interface.items():
            body = self._bodies.of(INTERFACES)[key]["properties"]
            subnet = key_of(mine[0].body["subnet"])
            inbound = self._groups(subnet, body.get("networkSecurityGroup"))
            prefix = self._prefix(subnet, mine[0].address)
            yield Interface(
                id=key,
                network=self._id,
                device=self._names.device(key),
                mac=_mac(body),
                addresses=tuple(seat.address for seat in mine),
                length=prefix.prefixlen,
                gateway=str(prefix.network_address + 1),
                inbound=inbound,
                outbound=inbound[::-1],
                forwards=bool(body.get("enableIPForwarding")),
                ways=self._ways(subnet, mine),
            )

    def _client(self, before: str, taken: set[tuple[str, str]]) -> Interface | None:
        for subnet in self._subnets:
            address = self._free(subnet, before, taken)
            if address:
                prefix = self._prefix(subnet, address)
                groups = self._groups(subnet, None)
                client = f"{self._id}/client"
                return Interface(
                    id=client,
                    network=self._id,
                    device=self._names.device(client),
                    mac=mac_address(f"guest {client}"),
                    addresses=(address,),
                    length=prefix.prefixlen,
                    gateway=str(prefix.network_address + 1),
                    inbound=groups,
                    outbound=groups,
                    ways=self._ways(subnet, []),
                )
        return None

    def _free(self, subnet: str, before: str, taken: set[tuple[str, str]]) -> str:
        for network in self._prefixes(subnet):
            numbers = range(CLIENT_FROM, network.num_addresses - 1)
            candidates = [str(network.network_address + number) for number in numbers[:1000]]
            for address in (before, *candidates) if before in candidates else candidates:
                if (subnet, address) not in taken:
                    return address
        return ""

    def _prefixes(self, subnet: str) -> list[ipaddress.IPv4Network]:
        properties = self._subnets[subnet]
        stated = properties.get("addressPrefixes") or [properties.get("addressPrefix")]
        return [ipaddress.IPv4Network(each) for each in stated if each and ":" not in each]

    def _prefix(self, subnet: str, address: str) -> ipaddress.IPv4Network:
        place = ipaddress.IPv4Address(address)
        inside = [each for each in self._prefixes(subnet) if place in each]
        return inside[0] if inside else ipaddress.IPv4Network(address)

    def _groups(self, subnet: str, own: Any) -> tuple[str, ...]:
        keys = (key_of(self._subnets[subnet].get("networkSecurityGroup")), key_of(own))
        return tuple(key for key in keys if key in self._bodies.of(GROUPS))

    def _own_addresses(self) -> Iterator[Forward]:
        """Yield what instances' public addresses forward."""
        for seat in self._seats:
            for front in public_addresses(self._bodies, seat.body.get("publicIPAddress")):
                yield Forward(front=front, public=True, back=seat.address)

    def _ways(self, subnet: str, mine: list[Seat]) -> tuple[WayOut, ...]:
        """Return the ways out, by Azure's order (document).

        A gateway goes above all, then the instance's own address, then balancers; only where
        there is none of these there is the default.
        """
        properties = self._subnets[subnet]
        gateway = self._bodies.get(GATEWAYS, properties.get("natGateway"))
        if gateway is not None:
            stated = gateway["properties"]
            references = (*stated.get("publicIpAddresses", ()), *stated.get("publicIpPrefixes", ()))
            addresses = public_addresses(self._bodies, *references)
            return (WayOut(addresses=addresses, protocols=PORTS_ONLY),) if addresses else ()
        own = [seat.body.get("publicIPAddress") for seat in mine]
        if addresses := public_addresses(self._bodies, *own):
            return (WayOut(addresses=addresses[:1]),)
        interface = mine[0].interface if mine else ""
        if interface in self._balanced.ways:
            return self._balanced.ways[interface]
        if interface in self._balanced.pooled or properties.get("defaultOutboundAccess") is False:
            return ()
        return (WayOut(addresses=(default_outbound(self._id),), protocols=PORTS_ONLY),)


def _publics(
    forwards: Iterable[Forward], balances: Iterable[Balance], ends: Iterable[Interface]
) -> tuple[str, ...]:
    found = {each.front for each in forwards if each.public}
    found |= {each.front for each in balances if each.public}
    found |= {address for each in ends for way in each.ways for address in way.addresses}
    return tuple(sorted(found))


def default_outbound(network_id: str) -> str:
    """Return the address that flows of a network have by default outbound access."""
    digest = int.from_bytes(hashlib.sha256(network_id.encode()).digest()[:4], "big")
    return str(DEFAULT_OUTBOUND[1 + digest % (DEFAULT_OUTBOUND.num_addresses - 2)])


def _mac(properties: Body) -> str:
    """Return an interface's hardware address, the one its record shows."""
    digits = properties["resourceGuid"].replace("-", "")[-6:].lower()
    return f"00:0d:3a:{digits[:2]}:{digits[2:4]}:{digits[4:]}"
