"""Public addresses and prefixes to give away: ranges that nobody routes, each used once only.

RFC 5737 keeps three networks for documentation; once they are used up, the range
RFC 2544 keeps for benchmarks goes on. IPv6 comes from RFC 3849's. A number drawn
is never drawn again, so that no address of a deleted resource comes back to mean
another.
"""

import ipaddress
from typing import TYPE_CHECKING, Final

from azuresim.errors import bad_request
from azuresim.resources.call import Call

if TYPE_CHECKING:
    from azuresim.resources.network.virtual_networks import Network

SINGLES: Final = {
    4: ("192.0.2.0/24", "198.51.100.0/24", "198.18.0.0/16"),
    6: ("2001:db8:0:1::/64",),
}
BLOCKS: Final = {4: ("203.0.113.0/24", "198.19.0.0/16"), 6: ("2001:db8:0:2::/64",)}
BLOCK_BITS: Final = 4
"""Prefixes are cut from blocks of sixteen addresses, the longest prefix there is."""


def single(call: Call, version: int) -> str:
    """Return an address of an IP version that nobody ever had.

    Raises:
        ArmError: If there is none left.
    """
    number = call.draw(f"public IPv{version} address")
    for text in SINGLES[version]:
        network: Network = ipaddress.ip_network(text)
        usable = network.num_addresses - 2
        if number < usable:
            return str(network.network_address + 1 + number)
        number -= usable
    raise _exhausted("addresses")


def block(call: Call, version: int, length: int) -> str:
    """Return a prefix of a length that nobody ever had.

    Raises:
        ArmError: If there is none left.
    """
    number = call.draw(f"public IPv{version} prefix")
    for text in BLOCKS[version]:
        network: Network = ipaddress.ip_network(text)
        blocks = network.num_addresses >> BLOCK_BITS
        if number < blocks:
            return f"{network.network_address + (number << BLOCK_BITS)}/{length}"
        number -= blocks
    raise _exhausted("prefixes")


def _exhausted(what: str) -> Exception:
    message = f"Cannot create more public IP {what} for this subscription in this region."
    return bad_request("PublicIPCountLimitReached", message, details=[])
