"""Rules that tie addresses to the subnet and to each other."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Final

from hacluster.model.base import Invariant

if TYPE_CHECKING:
    from hacluster.model.cluster import ClusterSpec

_FIRST_FREE: Final = 4
"""Azure keeps the first four addresses of a subnet and the last one for itself."""

_PREFIX: Final = (
    "(has(self.network.subnet.addressPrefix) ? self.network.subnet.addressPrefix"
    " : self.network.virtualNetwork.addressPrefixes[0])"
)
_IS_KNOWN: Final = (
    "!has(self.network.subnet.existing) && (has(self.network.subnet.addressPrefix)"
    " || size(self.network.virtualNetwork.addressPrefixes) > 0)"
    f" && isCIDR({_PREFIX})"
)
_SIZES: Final = f"[{', '.join(str(2**bits) for bits in range(33))}]"
"""The number of addresses of a prefix, by the number of its host bits: CEL has no powers."""

_FRONTEND: Final = "self.access.loadBalancer.frontend.privateIPAddress"
_HAS_FRONTEND: Final = f"has(self.access.loadBalancer) && has({_FRONTEND})"


def _number(address: str) -> str:
    parts = (f"int({address}.split('.')[{index}]) * {256 ** (3 - index)}" for index in range(4))
    return f"({' + '.join(parts)})"


def _is_free_cel(address: str) -> str:
    size = f"{_SIZES}[32 - cidr({_PREFIX}).prefixLength()]"
    host = f"{_number(address)} % {size}"
    return f"({host} >= {_FIRST_FREE} && {host} < {size} - 1)"


def _is_inside_cel(address: str) -> str:
    return f"cidr({_PREFIX}).containsIP({address})"


def _is_free(address: str, prefix: str) -> bool:
    network = IPv4Network(prefix)
    place = int(IPv4Address(address)) - int(network.network_address)
    return _FIRST_FREE <= place < network.num_addresses - 1


def _is_inside(address: str, prefix: str) -> bool:
    return IPv4Address(address) in IPv4Network(prefix)


def _node_addresses(spec: "ClusterSpec") -> Iterator[str]:
    return (node.private_ip_address for node in spec.nodes)


def _frontend(spec: "ClusterSpec") -> str | None:
    balancer = spec.access.load_balancer
    return balancer.frontend.private_ip_address if balancer else None


def _nodes_are_inside(spec: "ClusterSpec") -> bool:
    prefix = spec.network.prefix
    return prefix is None or all(_is_inside(each, prefix) for each in _node_addresses(spec))


def _nodes_are_free(spec: "ClusterSpec") -> bool:
    prefix = spec.network.prefix
    if prefix is None:
        return True
    inside = (each for each in _node_addresses(spec) if _is_inside(each, prefix))
    return all(_is_free(each, prefix) for each in inside)


def _frontend_is_inside(spec: "ClusterSpec") -> bool:
    prefix, address = spec.network.prefix, _frontend(spec)
    return prefix is None or address is None or _is_inside(address, prefix)


def _frontend_is_free(spec: "ClusterSpec") -> bool:
    prefix, address = spec.network.prefix, _frontend(spec)
    if prefix is None or address is None or not _is_inside(address, prefix):
        return True
    return _is_free(address, prefix)


def _frontend_is_no_node(spec: "ClusterSpec") -> bool:
    return _frontend(spec) not in set(_node_addresses(spec))


def _pinged(spec: "ClusterSpec") -> Iterator[str]:
    blocks = [target.ping for target in spec.cluster.partition.targets]
    blocks += [monitor.ping for monitor in spec.cluster.monitors]
    return (address for block in blocks if block for address in block.addresses)


def _frontend_is_not_pinged(spec: "ClusterSpec") -> bool:
    return _frontend(spec) not in set(_pinged(spec))


_OUTSIDE: Final = "write an address inside the subnet's prefix, or correct the prefix"
_RESERVED: Final = (
    "Azure keeps the first four addresses of a subnet and the last one for itself: write another "
    "one"
)

ADDRESSES: Final = (
    Invariant(
        message=f"a node's privateIPAddress is outside the subnet: {_OUTSIDE}",
        holds=_nodes_are_inside,
        cel=(
            f"!({_IS_KNOWN}) || self.nodes.all(node, !isIP(node.privateIPAddress)"
            f" || {_is_inside_cel('node.privateIPAddress')})"
        ),
        field="nodes",
    ),
    Invariant(
        message=f"a node's privateIPAddress is reserved: {_RESERVED}",
        holds=_nodes_are_free,
        cel=(
            f"!({_IS_KNOWN}) || self.nodes.all(node, !isIP(node.privateIPAddress)"
            f" || !{_is_inside_cel('node.privateIPAddress')}"
            f" || {_is_free_cel('node.privateIPAddress')})"
        ),
        field="nodes",
    ),
    Invariant(
        message=f"the front end's privateIPAddress is outside the subnet: {_OUTSIDE}",
        holds=_frontend_is_inside,
        cel=(
            f"!({_HAS_FRONTEND}) || !({_IS_KNOWN}) || !isIP({_FRONTEND})"
            f" || {_is_inside_cel(_FRONTEND)}"
        ),
        field="access.loadBalancer.frontend.privateIPAddress",
    ),
    Invariant(
        message=f"the front end's privateIPAddress is reserved: {_RESERVED}",
        holds=_frontend_is_free,
        cel=(
            f"!({_HAS_FRONTEND}) || !({_IS_KNOWN}) || !isIP({_FRONTEND})"
            f" || !{_is_inside_cel(_FRONTEND)} || {_is_free_cel(_FRONTEND)}"
        ),
        field="access.loadBalancer.frontend.privateIPAddress",
    ),
    Invariant(
        message="the front end has a node's privateIPAddress: write a free one of the subnet",
        holds=_frontend_is_no_node,
        cel=(f"!({_HAS_FRONTEND}) || self.nodes.all(node, node.privateIPAddress != {_FRONTEND})"),
        field="access.loadBalancer.frontend.privateIPAddress",
    ),
    Invariant(
        message="an internal balancer's front end answers no ping, so it is no target and no "
        "Ping monitor's: write a machine outside the cluster",
        holds=_frontend_is_not_pinged,
        cel=(
            f"!({_HAS_FRONTEND}) || ("
            "self.cluster.partition.targets.all(target, !has(target.ping)"
            f" || !({_FRONTEND} in target.ping.addresses))"
            " && self.cluster.monitors.all(monitor, !has(monitor.ping)"
            f" || !({_FRONTEND} in monitor.ping.addresses)))"
        ),
        field="cluster",
    ),
)
