"""What the registry takes from here."""

from typing import Final

from azuresim.resources.contract import ResourceType
from azuresim.resources.dns import private_links, private_zones, public_zones
from azuresim.resources.subscriptions import Route

TYPES: Final[tuple[ResourceType, ...]] = (
    public_zones.TYPE,
    *public_zones.RECORD_SETS,
    private_zones.TYPE,
    *private_zones.RECORD_SETS,
    private_links.TYPE,
)

ROUTES: Final[tuple[Route, ...]] = (*public_zones.ROUTES, *private_zones.ROUTES)
