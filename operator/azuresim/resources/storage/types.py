"""What the registry takes from here."""

from typing import Final

from azuresim.resources.contract import ResourceType
from azuresim.resources.storage import accounts, containers
from azuresim.resources.subscriptions import Route

TYPES: Final[tuple[ResourceType, ...]] = (
    accounts.TYPE,
    containers.SERVICE,
    containers.CONTAINER,
)

ROUTES: Final[tuple[Route, ...]] = accounts.ROUTES
