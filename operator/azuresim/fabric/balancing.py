"""Load balancers as records have them, made into what serves in one virtual network. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from azuresim import ids
from azuresim.fabric.bodies import (
    BALANCERS,
    INTERFACES,
    NETWORKS,
    Bodies,
    Body,
    key_of,
    public_addresses,
)
from azuresim.fabric.wanted import PORTS_ONLY, Backend, Balance, Forward, Probe, WayOut

_HASHED: Final = {"SourceIP": 2, "SourceIPProtocol": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One IPv4 configuration of an interface that a machine has."""

    id: str
    network: str
    interface: str
    address: str
    body: Body = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Member:
    network: str
    backend: Backend


@dataclass(frozen=True, slots=True, kw_only=True)
class Balancing:
    """What balancers make of the networks, each by network id; ways out by interface id."""

    balances: Mapping[str, tuple[Balance, ...]]
    forwards: Mapping[str, tuple[Forward, ...]]
    ways: Mapping[str, tuple[WayOut, ...]]
    pooled: frozenset[str]
    """Interfaces in a pool: they have no way out but a declared one (document)."""


def seats(bodies: Bodies, attached: Mapping[str, str]) -> Iterator[Seat]:
    """Yield the IPv4 configurations of the interfaces that machines have, primary ones first."""
    for interface, body in bodies.of(INTERFACES).items():
        if interface not in attached:
            continue
        items = body["properties"]["ipConfigurations"]
        for item in sorted(items, key=lambda each: not each["properties"].get("primary")):
            properties = item["properties"]
            if properties.get("privateIPAddressVersion", "IPv4") == "IPv4":
                yield Seat(
                    id=f"{interface}/ipconfigurations/{item['name'].casefold()}",
                    network=ids.parent_key(key_of(properties["subnet"])),
                    interface=interface,
                    address=str(properties["privateIPAddress"]),
                    body=properties,
                )


def balancing(bodies: Bodies, found: list[Seat], minute_s: float) -> Balancing:
    """Return what all balancers make of the networks; idle time-outs are stated in minutes."""
    balances: dict[str, list[Balance]] = {}
    forwards: dict[str, list[Forward]] = {}
    ways: dict[str, list[WayOut]] = {}
    for balancer, body in bodies.of(BALANCERS).items():
        made = _Balancer(bodies, balancer, body["properties"], found, minute_s)
        for network, balance in made.balances():
            balances.setdefault(network, []).append(balance)
        for network, forward in made.forwards():
            forwards.setdefault(network, []).append(forward)
        for interface, way in made.ways():
            ways.setdefault(interface, []).append(way)
    return Balancing(
        balances={key: tuple(value) for key, value in balances.items()},
        forwards={key: tuple(value) for key, value in forwards.items()},
        ways={key: tuple(value) for key, value in ways.items()},
        pooled=frozenset(
            s.interface for s in found if s.body.get("loadBalancerBackendAddressPools")
        ),
    )


class _Balancer:
    """One balancer, read as far as the data plane asks."""

    def __init__(
        self,
        bodies: Bodies,
        balancer: str,
        properties: Mapping[str, Any],
        found: list[Seat],
        minute_s: float,
    ) -> None:
        self._minute_s = minute_s
        self._bodies, self._id, self._properties, self._seats = bodies, balancer, properties, found
        self._fronts = dict(self._read_fronts())
        self._probes = {
            each["name"].casefold(): _probe(f"{balancer}/probes/{each['name'].casefold()}", each)
            for each in properties["probes"]
        }
        self._members = {
            each["name"].casefold(): tuple(self._read_members(each))
            for each in properties["backendAddressPools"]
        }

    def _read_fronts(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """Yield each front end's name with its address and network, which is empty if public."""
        for item in self._properties["frontendIPConfigurations"]:
            properties = item["properties"]
            address = properties.get("privateIPAddress")
            if "subnet" in properties and address and ":" not in address:
                network = ids.parent_key(key_of(properties["subnet"]))
                yield item["name"].casefold(), (str(address), network)
            for public in public_addresses(
                self._bodies, properties.get("publicIPAddress"), properties.get("publicIPPrefix")
            )[:1]:
                yield item["name"].casefold(), (public, "")

    def _read_members(self, pool: Body) -> Iterator[_Member]:
        pool_id = f"{self._id}/backendaddresspools/{pool['name'].casefold()}"
        listed = pool["properties"].get("loadBalancerBackendAddresses", ())
        states = {
            key_of(each["properties"].get("networkInterfaceIPConfiguration")): each["properties"]
            for each in listed
        }
        for seat in self._seats:
            if _joined(seat, "loadBalancerBackendAddressPools", pool_id):
                admin = states.get(seat.id, {}).get("adminState", "None")
                yield _Member(seat.network, Backend(address=seat.address, admin=admin))
        for member in listed:
            properties = member["properties"]
            if ":" not in properties.get("ipAddress", ":"):
                admin = properties.get("adminState", "None")
                yield _Member(
                    self._network_of(properties, pool["properties"]),
                    Backend(address=properties["ipAddress"], admin=admin),
                )

    def _network_of(self, member: Body, pool: Body) -> str:
        for properties in (member, pool):
            if "virtualNetwork" in properties:
                return key_of(properties["virtualNetwork"])
            if "subnet" in properties:
                return ids.parent_key(key_of(properties["subnet"]))
        return ""

    def balances(self) -> Iterator[tuple[str, Balance]]:
        """Yield each rule that has members, with the network it serves in."""
        for item in self._properties["loadBalancingRules"]:
            properties = item["properties"]
            front, home = self._front(properties)
            members = [
                member
                for pool in properties.get("backendAddressPools", ())
                for member in self._members.get(ids.name_of(key_of(pool)), ())
            ]
            network = home or next((member.network for member in members), "")
            if front and network in self._bodies.of(NETWORKS):
                backends = [m.backend for m in members if m.network == network]
                yield network, self._balance(item, front, backends, public=not home)

    def _balance(self, item: Body, front: str, backends: list[Backend], *, public: bool) -> Balance:
        properties = item["properties"]
        probe = properties.get("probe")
        return Balance(
            id=f"{self._id}/loadbalancingrules/{item['name'].casefold()}",
            front=front,
            public=public,
            protocols=_protocols(properties["protocol"]),
            port=properties["frontendPort"],
            back_port=properties["backendPort"],
            floating=properties["enableFloatingIP"],
            hashed=_HASHED.get(properties["loadDistribution"], 5),
            idle_s=max(1, round(self._minute_s * properties["idleTimeoutInMinutes"])),
            resets=properties["enableTcpReset"],
            backends=tuple(dict.fromkeys(backends)),
            probe=self._probes.get(ids.name_of(key_of(probe))) if probe else None,
        )

    def forwards(self) -> Iterator[tuple[str, Forward]]:
        """Yield what inbound NAT rules forward, with the network it leads into."""
        for item in self._properties["inboundNatRules"]:
            properties = item["properties"]
            front, home = self._front(properties)
            rule_id = f"{self._id}/inboundnatrules/{item['name'].casefold()}"
            for step, (network, back) in enumerate(self._targets(rule_id, properties)):
                port = properties.get("frontendPort")
                if front and (not home or home == network):
                    yield (
                        network,
                        Forward(
                            front=front,
                            public=not home,
                            back=back,
                            protocols=_protocols(properties["protocol"]),
                            port=port or properties["frontendPortRangeStart"] + step,
                            back_port=properties["backendPort"],
                        ),
                    )

    def _targets(self, rule_id: str, properties: Body) -> Iterator[tuple[str, str]]:
        for seat in self._seats:
            if _joined(seat, "loadBalancerInboundNatRules", rule_id):
                yield seat.network, seat.address
        pool = properties.get("backendAddressPool")
        for member in self._members.get(ids.name_of(key_of(pool)), ()) if pool else ():
            yield member.network, member.backend.address

    def ways(self) -> Iterator[tuple[str, WayOut]]:
        """Yield the ways out it gives to interfaces: by outbound rules, then by other rules."""
        for item in self._properties["outboundRules"]:
            properties = item["properties"]
            fronts = [self._properties_of_front(each) for each in
                      properties["frontendIPConfigurations"]]  # fmt: skip
            references = [
                front.get(name)
                for front in fronts
                for name in ("publicIPAddress", "publicIPPrefix")
            ]
            way = WayOut(
                addresses=public_addresses(self._bodies, *references),
                protocols=_protocols(properties["protocol"]),
            )
            yield from self._to_members(properties.get("backendAddressPool"), way)
        for item in self._properties["loadBalancingRules"]:
            properties = item["properties"]
            front, home = self._front(properties)
            if front and not home and not properties["disableOutboundSnat"]:
                way = WayOut(addresses=(front,), protocols=_protocols(properties["protocol"]))
                for pool in properties.get("backendAddressPools", ()):
                    yield from self._to_members(pool, way)

    def _to_members(self, pool: Any, way: WayOut) -> Iterator[tuple[str, WayOut]]:
        for seat in self._seats if pool and way.addresses else ():
            if _joined(seat, "loadBalancerBackendAddressPools", key_of(pool)):
                yield seat.interface, way

    def _front(self, properties: Body) -> tuple[str, str]:
        name = ids.name_of(key_of(properties.get("frontendIPConfiguration")))
        return self._fronts.get(name, ("", ""))

    def _properties_of_front(self, reference: Any) -> Body:
        name = ids.name_of(key_of(reference))
        for item in self._properties["frontendIPConfigurations"]:
            if item["name"].casefold() == name:
                found: Body = item["properties"]
                return found
        return {}


def _joined(seat: Seat, name: str, target: str) -> bool:
    return any(key_of(each) == target for each in seat.body.get(name, ()))


def _probe(probe_id: str, item: Body) -> Probe:
    properties = item["properties"]
    return Probe(
        id=probe_id,
        protocol=properties["protocol"],
        port=properties["port"],
        path=properties.get("requestPath", ""),
        interval_s=float(properties.get("intervalInSeconds", 15)),
        threshold=properties.get("probeThreshold", 1),
        always_one=properties.get("noHealthyBackendsBehavior") == "AllProbedUp",
    )


def _protocols(word: str) -> tuple[str, ...]:
    return PORTS_ONLY if word in {"All", "Quic"} else (word.lower(),)
