"""What the registry takes from here."""

from typing import Final

from azuresim.resources.compute import (
    availability_sets,
    catalog,
    disks,
    images,
    run_action,
    run_commands,
    virtual_machines,
)
from azuresim.resources.contract import ResourceType
from azuresim.resources.subscriptions import Route

TYPES: Final[tuple[ResourceType, ...]] = (
    availability_sets.TYPE,
    disks.TYPE,
    virtual_machines.TYPE,
    run_commands.TYPE,
)

ROUTES: Final[tuple[Route, ...]] = (*catalog.ROUTES, *images.ROUTES, *run_action.ROUTES)
