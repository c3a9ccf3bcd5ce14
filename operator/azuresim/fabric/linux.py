"""The data plane on a Linux kernel: keeps it as the store says, asks the probes, obeys the door."""

import asyncio
import contextlib
import logging
import os
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from azuresim import ids
from azuresim.fabric import bodies, cuts, desired, kernel, verdicts
from azuresim.fabric.built import Built, Goal
from azuresim.fabric.door import PLACES
from azuresim.fabric.health import Probed, Verdict
from azuresim.fabric.idle import Idle
from azuresim.fabric.kernel import KernelError
from azuresim.fabric.names import Names
from azuresim.fabric.probes import Prober
from azuresim.fabric.wanted import NOTHING, Interface, Wanted
from azuresim.state.store import Store

log = logging.getLogger(__name__)

LOOK_S: Final = 0.5
"""The store is looked at this often even if nobody says that it changed; that costs nothing."""
RETRY_S: Final = (1.0, 30.0)
"""After a refusal of the kernel: first and longest wait."""
ANSWER_S: Final = 30.0
"""The simulator's loop answers a thread within this time."""


class LinuxFabric:
    """The data plane of one simulator; see the door for what it promises.

    Args:
        directory: Where the simulator's state lives; names are made from it.
        store: What exists.
        subscription: Id of the subscription.
        minute_s: How long a minute of an idle time-out is, for who cannot wait.
    """

    def __init__(
        self, directory: Path, store: Store, subscription: str, *, minute_s: float = 60.0
    ) -> None:
        self._minute_s = minute_s
        self._idle = Idle()
        self._names = Names.of(directory)
        self._store = store
        self._container = f"/subscriptions/{subscription}".casefold()
        self._built = Built(self._names)
        self._building = threading.Lock()
        self._changing = threading.Lock()
        self._goal = Goal()
        self._runs = False
        self._version: tuple[int, ...] = ()
        self._applied: Goal | None = None
        self._there = NOTHING
        self._prober = Prober(self.refresh)
        self._probes_of: dict[str, str] = {}
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Remove what a killed simulator of the same directory left, make everything, probe."""
        if os.geteuid() != 0:
            raise KernelError("The data plane needs root: it makes network namespaces.")
        if lacking := kernel.missing():
            raise KernelError(lacking)
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        await asyncio.to_thread(self._begin)
        await self.settled()
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Stop probing and remove everything."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        await self._prober.stop()
        await self._idle.stop()
        await asyncio.to_thread(self._end)

    def _begin(self) -> None:
        with self._building:
            self._built.begin()
            self._runs = True

    def _end(self) -> None:
        with self._building:
            self._runs = False
            self._built.end()

    # What the store says.

    def refresh(self) -> None:
        """Look at the store and the probes soon."""
        self._wake.set()

    async def settled(self) -> None:
        """Wait until the kernel has what the store says now."""
        self._read()
        if self._goal is not self._applied:
            await asyncio.to_thread(self._bring)
        self._idle.watch(self._goal.wanted.networks.values())

    async def _keep(self) -> None:
        """Keep the kernel as the store says; after a refusal try again, ever less often."""
        wait_s = LOOK_S
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self.settled()
                wait_s = LOOK_S
            except Exception:  # the top of this loop: whatever it was, the next look mends it
                log.exception("Data plane could not be brought to what the store says")
                wait_s = min(max(2 * wait_s, RETRY_S[0]), RETRY_S[1])
                await asyncio.sleep(random.uniform(0.5, 1.0) * wait_s)  # noqa: S311 - no secret

    def _read(self) -> None:
        """Take over what the store and the probes say; on the loop."""
        version = tuple(self._store.changes(kind) for kind in bodies.KINDS)
        if version != self._version:
            self._want(self._wanted())
            self._version = version
        healthy = verdicts.healthy(self._goal.wanted.networks, self._prober.tallies)
        if healthy != self._goal.healthy:
            self._change(lambda goal: replace(goal, healthy=healthy))

    def _wanted(self) -> Wanted:
        records = [
            record for kind in bodies.KINDS for record in self._store.members(self._container, kind)
        ]
        clients = {
            key: network.client.address
            for key, network in self._goal.wanted.networks.items()
            if network.client is not None
        }
        return desired.wanted(records, self._names, clients, self._minute_s)

    def _want(self, wanted: Wanted) -> None:
        self._change(
            lambda goal: replace(
                goal, wanted=wanted, plugged=goal.plugged.intersection(wanted.machines)
            )
        )
        self._probes_of = {
            balance.id: balance.probe.id
            for network in wanted.networks.values()
            for balance in network.balances
            if balance.probe is not None
        }
        self._prober.ask(verdicts.targets(wanted.networks))

    def _change(self, change: Callable[[Goal], Goal]) -> None:
        """Set another goal; that takes no time, whatever the kernel is busy with."""
        with self._changing:
            self._goal = change(self._goal)

    def _bring(self) -> None:
        """Bring the kernel to the goal, one thread after another; before and after, do nothing."""
        with self._building:
            goal = self._goal
            if self._runs and goal is not self._applied:
                self._applied = None
                self._built.bring(goal)
                self._applied, self._there = goal, goal.wanted

    def verdict(self, probed: Probed) -> Verdict:
        """Return what the probes found of a backend: a `Prober` of rule health."""
        probe = self._probes_of.get(ids.key(probed.rule), "")
        return self._prober.tallies.get((probe, probed.address), verdicts.UNKNOWN).verdict

    # Machines.

    def plug(self, machine_id: str, *, emulated: bool = False) -> str:
        """Make sure that a machine's namespace is there with its interfaces; return its name."""
        key = ids.key(machine_id)
        self._on_loop(self._read)
        machine = self._goal.wanted.machines.get(key)
        if machine is None or not machine.interfaces:
            raise LookupError(f"{machine_id} has no interface in a virtual network.")
        self._change(
            lambda goal: replace(
                goal,
                plugged=goal.plugged | {key},
                emulated=goal.emulated | {key} if emulated else goal.emulated - {key},
            )
        )
        self._bring()
        return machine.namespace

    def unplug(self, machine_id: str) -> None:
        """Take a machine's namespace away, its cables first."""
        key = ids.key(machine_id)
        self._change(lambda goal: replace(goal, plugged=goal.plugged - {key}))
        self._bring()
        with self._building:
            self._built.discard(self._names.machine(key))

    def _on_loop(self, act: Callable[[], None]) -> None:
        """Do something on the simulator's loop, from any thread."""
        loop = self._loop
        if loop is None or threading.get_ident() == self._thread:
            act()
            return

        async def acted() -> None:
            act()

        asyncio.run_coroutine_threadsafe(acted(), loop).result(ANSWER_S)

    # Names.

    @property
    def internet(self) -> str:
        """Name of the internet namespace."""
        return self._names.internet

    def networks(self) -> Mapping[str, str]:
        """Fabric namespace by virtual network id."""
        return {key: each.namespace for key, each in self._there.networks.items()}

    def clients(self) -> Mapping[str, str]:
        """Namespace of the client machine by virtual network id."""
        return {
            key: each.client_namespace
            for key, each in self._there.networks.items()
            if each.client is not None
        }

    def machines(self) -> Mapping[tuple[str, str], str]:
        """Machine id by virtual network id and private address."""
        return {
            (end.network, address): machine.id
            for machine in self._goal.wanted.machines.values()
            for end in machine.interfaces
            for address in end.addresses
        }

    def interfaces(self, machine_id: str) -> tuple[Interface, ...]:
        """Return a machine's interfaces, the primary one first."""
        machine = self._goal.wanted.machines.get(ids.key(machine_id))
        return machine.interfaces if machine else ()

    # Cuts.

    def cut(self, one: str, other: str, *, percent: int = 100, one_way: bool = False) -> None:
        """Lose that share of the packets from one place to another, and back unless one way."""
        pair = _place(one), _place(other)
        cuts.check(*pair, percent)
        more = {pair: percent} if one_way else {pair: percent, pair[::-1]: percent}
        self._change(lambda goal: replace(goal, cuts={**goal.cuts, **more}))
        self._bring()

    def heal(self, one: str = "", other: str = "") -> int:
        """Undo the cuts between two places, or of one, or all; return how many."""
        named = {_place(place) for place in (one, other) if place}
        gone: list[tuple[str, str]] = []

        def change(goal: Goal) -> Goal:
            gone.extend(pair for pair in goal.cuts if named <= {*pair})
            return replace(goal, cuts={p: share for p, share in goal.cuts.items() if p not in gone})

        self._change(change)
        self._bring()
        return len(gone)


def _place(place: str) -> str:
    return place if place in PLACES else ids.key(place)
