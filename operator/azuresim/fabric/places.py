"""Where Azure's services are: their addresses.

All but the first two addresses are in 100.64.0.0/16, which only the internet namespace has. The
blocks are apart from each other, so that one kind of service can be cut off by its prefix.
"""

import ipaddress
import re
from typing import Final

RESOLVER: Final = "168.63.129.16"
"""Resolves names in each virtual network, and is what probes come from."""
METADATA: Final = "169.254.169.254"

SERVICES: Final = "100.64.0.0/16"
MANAGEMENT: Final = "100.64.0.10"
LOGIN: Final = "100.64.0.11"
PUBLIC_RESOLVER: Final = "100.64.0.53"
"""Resolves public names for clients in the internet."""
NAME_SERVERS: Final = "100.64.53.0/24"
STORAGE: Final = "100.64.128.0/17"

_NAME_SERVER: Final = re.compile(r"ns([1-4])-(0[1-9])\.azure-dns\.(?:com|net|org|info)\.?")


def name_server(name: str) -> str:
    """Return the address of a public zone's name server; nothing if it is none of Azure's."""
    found = _NAME_SERVER.fullmatch(name.casefold())
    if found is None:
        return ""
    first = ipaddress.ip_network(NAME_SERVERS).network_address
    return str(first + 4 * (int(found[2]) - 1) + int(found[1]))


def storage(number: int) -> str:
    """Return the address of the storage account that was the n-th to get one, from 0 on."""
    block = ipaddress.ip_network(STORAGE)
    return str(block.network_address + 1 + number % (block.num_addresses - 2))
