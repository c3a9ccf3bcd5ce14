"""How clients reach the active node: a load balancer, a DNS name, or both."""

from enum import StrEnum

from pydantic import Field

from hacluster.model.base import Noun
from hacluster.model.network import Existing


class LoadBalancerType(StrEnum):
    """Whether the front end is in the internet or in the subnet."""

    PUBLIC = "Public"
    INTERNAL = "Internal"


class PublicIPAddress(Noun):
    """The static public address; ``name`` defaults to ``<balancer>-ip``."""

    name: str | None = None
    existing: Existing | None = None


class Frontend(Noun):
    """The balancer's own address."""

    name: str = "frontend"
    private_ip_address: str | None = None
    public_ip_address: PublicIPAddress | None = None


class BackendPool(Noun):
    """The pool that all nodes are in."""

    name: str = "nodes"


class ProbeProtocol(StrEnum):
    """How Azure asks which node is active."""

    HTTP = "HTTP"
    TCP = "TCP"


class Probe(Noun):
    """The health probe that only the active node answers."""

    name: str = "active-node"
    protocol: ProbeProtocol = ProbeProtocol.HTTP
    port: int = Field(default=26001, ge=1, le=65535)
    path: str = "/"
    interval_seconds: int = Field(default=5, ge=5, le=2147483646)
    threshold: int = Field(default=2, ge=1, le=100)


class Transport(StrEnum):
    """What a balancing rule forwards."""

    TCP = "TCP"
    UDP = "UDP"


class BalancingRule(Noun):
    """One forwarded port; ``name`` defaults to ``<protocol>-<frontendPort>``."""

    name: str | None = None
    protocol: Transport = Transport.TCP
    frontend_port: int = Field(ge=1, le=65534)
    backend_port: int = Field(ge=1, le=65535)
    floating_ip: bool = False
    idle_timeout_minutes: int = Field(default=4, ge=4, le=30)
    tcp_reset: bool = True


class LoadBalancer(Noun):
    """A Standard balancer; ``name`` defaults to ``<cluster>-lb``."""

    name: str | None = None
    type: LoadBalancerType
    frontend: Frontend = Frontend()
    backend_pool: BackendPool = BackendPool()
    probe: Probe = Probe()
    rules: tuple[BalancingRule, ...] = Field(min_length=1)


class Visibility(StrEnum):
    """Who can resolve the name."""

    PUBLIC = "Public"
    PRIVATE = "Private"


class Dns(Noun):
    """A record set whose A record holds the active node's address."""

    zone: str
    record_set: str
    ttl_seconds: int = Field(default=60, ge=1, le=2147483647)
    visibility: Visibility = Visibility.PUBLIC
    manage_zone: bool = True


class Access(Noun):
    """At least one of the two."""

    load_balancer: LoadBalancer | None = None
    dns: Dns | None = None
