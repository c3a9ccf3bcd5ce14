"""What stands in the kernel, and how it is brought to what is wanted: by difference.

Used by one thread at a time. What a failed step leaves behind is taken back, so that the next
attempt finds what it expects.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from azuresim.fabric import cuts, kernel, nft, plumbing
from azuresim.fabric.cuts import Cuts
from azuresim.fabric.kernel import KernelError
from azuresim.fabric.names import Names
from azuresim.fabric.plumbing import Item
from azuresim.fabric.wanted import NOTHING, Interface, Machine, Network, Wanted

_ORDER: Final = {"neigh": 0, "route": 1, "rule": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Everything the kernel is brought to.

    Attributes:
        wanted: From the records.
        plugged: Machines that have their cables in.
        emulated: Those of them with a kernel of their own: cables end at a tap.
        healthy: Addresses of the backends that get new flows, by balancing rule.
        cuts: Between places.
    """

    wanted: Wanted = NOTHING
    plugged: frozenset[str] = frozenset()
    emulated: frozenset[str] = frozenset()
    healthy: Mapping[str, Sequence[str]] = field(default_factory=dict)
    cuts: Cuts = field(default_factory=dict)


@dataclass(slots=True)
class _Fabric:
    """A fabric namespace as it stands."""

    device: str
    rules: str = ""
    chains: tuple[str, ...] = ()
    items: set[Item] = field(default_factory=set)


@dataclass(slots=True)
class _Guest:
    """A machine's namespace as it stands: its cables by the name they have inside."""

    cables: dict[str, Interface] = field(default_factory=dict)


class Built:
    """All that one simulator has in the kernel."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._fabrics: dict[str, _Fabric] = {}
        self._guests: dict[str, _Guest] = {}
        self._routes: set[Item] = set()

    def begin(self) -> None:
        """Take away what an earlier process left, and make the internet.

        Machines that still run keep their namespaces, and get new cables when they are plugged.

        Raises:
            KernelError: Not root, a tool is missing, or the kernel refused.
        """
        living = {name for name in kernel.occupied() if self._names.is_machine(name)}
        remove_all(self._names, but=living)
        kernel.add_namespace(self._names.internet, plumbing.INTERNET_SETTINGS)
        kernel.ip(self._names.internet, plumbing.internet_start())

    def discard(self, namespace: str) -> None:
        """Take a machine's namespace away if an earlier process left it; none is no error."""
        if namespace not in self._guests:
            kernel.remove_namespace(namespace)

    def end(self) -> None:
        """Take everything away."""
        self._fabrics, self._guests, self._routes = {}, {}, set()
        remove_all(self._names)

    def bring(self, goal: Goal) -> None:
        """Make the kernel what is wanted.

        Rules come before cables and go after them, so that nothing passes that they forbid.

        Raises:
            KernelError: Something was refused; what came before it is done.
        """
        networks = goal.wanted.networks
        guests = dict(_guests(goal))
        self._remove(networks, guests)
        for key, network in networks.items():
            if key not in self._fabrics:
                self._add_fabric(network)
            self._rule(network, goal)
        machines = goal.wanted.machines
        taps = {machines[key].namespace for key in goal.emulated if key in machines}
        for namespace, cables in guests.items():
            self._plug(namespace, cables, networks, has_taps=namespace in taps)
        for network in networks.values():
            here = [
                end for cables in guests.values() for end in cables if end.network == network.id
            ]
            fabric = self._fabrics[network.id]
            _change(network.namespace, fabric.items, plumbing.fabric_items(network, here))
        _change(self._names.internet, self._routes, plumbing.internet_items(networks.values()))

    def _remove(
        self, networks: Mapping[str, Network], guests: Mapping[str, Sequence[Interface]]
    ) -> None:
        for namespace in [each for each in self._guests if each not in guests]:
            for end in self._guests[namespace].cables.values():
                self._pull(end)
            kernel.remove_namespace(namespace)
            del self._guests[namespace]
        for key in [each for each in self._fabrics if each not in networks]:
            kernel.ip(self._names.internet, [f"link del {self._fabrics[key].device}"], force=True)
            self._forget(self._routes, self._fabrics[key].device)
            kernel.remove_namespace(self._names.network(key))
            del self._fabrics[key]

    def _add_fabric(self, network: Network) -> None:
        try:
            kernel.add_namespace(network.namespace, plumbing.FABRIC_SETTINGS)
            kernel.ip(network.namespace, [plumbing.uplink(network, self._names.internet)])
            kernel.ip(self._names.internet, plumbing.internet_side(network))
            kernel.ip(network.namespace, plumbing.fabric_start(network))
        except KernelError:
            kernel.remove_namespace(network.namespace)
            raise
        self._fabrics[network.id] = _Fabric(network.device)

    def _rule(self, network: Network, goal: Goal) -> None:
        fabric = self._fabrics[network.id]
        machines = {key: each.interfaces for key, each in goal.wanted.machines.items()}
        lost = cuts.chains(goal.cuts, network, machines)
        objects, chains = nft.table(network, goal.healthy, lost)
        rules = nft.script(objects, chains, ())
        if rules != fabric.rules:
            kernel.nft(network.namespace, nft.script(objects, chains, fabric.chains))
            fabric.rules, fabric.chains = rules, tuple(chains)

    def _plug(
        self,
        namespace: str,
        cables: Sequence[Interface],
        networks: Mapping[str, Network],
        *,
        has_taps: bool,
    ) -> None:
        if namespace not in self._guests:
            if namespace in kernel.namespaces():
                old = [f"link del {name}" for name in kernel.devices(namespace) if "eth" in name]
                kernel.ip(namespace, old, force=True)
            else:
                kernel.add_namespace(namespace, plumbing.GUEST_SETTINGS)
            self._guests[namespace] = _Guest()
        guest = self._guests[namespace]
        wanted = {f"eth{place}": end for place, end in enumerate(cables)}
        for name, end in list(guest.cables.items()):
            if not _same_cable(wanted.get(name), end):
                self._pull(end)
                del guest.cables[name]
        for name, end in wanted.items():
            if name not in guest.cables:
                fabric = networks[end.network].namespace
                self._lay(end, fabric, namespace, name, has_tap=has_taps)
            guest.cables[name] = end

    @staticmethod
    def _lay(end: Interface, fabric: str, namespace: str, name: str, *, has_tap: bool) -> None:
        if has_tap:
            mac, lines = plumbing.bridge_mac(end), plumbing.switch(name, kernel.devices(namespace))
        else:
            mac, lines = end.mac, plumbing.guest(end, name, is_primary=name == "eth0")
        try:
            kernel.ip(fabric, [plumbing.cable(end, namespace, name, mac=mac)])
            kernel.ip(namespace, lines)
            kernel.put(fabric, plumbing.cable_settings(end))
            kernel.ip(fabric, [f"link set {end.device} up"])
        except KernelError:
            kernel.ip(fabric, [f"link del {end.device}"], force=True)
            raise

    def _pull(self, end: Interface) -> None:
        fabric = self._fabrics.get(end.network)
        if fabric is not None:
            kernel.ip(self._names.network(end.network), [f"link del {end.device}"], force=True)
            self._forget(fabric.items, end.device)

    @staticmethod
    def _forget(items: set[Item], device: str) -> None:
        """Forget what went with a cable; rules that led to it are left for the difference."""
        items -= {item for item in items if f" dev {device} " in f"{item.what} "}


def _guests(goal: Goal) -> Iterable[tuple[str, tuple[Interface, ...]]]:
    """Yield the namespaces at the end of cables, each with its interfaces in their order."""
    for network in goal.wanted.networks.values():
        if network.client is not None:
            yield network.client_namespace, (network.client,)
    for machine in _plugged(goal):
        yield machine.namespace, machine.interfaces


def _plugged(goal: Goal) -> Iterable[Machine]:
    machines = goal.wanted.machines
    return [machines[key] for key in sorted(goal.plugged) if key in machines]


def _same_cable(wanted: Interface | None, there: Interface) -> bool:
    """Whether a cable can stay; groups and ways out are not its own."""
    if wanted is None:
        return False
    facts = ("id", "network", "mac", "address", "length", "gateway")
    return all(getattr(wanted, fact) == getattr(there, fact) for fact in facts)


def _change(namespace: str, have: set[Item], want: set[Item]) -> None:
    """Add and take away what differs, and note it."""
    kernel.ip(namespace, [item.removal for item in sorted(have - want)], force=True)
    have &= want
    new = sorted(want - have, key=lambda item: (_ORDER[item.kind], item))
    try:
        kernel.ip(namespace, [item.addition for item in new])
    except KernelError:
        kernel.ip(namespace, [item.removal for item in new], force=True)
        raise
    have |= want


def remove_all(names: Names, but: Collection[str] = ()) -> list[str]:
    """Take away every namespace of a simulator but some, and return their names.

    Raises:
        KernelError: Not root, or the kernel refused.
    """
    found = [name for name in kernel.namespaces() if names.owns(name) and name not in but]
    for name in found:
        kernel.remove_namespace(name)
    return found
