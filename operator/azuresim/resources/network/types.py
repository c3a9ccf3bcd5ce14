"""What the registry takes from here."""

from typing import Final

from azuresim.resources.contract import ResourceType
from azuresim.resources.network import (
    load_balancers,
    nat_gateways,
    network_interfaces,
    public_ip_prefixes,
    public_ips,
    routes,
    security_groups,
    virtual_networks,
)
from azuresim.resources.subscriptions import Route

TYPES: Final[tuple[ResourceType, ...]] = (
    virtual_networks.TYPE,
    security_groups.TYPE,
    public_ips.TYPE,
    public_ip_prefixes.TYPE,
    nat_gateways.TYPE,
    network_interfaces.TYPE,
    load_balancers.TYPE,
)

ROUTES: Final[tuple[Route, ...]] = routes.ROUTES
