"""Keeps one machine as it ought to be: looks, does the next thing, looks again.

Whatever fails is tried again, some times; after that the machine stays as it is until
somebody wishes for something again.
"""

import asyncio
import logging
import random
import shutil
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Final

from azuresim.machines import dress, launch, places, plan
from azuresim.machines.body import Body, Order
from azuresim.machines.cgroups import Group
from azuresim.machines.container import Container
from azuresim.machines.door import Machine
from azuresim.machines.emulation import Emulation
from azuresim.machines.host import Host
from azuresim.machines.life import Life
from azuresim.machines.memory import Kept
from azuresim.machines.places import Place
from azuresim.machines.plan import Seen, Step
from azuresim.machines.stillness import Stillness
from azuresim.machines.wire import ask

log = logging.getLogger(__name__)

TRIES: Final = 6
LONGEST_PAUSE_S: Final = 20.0
READY_WITHIN_S: Final = 300.0
ANSWERS_WITHIN_S: Final = 5.0
PING_S: Final = 2.0
SEEK_S: Final = 0.2


class Keeper:
    """One machine."""

    def __init__(self, host: Host, machine_id: str) -> None:
        self.id = machine_id
        self.place = places.machine(host.directory, machine_id)
        self.group = Group(self.place.name)
        self.agent = False
        self.wanted: Machine | None = None
        self._host = host
        self._kept = Kept(self.place)
        self._body = _body(host, self.place, self.group, self._kept)
        self._life = Life(self.group, self._ended)
        self._stillness = Stillness(machine_id, self._body, host.network, self._kept)
        self._idle = False
        self._ready_by = 0.0
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, on_gone: Callable[[], None]) -> None:
        """Begin to keep it; calls back once it was to go and is gone."""
        memory = self._kept.now
        if self.group.leader() is not None:
            self._kept.note(boots=max(memory.boots, memory.booting))
            self._life.watch()
        self._spawn(self._stillness.wait())
        self._spawn(self._work(on_gone))
        self._spawn(self._attend())

    def want(self, machine: Machine | None) -> None:
        """Say how it ought to be; None for gone."""
        self.wanted = machine
        self._idle = False
        self._wake.set()

    @property
    def running(self) -> bool:
        """Whether it runs, or is about to."""
        wants = self.wanted is not None and self.wanted.running
        return self._life.alive or (wants and not self._idle)

    @property
    def settled(self) -> bool:
        """Whether it is as wanted, its guest included, or was given up."""
        waits = self._life.alive and not self.agent and time.monotonic() < self._ready_by
        return self._idle and not waits

    @property
    def entrance(self) -> dict[str, Any] | None:
        """How a command gets into it, if it runs."""
        leader = self._life.leader
        return None if leader is None else self._body.entrance(leader)

    @property
    def socket(self) -> Path:
        """Where its guest agent answers."""
        return self._body.socket

    def uses(self, disk: Path) -> bool:
        """Whether it has a disk now, by the disk's folder."""
        memory = self._kept.now
        return str(disk) == memory.disk or str(places.image(disk)) in memory.images.values()

    def reboot(self) -> None:
        """Have its guest reboot; one that hangs, or does not run, does not."""
        if self._life.alive:
            self._spawn(self._body.order(Order.REBOOT))

    async def freeze(self, seconds: float) -> None:
        """Let it stand still for so long; returns once it does.

        Raises:
            ValueError: It does not run, or stands still already, or cannot be made to.
        """
        if not self._life.alive:
            raise ValueError(f"{self.place.name} does not run.")
        await self._stillness.begin(seconds)
        self._spawn(self._stillness.wait())

    def let_go(self) -> None:
        """Do nothing more about it, from within its own work."""
        for task in self._tasks - {asyncio.current_task()}:
            task.cancel()

    async def stop(self) -> None:
        """Stop keeping it and cut its power; one that ran boots when it is kept again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._life.alive:
            boots = self._kept.now.boots - 1
            self._kept.note(boots=boots, booting=boots)
        await self._tidy()
        await self._body.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, on_gone: Callable[[], None]) -> None:
        tries = 0
        while True:
            self._wake.clear()
            wanted = self.wanted
            step = plan.next_step(wanted, self._seen())
            if step is None or tries >= TRIES:
                self._idle, tries = True, 0
                await self._wake.wait()
                continue
            try:
                await self._do(step, wanted)
                tries = tries if step is Step.TIDY else 0  # it comes after each try to boot
            except (OSError, LookupError, RuntimeError) as error:
                tries += 1
                log.warning("Machine %s: %s failed: %s", self.place.name, step.name, error)
                await asyncio.sleep(min(2**tries, LONGEST_PAUSE_S) * random.uniform(0.5, 1))  # noqa: S311
            if step is Step.ERASE and tries == 0:
                on_gone()
                return

    def _seen(self) -> Seen:
        memory = self._kept.now
        return Seen(
            running=self._life.alive,
            boots=memory.boots,
            host=memory.host,
            untidy=memory.untidy,
            sizes=memory.sizes,
        )

    async def _do(self, step: Step, wanted: Machine | None) -> None:
        match step:
            case Step.SHUT_DOWN:
                await self._shut_down()
            case Step.CUT_POWER:
                await self.cut_power()
            case Step.TIDY:
                await self._tidy()
            case Step.ERASE:
                await asyncio.to_thread(shutil.rmtree, self.place.folder, ignore_errors=True)
            case Step.MOVE if wanted is not None:
                await asyncio.to_thread(self._leave_host)
                self._kept.note(host=wanted.host)
            case Step.CHANGE_DISKS if wanted is not None:
                await self._body.change_disks(wanted)
            case Step.BOOT if wanted is not None:
                await self._boot(wanted)

    async def _boot(self, machine: Machine) -> None:
        disk = self._host.boot_folder(machine)
        self._kept.note(untidy=True, booting=machine.boots, disk=str(disk))
        await asyncio.to_thread(self._host.network.unplug, machine.id)
        plug = partial(self._host.network.plug, machine.id, emulated=self._body.emulated)
        namespace = await asyncio.to_thread(plug)
        await asyncio.to_thread(self._prepare, machine, disk)
        how = launch.Launch(
            machine=machine,
            place=self.place,
            base=self._host.base,
            disk=disk,
            temporary=self.place.temporary(machine.host),
            namespace=namespace,
            tasks=self.group.tasks,
        )
        self._ready_by = time.monotonic() + READY_WITHIN_S
        await self._life.begin(partial(self._body.start, how), self.place.console)
        self._kept.note(boots=machine.boots)
        self._life.watch()

    def _prepare(self, machine: Machine, disk: Path) -> None:
        host, emulated = self._host, self._body.emulated
        dress.dress(launch.upper(disk), host.base, machine, host.authority, emulated=emulated)
        dress.tell(self.place, machine)
        self._body.provide(machine)

    def _leave_host(self) -> None:
        for folder in self.place.folder.glob("temporary-*"):
            shutil.rmtree(folder)

    async def _shut_down(self) -> None:
        """Ask the guest to shut down, and cut its power if it does not in time."""
        await self._body.order(Order.POWER_OFF)
        deadline = time.monotonic() + self._host.patience_s
        while self._life.alive and time.monotonic() < deadline:  # noqa: ASYNC110 - a wish may come too
            await asyncio.sleep(SEEK_S)
        if self._life.alive:
            await self.cut_power()

    async def cut_power(self) -> None:
        """End all its processes at once, after its cables: nothing of their end gets out."""
        await asyncio.to_thread(self._host.network.unplug, self.id)
        await self._life.end()

    async def _tidy(self) -> None:
        """Take back what a machine that is off no longer needs."""
        await self.cut_power()
        await self._stillness.end()
        await asyncio.to_thread(self._body.release)
        await asyncio.to_thread(self.group.remove)
        self._kept.note(untidy=False, disk="", sizes={}, images={})

    def _ended(self) -> None:
        self.agent = False
        self._wake.set()

    async def _attend(self) -> None:
        """Know whether the guest agent answers."""
        await self._body.open()
        while True:
            try:
                await ask(self.socket, {"do": "ping"}, within_s=ANSWERS_WITHIN_S)
            except (OSError, TimeoutError, ValueError):
                self.agent = False
            else:
                self.agent = self._life.alive
                if self.agent:
                    self._ready_by = 0.0
            await asyncio.sleep(SEEK_S if self._life.alive and not self.agent else PING_S)


def _body(host: Host, place: Place, group: Group, kept: Kept) -> Body:
    """Return what the machines of a host run in."""
    if host.kernel is None:
        return Container(host, place, group, kept)
    return Emulation(host, host.kernel, place, kept)
