"""The types there are: the one list that routing, checks and coverage start from."""

from typing import Final

from azuresim.resources import (
    groups,
    nat_gateways,
    public_ip_prefixes,
    public_ips,
    security_groups,
    subscriptions,
    virtual_networks,
)
from azuresim.resources.compute import types as compute
from azuresim.resources.contract import ResourceType
from azuresim.resources.dns import types as dns
from azuresim.resources.identities import types as identities
from azuresim.resources.subscriptions import Route

TYPES: Final[tuple[ResourceType, ...]] = (
    groups.TYPE,
    virtual_networks.TYPE,
    security_groups.TYPE,
    *identities.TYPES,
    *dns.TYPES,
    *compute.TYPES,
    public_ips.TYPE,
    public_ip_prefixes.TYPE,
    nat_gateways.TYPE,
)

ROUTES: Final[tuple[Route, ...]] = (*subscriptions.ROUTES, *dns.ROUTES, *compute.ROUTES)
