"""Rules about networks: what exists is used as it is, what is ours must fit together."""

import re
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Final

from hacluster.model.base import Invariant
from hacluster.model.rules.changes import keeps_if_any
from hacluster.model.spellings import GUID

if TYPE_CHECKING:
    from hacluster.model.network import Network, SecurityGroup, SecurityRule, Subnet, VirtualNetwork

_PROVIDERS: Final = f"/subscriptions/{GUID}/resourceGroups/[^/]+/providers"


def existing(kind: str) -> Invariant:
    """Return the rule that an existing thing is of a type such as Microsoft.X/things/<name>."""
    regex = kind.replace("<network>", "[^/]+").replace("<name>", "[^/]+")
    compiled = re.compile(f"{_PROVIDERS}/{regex}", re.ASCII | re.IGNORECASE)
    return Invariant(
        message=f"write the whole id: /subscriptions/<id>/resourceGroups/<group>/providers/{kind}",
        holds=lambda found: compiled.fullmatch(found.id) is not None,
        cel=f"self.id.matches('^(?i:{_PROVIDERS}/{regex})$')",
        field="id",
    )


def _names_nothing(owner: "VirtualNetwork | Subnet | SecurityGroup") -> bool:
    written = {name for name, value in owner.wire().items() if value != []}
    return owner.existing is None or written == {"existing"}


def stands_alone(*fields: str) -> Invariant:
    """Return the rule that what exists is not described as well by the fields named."""
    absent = " && ".join(f"(!has(self.{field}) || size(self.{field}) == 0)" for field in fields)
    return Invariant(
        message="what exists is used as it is: leave out existing, or " + " and ".join(fields),
        holds=_names_nothing,
        cel=f"!has(self.existing) || ({absent})",
        field="existing",
    )


SAME_NETWORK: Final = (
    keeps_if_any("name", "machines cannot change their network: keep its name"),
    keeps_if_any("existing", "machines cannot change their network: keep the existing one's id"),
)
SAME_SUBNET: Final = (
    keeps_if_any("name", "machines cannot change their subnet: keep its name"),
    keeps_if_any("existing", "machines cannot change their subnet: keep the existing one's id"),
)


def _priorities_differ(rules: "tuple[SecurityRule, ...]") -> bool:
    taken = [(rule.direction, rule.priority) for rule in rules if rule.priority is not None]
    return len(set(taken)) == len(taken)


PRIORITIES: Final = Invariant(
    message="two rules of one direction cannot share a priority: write another one, or none",
    holds=_priorities_differ,
    cel=(
        "self.all(one, !has(one.priority) || self.exists_one(other, has(other.priority)"
        " && other.priority == one.priority && other.direction == one.direction))"
    ),
)


def _exist_together(network: "Network") -> bool:
    outer, inner = network.virtual_network, network.subnet
    if inner.existing is None:
        return outer.existing is None
    return outer.name is None and not outer.address_prefixes


def _is_inside(network: "Network") -> bool:
    outer, inner = network.virtual_network.existing, network.subnet.existing
    if outer is None or inner is None:
        return True
    return inner.id.lower().startswith(f"{outer.id}/subnets/".lower())


def _has_prefix(network: "Network") -> bool:
    outer = network.virtual_network
    existing = outer.existing or network.subnet.existing
    return existing is not None or len(outer.address_prefixes) > 0


def _fits(network: "Network") -> bool:
    inner, outer = network.subnet.address_prefix, network.virtual_network
    if inner is None or not outer.address_prefixes:
        return True
    return any(IPv4Network(inner).subnet_of(IPv4Network(each)) for each in outer.address_prefixes)


def _is_changeable(network: "Network") -> bool:
    return network.subnet.existing is None or network.outbound.type != "NATGateway"


NETWORK: Final = (
    Invariant(
        message="an existing network is never changed, so no subnet can be added to it: write "
        "subnet.existing too, and no name or addressPrefixes beside it",
        holds=_exist_together,
        cel=(
            "has(self.subnet.existing)"
            " ? !has(self.virtualNetwork.name) && size(self.virtualNetwork.addressPrefixes) == 0"
            " : !has(self.virtualNetwork.existing)"
        ),
        field="subnet",
    ),
    Invariant(
        message="the existing subnet must be one of the existing network's: its id begins with "
        "the network's",
        holds=_is_inside,
        cel=(
            "!has(self.virtualNetwork.existing) || !has(self.subnet.existing)"
            " || self.subnet.existing.id.lowerAscii().startsWith("
            "self.virtualNetwork.existing.id.lowerAscii() + '/subnets/')"
        ),
        field="subnet.existing.id",
    ),
    Invariant(
        message="write the network's address space, for example addressPrefixes: [10.5.0.0/24]",
        holds=_has_prefix,
        cel=(
            "has(self.virtualNetwork.existing) || has(self.subnet.existing)"
            " || size(self.virtualNetwork.addressPrefixes) > 0"
        ),
        field="virtualNetwork.addressPrefixes",
    ),
    Invariant(
        message="the subnet's prefix must lie in one of the network's addressPrefixes",
        holds=_fits,
        cel=(
            "!has(self.subnet.addressPrefix) || !isCIDR(self.subnet.addressPrefix)"
            " || size(self.virtualNetwork.addressPrefixes) == 0"
            " || self.virtualNetwork.addressPrefixes.exists(prefix, isCIDR(prefix)"
            " && cidr(prefix).containsCIDR(cidr(self.subnet.addressPrefix)))"
        ),
        field="subnet.addressPrefix",
    ),
    Invariant(
        message="an existing subnet is never changed, so no NAT gateway can be put on it: write "
        "Existing, LoadBalancer, PublicIP or None",
        holds=_is_changeable,
        cel=(
            "!has(self.subnet.existing) || !has(self.outbound.type)"
            " || self.outbound.type != 'NATGateway'"
        ),
        field="outbound.type",
    ),
)
