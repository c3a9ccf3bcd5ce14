"""The virtual network, the subnet, the security group, and the way out."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from hacluster.model.base import Invariant, Noun, distinct
from hacluster.model.rules import network as network_rules
from hacluster.model.spellings import (
    AddressRange,
    NetworkName,
    PortRange,
    Prefix,
    ResourceName,
)


class Existing(Noun):
    """Something that is used and never changed."""

    id: Annotated[str, Field(min_length=1, max_length=1024)]
    """The whole ARM id."""


class VirtualNetwork(Noun):
    """The virtual network; ``name`` defaults to ``<cluster>-vnet``."""

    invariants: ClassVar[tuple[Invariant, ...]] = (
        *network_rules.SAME_NETWORK,
        network_rules.stands_alone("name", "addressPrefixes"),
    )

    name: NetworkName | None = None
    """The network's name; by default <cluster>-vnet. It never changes."""
    address_prefixes: Annotated[
        tuple[Prefix, ...], Field(max_length=16), distinct("write each address prefix once")
    ] = ()
    """The network's address space, for example 10.5.0.0/24."""
    existing: (
        Annotated[Existing, network_rules.existing("Microsoft.Network/virtualNetworks/<name>")]
        | None
    ) = None
    """A network that is there already; it is used and never changed."""


class Subnet(Noun):
    """The nodes' subnet; ``address_prefix`` defaults to the network's first prefix."""

    invariants: ClassVar[tuple[Invariant, ...]] = (
        *network_rules.SAME_SUBNET,
        network_rules.stands_alone("name", "addressPrefix"),
    )

    name: ResourceName | None = None
    """The subnet's name; by default <cluster>-subnet. It never changes."""
    address_prefix: Prefix | None = None
    """The subnet's prefix; by default the network's first one."""
    existing: (
        Annotated[
            Existing,
            network_rules.existing("Microsoft.Network/virtualNetworks/<network>/subnets/<name>"),
        ]
        | None
    ) = None
    """A subnet that is there already; it is used and never changed."""


class Protocol(StrEnum):
    """The transport a security rule is about."""

    TCP = "TCP"
    UDP = "UDP"
    ICMP = "ICMP"
    ANY = "Any"


class Direction(StrEnum):
    """Which way a security rule looks."""

    INBOUND = "Inbound"
    OUTBOUND = "Outbound"


class RuleAccess(StrEnum):
    """What a security rule does with what it matches."""

    ALLOW = "Allow"
    DENY = "Deny"


class SecurityRule(Noun):
    """One rule of the user's own; ``priority`` is assigned where absent."""

    list_keys: ClassVar[tuple[str, ...]] = ("name",)

    name: ResourceName
    """The rule's name."""
    priority: int | None = Field(default=None, ge=100, le=4096)
    """Smaller numbers win; assigned by the operator where absent."""
    protocol: Protocol = Protocol.TCP
    """The transport: TCP, UDP, ICMP or Any."""
    direction: Direction = Direction.INBOUND
    """Inbound or Outbound."""
    access: RuleAccess = RuleAccess.ALLOW
    """Allow or Deny."""
    source_ports: Annotated[tuple[PortRange, ...], Field(min_length=1, max_length=32)] = ("*",)
    """The ports that traffic comes from."""
    sources: Annotated[tuple[AddressRange, ...], Field(min_length=1, max_length=32)] = ("*",)
    """The addresses, prefixes or service tags that traffic comes from."""
    destination_ports: Annotated[tuple[PortRange, ...], Field(min_length=1, max_length=32)] = ("*",)
    """The ports that traffic goes to, as on the nodes: a balancer's back-end ports."""
    destinations: Annotated[tuple[AddressRange, ...], Field(min_length=1, max_length=32)] = ("*",)
    """The addresses, prefixes or service tags that traffic goes to."""


class SecurityGroup(Noun):
    """The nodes' security group; ``name`` defaults to ``<cluster>-nsg``."""

    invariants: ClassVar[tuple[Invariant, ...]] = (network_rules.stands_alone("name", "rules"),)

    name: ResourceName | None = None
    """The group's name; by default <cluster>-nsg."""
    rules: Annotated[tuple[SecurityRule, ...], Field(max_length=64), network_rules.PRIORITIES] = ()
    """Rules of your own. What probe, heartbeat, mirror and balancer need is added by itself."""
    existing: (
        Annotated[
            Existing, network_rules.existing("Microsoft.Network/networkSecurityGroups/<name>")
        ]
        | None
    ) = None
    """A group that is there already; it is used and never changed."""


class OutboundType(StrEnum):
    """How the nodes reach the internet: Run Command and tokens need it."""

    LOAD_BALANCER = "LoadBalancer"
    NAT_GATEWAY = "NATGateway"
    PUBLIC_IP = "PublicIP"
    EXISTING = "Existing"
    NONE = "None"


class Outbound(Noun):
    """The way out; the default is Existing for an existing network, else NATGateway."""

    type: OutboundType | None = None
    """How the nodes reach the internet: LoadBalancer (an outbound rule of the public balancer),
    NATGateway, PublicIP (one for each node), Existing (somebody else sees to it) or None. By
    default Existing where the network is existing, else NATGateway."""


class Network(Noun):
    """Everything the nodes' interfaces hang on."""

    invariants: ClassVar[tuple[Invariant, ...]] = network_rules.NETWORK

    virtual_network: VirtualNetwork = VirtualNetwork()
    """The virtual network."""
    subnet: Subnet = Subnet()
    """The subnet that the nodes are in."""
    security_group: SecurityGroup = SecurityGroup()
    """The security group of the nodes' interfaces."""
    outbound: Outbound = Outbound()
    """How the nodes reach the internet."""

    @property
    def prefix(self) -> str | None:
        """The subnet's prefix, or None where only Azure knows it."""
        if self.subnet.existing is not None:
            return None
        first = next(iter(self.virtual_network.address_prefixes), None)
        return self.subnet.address_prefix or first

    @property
    def outbound_type(self) -> OutboundType:
        """The way out: Existing where the subnet is existing, else NATGateway, unless written."""
        if self.outbound.type is not None:
            return self.outbound.type
        return OutboundType.NAT_GATEWAY if self.subnet.existing is None else OutboundType.EXISTING
