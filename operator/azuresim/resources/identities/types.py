"""What the registry takes from here."""

from typing import Final

from azuresim.resources.contract import ResourceType
from azuresim.resources.identities import federated, user_assigned

TYPES: Final[tuple[ResourceType, ...]] = (user_assigned.TYPE, federated.TYPE)
