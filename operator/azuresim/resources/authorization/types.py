"""The types of this namespace, for the registry."""

from typing import Final

from azuresim.resources.authorization import assignments, locks, roles
from azuresim.resources.contract import ResourceType

TYPES: Final[tuple[ResourceType, ...]] = (roles.TYPE, assignments.TYPE, locks.TYPE)
