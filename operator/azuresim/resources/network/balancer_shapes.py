"""What may stand in a load balancer's body: the shapes of its child collections."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from azuresim.resources.call import Call
from azuresim.resources.children import Children
from azuresim.resources.network.addresses import Addressed
from azuresim.resources.network.rules import echoed, zones
from azuresim.resources.schema import (
    Anything,
    Choice,
    Field,
    Flag,
    Items,
    Number,
    Ref,
    Shape,
    Text,
    generated,
    shape,
)
from azuresim.state.records import Link

BALANCER: Final = "Microsoft.Network/loadBalancers"
FRONTENDS: Final = f"{BALANCER}/frontendIPConfigurations"
POOLS: Final = f"{BALANCER}/backendAddressPools"
PROBES: Final = f"{BALANCER}/probes"


@dataclass(frozen=True, kw_only=True)
class _Shadow(Ref):
    """A reference that a list beside it already makes."""

    def links(self, value: Any, owner: str) -> Iterator[Link]:
        """Yield nothing."""
        del value, owner
        yield from ()

    def may_link(self) -> bool:
        """Say no."""
        return False


def _transports(*more: str, default: str = "") -> Choice:
    words = ("Tcp", "Udp", "All", *more)
    return Choice(words=words, default=default) if default else Choice(words=words, required=True)


FRONTEND: Final = Addressed(
    members={
        "privateIPAddress": Text(longest=45),
        "privateIPAllocationMethod": Choice(words=("Dynamic", "Static"), default="Dynamic"),
        "privateIPAddressVersion": Choice(words=("IPv4", "IPv6")),
        "subnet": Ref(kind="Microsoft.Network/virtualNetworks/subnets", shows="ipConfigurations"),
        "publicIPAddress": Ref(
            kind="Microsoft.Network/publicIPAddresses", shows="ipConfiguration", single=True
        ),
        "publicIPPrefix": Ref(
            kind="Microsoft.Network/publicIPPrefixes",
            shows="loadBalancerFrontendIpConfiguration",
            single=True,
        ),
        "gatewayLoadBalancer": Ref(kind=FRONTENDS),
        "ddosSettings": Anything(),
        "enableConnectionTracking": Flag(),
        **echoed("loadBalancingRules", "outboundRules", "inboundNatRules", "inboundNatPools"),
    }
)

BACKEND_ADDRESS: Final = shape(
    name=Text(longest=260),
    properties=Shape(
        members={
            "ipAddress": Text(longest=45),
            "virtualNetwork": Ref(kind="Microsoft.Network/virtualNetworks"),
            "subnet": Ref(kind="Microsoft.Network/virtualNetworks/subnets"),
            "adminState": Choice(words=("None", "Up", "Down")),
            "loadBalancerFrontendIPConfiguration": Ref(kind=FRONTENDS),
            "networkInterfaceIPConfiguration": Ref(optional=True),
            **echoed("inboundNatRulesPortMapping"),
        }
    ),
)

POOL: Final = Shape(
    members={
        "loadBalancerBackendAddresses": Items(of=BACKEND_ADDRESS, default=[], since="2020-05-01"),
        "location": Text(),
        "tunnelInterfaces": Items(of=Anything()),
        "drainPeriodInSeconds": Number(low=0),
        "virtualNetwork": Ref(kind="Microsoft.Network/virtualNetworks"),
        "syncMode": Choice(words=("Automatic", "Manual")),
        **echoed(
            "backendIPConfigurations", "loadBalancingRules", "outboundRule", "outboundRules",
            "inboundNatRules",
        ),
    }
)  # fmt: skip

PROBE: Final = Shape(
    members={
        "protocol": Choice(words=("Tcp", "Http", "Https"), required=True),
        "port": Number(low=1, high=65535, required=True),
        "requestPath": Text(longest=2048),
        "intervalInSeconds": Number(low=5, high=2147483646, default=15),
        "numberOfProbes": Number(low=1, high=2147483647, default=2),
        "probeThreshold": Number(low=1, high=100, default=1, since="2022-05-01"),
        "noHealthyBackendsBehavior": Choice(
            words=("AllProbedDown", "AllProbedUp"), default="AllProbedDown", since="2024-03-01"
        ),
        **echoed("loadBalancingRules"),
    }
)

RULE: Final = shape(
    protocol=_transports("Quic"),
    frontendPort=Number(low=0, high=65534, required=True),
    backendPort=Number(low=0, high=65535, default=0),
    enableFloatingIP=Flag(default=False),
    idleTimeoutInMinutes=Number(low=4, high=100, default=4),
    enableTcpReset=Flag(default=False),
    loadDistribution=Choice(
        words=("Default", "SourceIP", "SourceIPProtocol"), default="Default"
    ),
    disableOutboundSnat=Flag(default=False),
    enableConnectionTracking=Flag(),
    frontendIPConfiguration=Ref(kind=FRONTENDS, shows="loadBalancingRules"),
    backendAddressPool=_Shadow(kind=POOLS),
    backendAddressPools=Items(of=Ref(kind=POOLS, shows="loadBalancingRules"), since="2021-02-01"),
    probe=Ref(kind=PROBES, shows="loadBalancingRules"),
)  # fmt: skip

OUTBOUND_RULE: Final = shape(
    protocol=_transports(),
    allocatedOutboundPorts=Number(low=0, high=64000, default=0),
    enableTcpReset=Flag(default=False),
    idleTimeoutInMinutes=Number(low=4, high=120, default=4),
    frontendIPConfigurations=Items(of=Ref(kind=FRONTENDS, shows="outboundRules"), required=True),
    backendAddressPool=Ref(kind=POOLS, shows="outboundRules", single=False),
)

INBOUND_RULE: Final = Shape(
    members={
        "protocol": _transports("Quic", default="Tcp"),
        "frontendPort": Number(low=0, high=65534),
        "backendPort": Number(low=1, high=65535, required=True),
        "frontendPortRangeStart": Number(low=1, high=65534),
        "frontendPortRangeEnd": Number(low=1, high=65534),
        "enableFloatingIP": Flag(default=False),
        "enableTcpReset": Flag(default=False),
        "idleTimeoutInMinutes": Number(low=4, high=100, default=4),
        "frontendIPConfiguration": Ref(kind=FRONTENDS, shows="inboundNatRules"),
        "backendAddressPool": Ref(kind=POOLS, shows="inboundNatRules"),
        **echoed("backendIPConfiguration"),
    }
)

INBOUND_POOL: Final = shape(
    protocol=_transports("Quic"),
    frontendPortRangeStart=Number(low=1, high=65534, required=True),
    frontendPortRangeEnd=Number(low=1, high=65535, required=True),
    backendPort=Number(low=1, high=65535, required=True),
    enableFloatingIP=Flag(default=False),
    enableTcpReset=Flag(default=False),
    idleTimeoutInMinutes=Number(low=4, high=100, default=4),
    frontendIPConfiguration=Ref(kind=FRONTENDS, shows="inboundNatPools"),
)

IN_USE_BY_GLOBAL: Final = (
    "NotAllowedToDeleteLoadBalancerWithFrontendIpConfigurationInUseByGlobalLB",
    "It is not allowed to delete load balancer frontend IP configuration {id} referenced by global "
    "load balancer's pool {user}. Please remove from global load balancing configuration first.",
)

MEMBERS: Final[dict[str, Field]] = {
    "resourceGuid": generated(Call.new_guid),
    "scope": Choice(words=("Public", "Private")),
    "mode": Text(),
    "frontendIPConfigurations": Children(
        kind=FRONTENDS, item=FRONTEND, beside=shape(zones=zones()), writable=False,
        in_use=IN_USE_BY_GLOBAL,
    ),
    "backendAddressPools": Children(kind=POOLS, item=POOL),
    "loadBalancingRules": Children(
        kind=f"{BALANCER}/loadBalancingRules", item=RULE, writable=False
    ),
    "probes": Children(kind=PROBES, item=PROBE, writable=False),
    "inboundNatRules": Children(kind=f"{BALANCER}/inboundNatRules", item=INBOUND_RULE),
    "outboundRules": Children(kind=f"{BALANCER}/outboundRules", item=OUTBOUND_RULE, writable=False),
    "inboundNatPools": Children(
        kind=f"{BALANCER}/inboundNatPools", item=INBOUND_POOL, writable=False
    ),
}  # fmt: skip
