"""Private addresses: static ones checked against the subnet, dynamic ones allotted, none twice.

Who has an address is found by a reference to the address itself: `slot` makes
the key of an address in a subnet, and `Addressed` the shape of an IP
configuration that refers to it. No resource has such a key.
"""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from azuresim import ids
from azuresim.errors import ArmError, bad_request
from azuresim.resources.call import Call
from azuresim.resources.families import missing_reference
from azuresim.resources.network import virtual_networks
from azuresim.resources.network.virtual_networks import Network
from azuresim.resources.schema import Shape
from azuresim.state.records import Link

RESERVED_FIRST: Final = 4
"""Network, gateway and two for name servers; the last address is reserved too (document)."""

CROWDED: Final = 256
"""From this many users of a subnet on, the search starts behind them instead of at its front."""


def slot(holder_id: str, address: str) -> str:
    """Return the key that stands for one address in a subnet or a prefix."""
    return f"{ids.key(holder_id)}/addresses/{address}"


@dataclass(frozen=True, kw_only=True)
class Addressed(Shape):
    """The properties of an IP configuration with `subnet` and `privateIPAddress`."""

    def links(self, value: Any, owner: str) -> Iterator[Link]:
        """Yield the members' references, and one to the address."""
        yield from super().links(value, owner)
        if "subnet" in value and value.get("privateIPAddress"):
            key = slot(value["subnet"]["id"], value["privateIPAddress"])
            yield Link(key, owner, "", single=False, optional=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One IP configuration in a subnet.

    Attributes:
        id: Id of the configuration.
        properties: What is about to be stored; the address is filled in here.
        before: What was stored, if anything.
    """

    id: str
    properties: dict[str, Any]
    before: Mapping[str, Any]

    @property
    def subnet(self) -> str:
        """Id of the subnet."""
        return str(self.properties["subnet"]["id"])

    @property
    def version(self) -> int:
        """The IP version, 4 or 6."""
        return 6 if self.properties.get("privateIPAddressVersion") == "IPv6" else 4

    @property
    def kept(self) -> str:
        """The address it has had in the same subnet, or nothing."""
        old = (self.before.get("subnet") or {}).get("id", "")
        stays = ids.key(old) == ids.key(self.subnet)
        return str(self.before.get("privateIPAddress") or "") if stays else ""


def allot(call: Call, owner_id: str, seats: Sequence[Seat]) -> None:
    """Check the static addresses of one resource's configurations and choose the dynamic ones.

    Raises:
        ArmError: If an address is malformed, outside, reserved or taken, or none is left.
    """
    taken: dict[str, str] = {}
    for seat in sorted(seats, key=lambda each: not _is_static(each)):
        networks = subnet_networks(call, seat.subnet, seat.id, seat.version)
        if _is_static(seat):
            address = _static(seat, networks)
            _refuse_taken(call, owner_id, seat, address, taken)
        else:
            address = seat.kept or _free(call, seat.subnet, networks, taken)
        seat.properties["privateIPAddress"] = address
        taken[slot(seat.subnet, address)] = seat.id


def subnet_networks(call: Call, subnet_id: str, source_id: str, version: int = 0) -> list[Network]:
    """Return the prefixes of a subnet, of one IP version or of both for 0.

    Raises:
        ArmError: If there is no such subnet, or it has no prefix of that version.
    """
    record = call.get(ids.parent_key(ids.key(subnet_id)))
    name = ids.name_of(subnet_id).casefold()
    items = record.body()["properties"]["subnets"] if record else ()
    for item in items:
        if item["name"].casefold() == name:
            stated = virtual_networks.prefixes(item["properties"], item["name"])
            networks = [ipaddress.ip_network(prefix) for prefix in stated]
            fitting = [each for each in networks if version in {0, each.version}]
            if not fitting:
                message = f"Subnet {subnet_id} has no IPv{version} address prefix."
                raise bad_request("SubnetAddressVersionMismatch", message, details=[])
            return fitting
    raise missing_reference(subnet_id, source_id)


def holder(call: Call, owner_id: str, key: str) -> str:
    """Return who has the address behind a slot, other than the resource itself, or nothing."""
    own = ids.key(owner_id)
    for link in call.tx.referrers(key):
        if not ids.key(link.source).startswith(f"{own}/"):
            return link.source
    return ""


def is_reserved(address: ipaddress.IPv4Address | ipaddress.IPv6Address, network: Network) -> bool:
    """Whether Azure keeps an address of a subnet for itself."""
    offset = int(address) - int(network.network_address)
    return offset < RESERVED_FIRST or offset == network.num_addresses - 1


def _is_static(seat: Seat) -> bool:
    return seat.properties.get("privateIPAllocationMethod") == "Static"


def _static(seat: Seat, networks: Sequence[Network]) -> str:
    given = seat.properties.get("privateIPAddress")
    if not given:
        message = f"IP configuration {seat.id} is static and has no private IP address."
        raise bad_request("PrivateIPAddressNotSpecified", message, details=[])
    try:
        address = ipaddress.ip_address(given)
    except ValueError:
        message = f"The private IP address '{given[:80]}' of {seat.id} is not an IP address."
        raise bad_request("InvalidIPAddressFormat", message, details=[]) from None
    inside = [network for network in networks if address in network]
    if not inside:
        prefix = ",".join(str(network) for network in networks)
        message = (
            f"Private static IP address {address} does not belong to the range of subnet prefix "
            f"{prefix}."
        )
        raise bad_request("PrivateIPAddressNotInSubnet", message, details=[])
    if is_reserved(address, inside[0]):
        message = (
            f"Private static IP address {address} falls within reserved IP range of subnet prefix "
            f"{inside[0]}."
        )
        raise bad_request("PrivateIPAddressInReservedRange", message, details=[])
    return str(address)


def _refuse_taken(
    call: Call, owner_id: str, seat: Seat, address: str, taken: Mapping[str, str]
) -> None:
    key = slot(seat.subnet, address)
    user = taken.get(key) or holder(call, owner_id, key)
    if user:
        raise _allocated(seat.id, address, user)


def _allocated(seat_id: str, address: str, user: str) -> ArmError:
    message = (
        f"IP configuration {seat_id} is using the private IP address {address} which is already "
        f"allocated to resource {user}."
    )
    return bad_request("PrivateIPAddressIsAllocated", message, details=[])


def _free(call: Call, subnet: str, networks: Sequence[Network], taken: Mapping[str, str]) -> str:
    for address in _candidates(call, subnet, networks):
        key = slot(subnet, address)
        if key not in taken and not call.tx.referrers(key):
            return address
    prefix = ",".join(str(network) for network in networks)
    message = (
        f"Subnet {ids.name_of(subnet)} with address prefix {prefix} does not have enough capacity "
        "for 1 IP addresses."
    )
    raise bad_request("SubnetIsFull", message, details=[])


def _candidates(call: Call, subnet: str, networks: Sequence[Network]) -> Iterator[str]:
    """Yield a subnet's usable addresses, lowest first, or past the many that are taken."""
    users = len(call.tx.referrers(ids.key(subnet)))
    skip = users if users > CROWDED else 0
    for network in networks:
        usable = network.num_addresses - RESERVED_FIRST - 1
        for step in range(usable):
            yield str(network.network_address + RESERVED_FIRST + (step + skip) % usable)
