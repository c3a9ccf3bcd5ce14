"""Which cables, routes and neighbours there are to be, as lines of `ip`. Pure.

Every end hangs by a cable (a pair of veth) on its fabric namespace, which routes by address and
answers ARP for all others: its default route leads to the internet. Hardware addresses are
entered for good, so that nobody asks, and a dead machine is silent instead of unreachable.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from azuresim.fabric.names import UPLINK, mac_address
from azuresim.fabric.nft import mark
from azuresim.fabric.wanted import METADATA, PLATFORM, Interface, Network

INTERNET_CLIENT: Final = "100.65.0.5"
"""Who asks from the internet namespace has this address."""
_FABRIC_HOP, _INTERNET_HOP = "169.254.0.1", "169.254.0.2"

_QUIET: Final = {
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
    "ipv4/conf/all/send_redirects": "0",
    "ipv4/conf/default/send_redirects": "0",
    "ipv6/conf/all/disable_ipv6": "1",
    "ipv6/conf/default/disable_ipv6": "1",
}
INTERNET_SETTINGS: Final[Mapping[str, str]] = {"ipv4/ip_forward": "1", **_QUIET}
FABRIC_SETTINGS: Final[Mapping[str, str]] = {
    **INTERNET_SETTINGS,
    "ipv4/conf/all/proxy_arp": "1",
    # A packet in the middle of a flow that is not known is a stray, never a new flow.
    "netfilter/nf_conntrack_tcp_loose": "0",
    "netfilter/nf_conntrack_tcp_be_liberal": "1",
    "netfilter/nf_conntrack_events": "1",
    "ipv4/fwmark_reflect": "1",
}
GUEST_SETTINGS: Final[Mapping[str, str]] = {"ipv4/ip_forward": "0"}


class Item(NamedTuple):
    """Something `ip` can add and take away.

    Attributes:
        kind: `route`, `neigh` or `rule`.
        what: The rest of the line.
    """

    kind: str
    what: str

    @property
    def addition(self) -> str:
        """The line that adds it."""
        return f"{self.kind} add {self.what}"

    @property
    def removal(self) -> str:
        """The line that takes it away."""
        return f"{self.kind} del {self.what}"


def fabric_start(network: Network) -> list[str]:
    """Return what a new fabric namespace needs, once its uplink is there."""
    return [
        f"addr add {PLATFORM}/32 dev lo",
        f"addr add {METADATA}/32 dev lo",
        f"link set {UPLINK} up",
        f"neigh add {_INTERNET_HOP} lladdr {mac_address('internet ' + network.id)} dev {UPLINK}"
        " nud permanent",
        f"route add default via {_INTERNET_HOP} dev {UPLINK} onlink",
    ]


def internet_start() -> list[str]:
    """Return what a new internet namespace needs."""
    return [f"addr add {INTERNET_CLIENT}/32 dev lo"]


def internet_side(network: Network) -> list[str]:
    """Return what the internet's end of a new uplink needs."""
    return [
        f"link set {network.device} up",
        f"neigh add {_FABRIC_HOP} lladdr {mac_address(network.id)} dev {network.device}"
        " nud permanent",
    ]


def uplink(network: Network, internet: str) -> str:
    """Return the line that lays the cable between a fabric and the internet."""
    return (
        f"link add dev {UPLINK} address {mac_address(network.id)} type veth "
        f"peer name {network.device} address {mac_address('internet ' + network.id)} "
        f"netns {internet}"
    )


def cable(end: Interface, namespace: str, name: str, *, mac: str) -> str:
    """Return the line that lays the cable from a fabric to a machine."""
    return (
        f"link add dev {end.device} address {mac_address(end.id)} type veth "
        f"peer name {name} address {mac} netns {namespace}"
    )


def cable_settings(end: Interface) -> dict[str, str]:
    """Return the settings of the fabric's end of a new cable: it answers ARP without delay."""
    return {f"ipv4/neigh/{end.device}/proxy_delay": "0"}


def guest(end: Interface, name: str, *, is_primary: bool) -> list[str]:
    """Return what the machine's end of a new cable needs."""
    lines = [f"addr add {end.address}/{end.length} dev {name}", f"link set {name} up"]
    return [*lines, f"route add default via {end.gateway} dev {name}"] if is_primary else lines


def switch(name: str, there: Collection[str]) -> list[str]:
    """Return what joins a new cable with the tap of an emulated machine: eth0 with tap0."""
    bridge, tap = name.replace("eth", "br"), name.replace("eth", "tap")
    lines = [] if bridge in there else [f"link add dev {bridge} type bridge"]
    if tap not in there:
        lines += [f"tuntap add dev {tap} mode tap", f"link set {tap} master {bridge}"]
    return [*lines, f"link set {name} master {bridge}", *(f"link set {each} up" for each in
                                                          (name, tap, bridge))]  # fmt: skip


def bridge_mac(end: Interface) -> str:
    """Return the hardware address of a cable's end that is joined with a tap.

    It must not be the guest's: a bridge keeps what is addressed to itself.
    """
    return mac_address(f"bridge {end.id}")


def fabric_items(network: Network, plugged: Iterable[Interface]) -> set[Item]:
    """Return what a fabric has for the ends that have a cable now."""
    floating = {
        backend.address
        for balance in network.balances
        if balance.floating
        for backend in balance.backends
    }
    items = set()
    for end in plugged:
        for address in end.addresses:
            items.add(Item("route", f"{address}/32 dev {end.device}"))
            neighbour = f"{address} lladdr {end.mac} dev {end.device} nud permanent"
            items.add(Item("neigh", neighbour))
            if address in floating:
                table = mark(address)
                way = f"default via {address} dev {end.device} onlink table {table}"
                items.add(Item("route", way))
                items.add(Item("rule", f"fwmark {table:#x} lookup {table}"))
    return items


def internet_items(networks: Iterable[Network]) -> set[Item]:
    """Return which public addresses lead where; one that leads to two goes to the first."""
    ways: dict[str, str] = {}
    for network in networks:
        for address in network.publics:
            ways.setdefault(address, network.device)
    return {
        Item("route", f"{address}/32 via {_FABRIC_HOP} dev {device} onlink src {INTERNET_CLIENT}")
        for address, device in ways.items()
    }
