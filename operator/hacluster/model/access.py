"""How clients reach the active node: a load balancer, a DNS name, or both."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from hacluster.model.base import Invariant, Noun
from hacluster.model.network import Existing
from hacluster.model.rules import access as access_rules
from hacluster.model.rules import network as network_rules
from hacluster.model.spellings import IPv4, RecordSetName, ResourceName, UrlPath, ZoneName


class LoadBalancerType(StrEnum):
    """Whether the front end is in the internet or in the subnet."""

    PUBLIC = "Public"
    INTERNAL = "Internal"


class PublicIPAddress(Noun):
    """The static public address; ``name`` defaults to ``<balancer>-ip``."""

    invariants: ClassVar[tuple[Invariant, ...]] = (access_rules.ONE_ADDRESS,)

    name: ResourceName | None = None
    """The address's name in Azure; by default <balancer>-ip."""
    existing: (
        Annotated[Existing, network_rules.existing("Microsoft.Network/publicIPAddresses/<name>")]
        | None
    ) = None
    """An address that is there already; it is used and never changed."""


class Frontend(Noun):
    """The balancer's own address."""

    name: ResourceName = "frontend"
    """The front end's name within the balancer."""
    private_ip_address: IPv4 | None = None
    """The address of an Internal balancer: a free one of the subnet."""
    public_ip_address: PublicIPAddress | None = None
    """The address of a Public balancer; by default a new one."""


class BackendPool(Noun):
    """The pool that all nodes are in."""

    name: ResourceName = "nodes"
    """The pool's name within the balancer."""


class ProbeProtocol(StrEnum):
    """How Azure asks which node is active."""

    HTTP = "HTTP"
    TCP = "TCP"


class Probe(Noun):
    """The health probe that only the active node answers."""

    invariants: ClassVar[tuple[Invariant, ...]] = (access_rules.PROBE_PATH,)

    name: ResourceName = "active-node"
    """The probe's name within the balancer."""
    protocol: ProbeProtocol = ProbeProtocol.HTTP
    """HTTP, whose answer comes from the process that knows whether the node is active; or TCP,
    which also finds a node whose agent hangs."""
    port: int = Field(default=26001, ge=1, le=65535)
    """The port that the active node answers on."""
    path: UrlPath = "/"
    """What an HTTP probe asks for."""
    interval_seconds: int = Field(default=5, ge=5, le=2147483646)
    """How often Azure asks; its own minimum is 5."""
    threshold: int = Field(default=2, ge=1, le=100)
    """How many equal answers in a row turn a node up or down."""


class Transport(StrEnum):
    """What a balancing rule forwards."""

    TCP = "TCP"
    UDP = "UDP"


class BalancingRule(Noun):
    """One forwarded port; ``name`` defaults to ``<protocol>-<frontendPort>``."""

    invariants: ClassVar[tuple[Invariant, ...]] = access_rules.BALANCING_RULE
    list_keys: ClassVar[tuple[str, ...]] = ("frontendPort", "protocol")

    name: ResourceName | None = None
    """The rule's name within the balancer; by default <protocol>-<frontendPort>."""
    protocol: Transport = Transport.TCP
    """TCP or UDP."""
    frontend_port: int = Field(ge=1, le=65534)
    """The port that clients connect to."""
    backend_port: int = Field(ge=1, le=65535)
    """The port that the service listens on."""
    floating_ip: bool = False
    """Whether packets arrive unchanged, addressed to the front end (Direct Server Return). It
    never changes."""
    idle_timeout_minutes: int = Field(default=4, ge=4, le=30)
    """After how long without traffic the balancer forgets a connection."""
    tcp_reset: bool = True
    """Whether it tells both sides when it does."""


class LoadBalancer(Noun):
    """A Standard balancer; ``name`` defaults to ``<cluster>-lb``."""

    invariants: ClassVar[tuple[Invariant, ...]] = access_rules.LOAD_BALANCER

    name: ResourceName | None = None
    """The balancer's name; by default <cluster>-lb."""
    type: LoadBalancerType
    """Public, in the internet, or Internal, in the subnet. It never changes."""
    frontend: Frontend = Frontend()
    """The balancer's own address."""
    backend_pool: BackendPool = BackendPool()
    """The pool that all nodes are in."""
    probe: Probe = Probe()
    """How Azure finds the active node."""
    rules: Annotated[
        tuple[BalancingRule, ...],
        Field(min_length=1, max_length=32),
        *access_rules.BALANCING_RULES,
    ]
    """The ports that are forwarded."""


class Visibility(StrEnum):
    """Who can resolve the name."""

    PUBLIC = "Public"
    PRIVATE = "Private"


class Dns(Noun):
    """A record set whose A record holds the active node's address."""

    zone: ZoneName
    """The DNS zone, for example cluster1.example.com."""
    record_set: RecordSetName
    """The record set's name in the zone; @ is the zone itself."""
    ttl_seconds: int = Field(default=60, ge=1, le=2147483647)
    """For how long resolvers may keep the answer: clients follow a failover that much later."""
    visibility: Visibility = Visibility.PUBLIC
    """Public, for everybody, or Private, for the virtual network."""
    manage_zone: bool = True
    """Whether the zone is made and deleted too, or must be there."""


class Access(Noun):
    """At least one of the two."""

    invariants: ClassVar[tuple[Invariant, ...]] = (access_rules.REACHABLE,)

    load_balancer: LoadBalancer | None = None
    """A balancer whose address clients use."""
    dns: Dns | None = None
    """A name that clients resolve."""
