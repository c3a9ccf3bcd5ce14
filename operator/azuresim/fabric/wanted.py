"""Values: what the kernel should have. Made by `desired`, brought there by `linux`.

All ids are keys: lower case, comparable.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from azuresim.fabric.ranges import ALL_PORTS, Ranges

PLATFORM: Final = "168.63.129.16"
"""Azure's address for probes, names and the agent's channel; the same everywhere."""
METADATA: Final = "169.254.169.254"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityRule:
    """One rule of a security group.

    Attributes:
        allow: It lets pass; else it drops.
        protocol: `tcp`, `udp`, `icmp`, `esp`, `ah`, or empty for any.
        sources: Addresses it speaks of.
        destinations: Addresses it speaks of.
        source_ports: Ports it speaks of.
        ports: Destination ports it speaks of.
    """

    allow: bool
    protocol: str
    sources: Ranges
    destinations: Ranges
    source_ports: Ranges = ALL_PORTS
    ports: Ranges = ALL_PORTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A security group, its rules in the order they are asked, default rules included."""

    id: str
    inbound: tuple[SecurityRule, ...]
    outbound: tuple[SecurityRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """How flows of an interface leave for the internet.

    Attributes:
        addresses: Public addresses they have there, one per source address.
        protocols: Those it takes; empty for all.
    """

    addresses: tuple[str, ...]
    protocols: tuple[str, ...] = ()


PORTS_ONLY: Final = ("tcp", "udp")
"""What can share a public address: all that has ports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """A network interface of a machine, or of a client machine.

    Attributes:
        id: Of the interface; a client machine's is `NETWORK/client`.
        network: Id of the virtual network.
        device: The fabric's end of its cable.
        mac: Hardware address of the guest's end.
        addresses: Its private addresses, the primary one first.
        length: Prefix length of its subnet.
        gateway: First address of its subnet.
        inbound: Ids of the security groups that judge what arrives, in this order.
        outbound: Ids of those that judge what it sends, in this order.
        forwards: It may send from addresses that are not its own.
        ways: How it gets out.
    """

    id: str
    network: str
    device: str
    mac: str
    addresses: tuple[str, ...]
    length: int
    gateway: str
    inbound: tuple[str, ...] = ()
    outbound: tuple[str, ...] = ()
    forwards: bool = False
    ways: tuple[WayOut, ...] = ()

    @property
    def address(self) -> str:
        """The primary private address."""
        return self.addresses[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A health probe.

    Attributes:
        id: Of the probe.
        protocol: `Tcp`, `Http` or `Https`.
        port: Asked on each backend.
        path: Asked for, of HTTP.
        interval_s: Between two questions; also how long an answer may take.
        threshold: Equal answers in a row that change the verdict.
        always_one: With no backend up, all of them count as up.
    """

    id: str
    protocol: str
    port: int
    path: str
    interval_s: float
    threshold: int
    always_one: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A member of a pool; `admin` is `None`, `Up` or `Down`."""

    address: str
    admin: str = "None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """A load balancing rule.

    Attributes:
        id: Of the rule.
        front: Address clients send to.
        public: That address is in the internet.
        protocols: `tcp`, `udp` or both.
        port: Clients send to; 0 for every port.
        back_port: Backends get it on; the same as `port` with floating IP.
        floating: Packets reach the backend unchanged.
        hashed: What chooses the backend: 5 (flow), 3 or 2 (source address).
        idle_s: A flow silent for so long is forgotten.
        resets: Both ends of a forgotten TCP flow are told by a reset.
        backends: Members of its pools.
        probe: Judges them; without one all are up.
    """

    id: str
    front: str
    public: bool
    protocols: tuple[str, ...]
    port: int
    back_port: int
    floating: bool = False
    hashed: int = 5
    idle_s: int = 240
    resets: bool = False
    backends: tuple[Backend, ...] = ()
    probe: Probe | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """What goes to one address goes to one interface: inbound NAT rules, instances' public IPs.

    Attributes:
        front: Address that is sent to.
        public: It is in the internet.
        back: Private address that gets it.
        protocols: Those it takes; empty for all.
        port: Port that is sent to; 0 for all.
        back_port: Port that gets it; 0 for the same.
    """

    front: str
    public: bool
    back: str
    protocols: tuple[str, ...] = ()
    port: int = 0
    back_port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A virtual network.

    Attributes:
        id: Of the virtual network.
        namespace: Of its fabric.
        device: The internet's end of the cable between the two.
        space: Its addresses.
        client: Interface of its client machine, if a subnet has room for one.
        client_namespace: Where that is.
        interfaces: Of machines.
        groups: The security groups in force in it.
        balances: Rules of balancers that serve it.
        forwards: Addresses that lead to single interfaces.
        publics: Public addresses that lead into it.
    """

    id: str
    namespace: str
    device: str
    space: Ranges
    client: Interface | None
    client_namespace: str
    interfaces: tuple[Interface, ...] = ()
    groups: tuple[Group, ...] = ()
    balances: tuple[Balance, ...] = ()
    forwards: tuple[Forward, ...] = ()
    publics: tuple[str, ...] = ()

    @property
    def ends(self) -> tuple[Interface, ...]:
        """All interfaces, the client's included."""
        return (*self.interfaces, self.client) if self.client else self.interfaces


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine: where its interfaces are, the primary one first."""

    id: str
    namespace: str
    interfaces: tuple[Interface, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """All of it, by id."""

    networks: Mapping[str, Network]
    machines: Mapping[str, Machine]


NOTHING: Final = Wanted(networks={}, machines={})
