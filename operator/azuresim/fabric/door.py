"""What the rest of the simulator asks of the data plane.

`plug` and `unplug` are for whoever has the machines; `refresh` is for whoever commits
to the store; the names of namespaces are for services that listen in them.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from azuresim.fabric.health import Probed, Verdict
from azuresim.fabric.wanted import Interface

INTERNET: Final = "internet"
"""Place: everything outside the virtual network but the stores."""
STORE: Final = "store"
"""Place: the storage accounts."""
VNET: Final = "vnet"
"""Place: the client machine of the machine's virtual network."""
PLATFORM: Final = "platform"
"""Place: 168.63.129.16 and 169.254.169.254: probes, names, metadata."""
EVERYTHING: Final = "*"
"""Place: all of the above and every machine."""
PLACES: Final = (INTERNET, STORE, VNET, PLATFORM, EVERYTHING)

SERVICES: Final = "100.64.0.0/16"
"""Addresses of services in the internet namespace; whoever serves adds his to its `lo`."""
STORES: Final = "100.64.128.0/17"
"""Those of them that are storage accounts' (tag Storage, place `store`)."""


class Fabric(Protocol):
    """The data plane of one simulator.

    `plug`, `unplug`, `cut` and `heal` may be called from any thread. They return once the kernel
    is as asked for, usually within 0.1 s, so on the simulator's loop they belong into a thread.
    """

    def plug(self, machine_id: str, *, emulated: bool = False) -> str:
        """Make sure that a machine's namespace is there with its interfaces; return its name.

        It is below /run/netns. Interfaces are eth0, eth1 and so on, the primary one first, up,
        with their addresses and the default route; `lo` is up. To be called at each boot: a
        machine that was unplugged gets a fresh namespace, without what the guest left in the old
        one. A machine already plugged is left as it is; one that outlived a killed simulator
        keeps its namespace and gets new cables, so it too has to be plugged.

        An emulated machine has a kernel of its own: its namespace holds tap0, tap1 and so on, for
        its emulator to open, in the same order and without addresses; the guest sets these itself
        and must have the hardware addresses that `interfaces` tells.

        Raises:
            LookupError: The store has no such machine, or it has no interface.
            KernelError: The kernel refused.
        """

    def unplug(self, machine_id: str) -> None:
        """Take a machine's namespace away; none there is no error.

        Its cables go first and at once, so that nothing of what its processes say while they are
        killed gets out: unplug before the kill is a power loss, after an orderly shutdown it is
        only clean.
        """

    def refresh(self) -> None:
        """Bring everything to what the store says now; soon, in a thread, and only what differs.

        To be called on the simulator's loop, as often as you like.
        """

    async def settled(self) -> None:
        """Wait until the kernel has what the store said when this was called.

        Raises:
            KernelError: The kernel refused.
        """

    def networks(self) -> Mapping[str, str]:
        """Fabric namespace by virtual network id (lower case), of those that are there."""

    def clients(self) -> Mapping[str, str]:
        """Namespace of the client machine by virtual network id (lower case)."""

    def machines(self) -> Mapping[tuple[str, str], str]:
        """Machine id by virtual network id and private address, ids in lower case."""

    def interfaces(self, machine_id: str) -> tuple[Interface, ...]:
        """Return a machine's interfaces, the primary one first; none of an unknown machine."""

    def verdict(self, probed: Probed) -> Verdict:
        """Return what the probes found of a backend: a `Prober`, for rule health."""

    @property
    def internet(self) -> str:
        """Name of the internet namespace; commands in it are a client in the internet."""

    def cut(self, one: str, other: str, *, percent: int = 100, one_way: bool = False) -> None:
        """Lose that share of the packets from one place to another, and back unless one way.

        A place is a machine's id, or one of `PLACES` as the other end of a machine's. A frozen
        machine is one cut from everything: the kernel would answer in its stead. Cuts stay until
        they are healed, whatever becomes of the machines.

        Raises:
            ValueError: Neither place is a machine, or the percentage is not in 1..100.
        """

    def heal(self, one: str = "", other: str = "") -> int:
        """Undo the cuts between two places, both ways; all of one place's, or all, if left out.

        Returns:
            How many there were, each way counted.
        """

    async def start(self) -> None:
        """Remove what a killed simulator of the same directory left, make everything, probe.

        Namespaces of machines that still run are left to be plugged again.

        Raises:
            KernelError: Not root, a tool is missing, or the kernel refused.
        """

    async def stop(self) -> None:
        """Stop probing and remove everything."""
