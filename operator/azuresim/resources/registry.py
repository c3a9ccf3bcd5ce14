"""The types there are: the one list that routing, checks and coverage start from."""

from typing import Final

from azuresim.resources import deployments, groups, index, subscriptions
from azuresim.resources.authorization import types as authorization
from azuresim.resources.compute import types as compute
from azuresim.resources.contract import ResourceType
from azuresim.resources.dns import types as dns
from azuresim.resources.identities import types as identities
from azuresim.resources.network import types as network
from azuresim.resources.storage import types as storage
from azuresim.resources.subscriptions import Route

TYPES: Final[tuple[ResourceType, ...]] = (
    groups.TYPE,
    deployments.TYPE,
    *authorization.TYPES,
    *network.TYPES,
    *identities.TYPES,
    *dns.TYPES,
    *compute.TYPES,
    *storage.TYPES,
)

ROUTES: Final[tuple[Route, ...]] = (
    *subscriptions.ROUTES,
    *index.ROUTES,
    *network.ROUTES,
    *dns.ROUTES,
    *compute.ROUTES,
    *storage.ROUTES,
)
