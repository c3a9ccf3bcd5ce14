"""The data plane behind the wire, put together: networks, machines, and the services they use.

Without real machines all of it is a model, and nothing here touches the kernel.
"""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from azuresim import ids
from azuresim.clock import Clock
from azuresim.fabric import kernel, places
from azuresim.fabric.door import EVERYTHING, PLACES, VNET
from azuresim.fabric.linux import LinuxFabric
from azuresim.machines import emulator, launch
from azuresim.machines.host import Host
from azuresim.machines.model import Model
from azuresim.machines.nspawn import Nspawn
from azuresim.state.store import Store

FOLLOW_S: Final = 0.25
"""How often it is looked whether namespaces have come or gone."""
Tell = Callable[[Mapping[str, str], str], None]
"""Told the fabric namespaces by virtual network id, and that of the internet."""


class UnfitError(Exception):
    """This machine cannot have real machines; says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Real:
    """How real machines are to be.

    Attributes:
        base: The Debian tree that machines start from.
        patience_s: How long a machine may take to shut down before it is killed.
        kernel: Folder of what emulated machines boot; None for machines on this kernel.
    """

    base: Path
    patience_s: float = 30.0
    kernel: Path | None = None


def check(real: Real) -> None:
    """Refuse to begin where it would fail half-way.

    Raises:
        UnfitError: Always with a remedy.
    """
    remedy = "or use --machines none: power states and Run Command results come from a model then."
    if os.geteuid() != 0:
        raise UnfitError(f"Real machines need root. Run as root, {remedy}")
    if real.kernel is not None:
        _check_emulator(real.kernel, remedy)
    elif shutil.which("systemd-nspawn", path=launch.SEARCH) is None:
        raise UnfitError(f"systemd-nspawn is missing. apt-get install systemd-container, {remedy}")
    if lacking := kernel.missing():
        raise UnfitError(f"{lacking}, {remedy}")
    if not any((real.base / name).exists() for name in ("lib/systemd", "usr/lib/systemd")):
        raise UnfitError(
            f"{real.base} is no Debian tree with systemd. `make setup` makes one in "
            f"~/.cache/hacluster/machine; name it with --machine-base, {remedy}"
        )


def _check_emulator(kernel: Path, remedy: str) -> None:
    if absent := emulator.missing():
        packages = "apt-get install qemu-system-x86 qemu-system-common"
        raise UnfitError(f"{' and '.join(absent)} is missing. {packages}, {remedy}")
    if not emulator.fits(kernel):
        raise UnfitError(
            f"{kernel} has no kernel for emulated machines. `make setup PARTS=guest-kernel` makes "
            f"one in ~/.cache/hacluster/guest-kernel; name it with --machine-kernel, {remedy}"
        )


class Plane:
    """Networks and machines that are real.

    Args:
        real: How machines are to be.
        directory: Of the simulator.
        store: What exists.
        subscription: Id of the subscription.
        model: Has the machines that cannot be real.
        clock: Tells simulated time.
        pace: Simulated seconds in a second.
        authority: Certificate that machines trust.
        kept: What was kept before, or None.
        keep: Keeps what must survive.
    """

    def __init__(
        self,
        real: Real,
        *,
        directory: Path,
        store: Store,
        subscription: str,
        model: Model,
        clock: Clock,
        pace: float,
        authority: Path,
        kept: dict[str, Any] | None,
        keep: Callable[[dict[str, Any]], None],
    ) -> None:
        self.fabric = LinuxFabric(directory, store, subscription)
        host = Host(
            directory=directory,
            base=real.base.resolve(),
            network=self.fabric,
            authority=authority,
            patience_s=real.patience_s,
            kernel=real.kernel.resolve() if real.kernel else None,
        )
        self.machines = Nspawn(host, model, clock, pace=pace, kept=kept, keep=keep)
        self._emulated = real.kernel is not None
        self._follower: asyncio.Task[None] | None = None

    async def start(self, tell: Tell) -> None:
        """Bring networks and machines to what the store says, and go on doing so.

        Raises:
            KernelError: The kernel refused the networks.
        """
        await self.fabric.start()
        for machine in self.machines.alive():
            with contextlib.suppress(LookupError):  # its interfaces were taken away meanwhile
                await asyncio.to_thread(partial(self.fabric.plug, machine, emulated=self._emulated))
        self._tell(tell)
        self._follower = asyncio.create_task(self._follow(tell), name="namespaces")
        self.machines.start()

    async def stop(self) -> None:
        """Cut the power of all machines and remove everything."""
        if self._follower is not None:
            self._follower.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._follower
        await self.machines.stop()
        await self.fabric.stop()

    def commands(self) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
        """Return what the control socket takes about networks and machines."""
        return {
            **self.machines.commands(),
            "machine.where": self._where,
            "machine.cut": self._cut,
            "machine.heal": self._heal,
        }

    async def _follow(self, tell: Tell) -> None:
        while True:
            await asyncio.sleep(FOLLOW_S)
            self._tell(tell)

    def _tell(self, tell: Tell) -> None:
        tell(self.fabric.networks(), self.fabric.internet)

    def _where(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Return how to get into a machine, or a client's namespace."""
        name = str(wish.get("name", ""))
        kind, _, network = name.partition("/")
        if name == "internet":
            return {"namespace": self.fabric.internet, "resolver": places.PUBLIC_RESOLVER}
        if kind == VNET:
            return {"namespace": self._client(network), "resolver": places.RESOLVER}
        return self.machines.where(wish)

    def _client(self, network: str) -> str:
        clients = self.fabric.clients()
        wanted = network.casefold()
        found = {key: where for key, where in clients.items() if ids.name_of(key) == wanted}
        found = found if network else dict(clients)
        if len(found) == 1:
            return next(iter(found.values()))
        known = ", ".join(sorted(f"vnet/{ids.name_of(key)}" for key in clients)) or "none"
        raise ValueError(f"Say in which virtual network. There are: {known}.")

    async def _cut(self, wish: Mapping[str, Any]) -> int:
        """Cut machines off from a place, or from other machines; return how many cuts that made."""
        percent, one_way = int(wish.get("percent", 100)), bool(wish.get("one_way"))
        pairs = self._pairs(wish)
        for one, other in pairs:
            cut = partial(self.fabric.cut, one, other, percent=percent, one_way=one_way)
            await asyncio.to_thread(cut)
        return len(pairs)

    async def _heal(self, wish: Mapping[str, Any]) -> int:
        """Undo cuts of machines, all of them if no other end is named; return how many."""
        if wish.get("other"):
            pairs = self._pairs(wish)
        else:
            pairs = [(keeper.id, "") for keeper in self.machines.named(wish)]
        return sum([await asyncio.to_thread(self.fabric.heal, *pair) for pair in pairs])

    def _pairs(self, wish: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return the ends of what is to be cut or healed, each a machine's id or a place.

        Raises:
            ValueError: There is no such machine.
        """
        ones = [keeper.id for keeper in self.machines.named(wish)]
        other = str(wish.get("other") or EVERYTHING)
        if other in PLACES:
            return [(one, other) for one in ones]
        others = [keeper.id for keeper in self.machines.named({"name": other})]
        return [(one, two) for one in ones for two in others if one != two]
