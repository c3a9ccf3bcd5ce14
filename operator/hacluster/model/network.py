"""The virtual network, the subnet, the security group, and the way out."""

from enum import StrEnum

from pydantic import Field

from hacluster.model.base import Noun


class Existing(Noun):
    """Something that is used and never changed."""

    id: str


class VirtualNetwork(Noun):
    """The virtual network; ``name`` defaults to ``<cluster>-vnet``."""

    name: str | None = None
    address_prefixes: tuple[str, ...] = ()
    existing: Existing | None = None


class Subnet(Noun):
    """The nodes' subnet; ``address_prefix`` defaults to the network's first prefix."""

    name: str | None = None
    address_prefix: str | None = None
    existing: Existing | None = None


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

    name: str
    priority: int | None = Field(default=None, ge=100, le=4096)
    protocol: Protocol = Protocol.TCP
    direction: Direction = Direction.INBOUND
    access: RuleAccess = RuleAccess.ALLOW
    source_ports: tuple[str, ...] = ("*",)
    sources: tuple[str, ...] = ("*",)
    destination_ports: tuple[str, ...] = ("*",)
    destinations: tuple[str, ...] = ("*",)


class SecurityGroup(Noun):
    """The nodes' security group; ``name`` defaults to ``<cluster>-nsg``."""

    name: str | None = None
    rules: tuple[SecurityRule, ...] = Field(default=())
    existing: Existing | None = None


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


class Network(Noun):
    """Everything the nodes' interfaces hang on."""

    virtual_network: VirtualNetwork = VirtualNetwork()
    subnet: Subnet = Subnet()
    security_group: SecurityGroup = SecurityGroup()
    outbound: Outbound = Outbound()
