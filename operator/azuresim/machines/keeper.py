"""Keeps one machine as it ought to be: looks, does the next thing, looks again.

Whatever fails is tried again, some times; after that the machine stays as it is until
somebody wishes for something again.
"""

import asyncio
import logging
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from azuresim.fabric.wanted import Interface
from azuresim.machines import channel, dress, emulator, launch, loops, places, plan
from azuresim.machines.cgroups import Group, StuckError
from azuresim.machines.channel import Switchboard
from azuresim.machines.door import Machine
from azuresim.machines.memory import Kept
from azuresim.machines.plan import Seen, Step
from azuresim.machines.wire import ask

if TYPE_CHECKING:
    import subprocess

log = logging.getLogger(__name__)

TRIES: Final = 6
LONGEST_PAUSE_S: Final = 20.0
STARTS_WITHIN_S: Final = 120.0
DIES_WITHIN_S: Final = 60.0
READY_WITHIN_S: Final = 300.0
ANSWERS_WITHIN_S: Final = 5.0
PING_S: Final = 2.0
SEEK_S: Final = 0.2
POWER_OFF: Final = signal.SIGRTMIN + 4
REBOOT: Final = signal.SIGRTMIN + 5
"""What systemd takes for the orders to power off, and to reboot."""
EVERYTHING: Final = "*"
"""The data plane's word for all places, in a cut."""


class Network(Protocol):
    """What machines need of the data plane; see `azuresim.fabric.door`."""

    def plug(self, machine_id: str, *, emulated: bool = False) -> str:
        """Make sure of a machine's namespace and return its name."""

    def interfaces(self, machine_id: str) -> tuple[Interface, ...]:
        """Return a machine's interfaces, the primary one first."""

    def unplug(self, machine_id: str) -> None:
        """Take a machine's namespace away."""

    def cut(self, one: str, other: str) -> None:
        """Lose all packets between two places."""

    def heal(self, one: str, other: str) -> int:
        """Undo a cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What all machines of a simulator share.

    Attributes:
        directory: Of the simulator.
        base: The tree machines start from.
        network: The data plane.
        authority: Certificate that machines trust, or None.
        patience_s: How long a machine may take to shut down before it is killed.
        kernel: What emulated machines boot; None for machines on this kernel.
    """

    directory: Path
    base: Path
    network: Network
    authority: Path | None = None
    patience_s: float = 30.0
    kernel: Path | None = None


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
        self._alive = False
        self._idle = False
        self._ready_by = 0.0
        self._watched = 0
        self._wake = asyncio.Event()
        self._board: Switchboard | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, on_gone: Callable[[], None]) -> None:
        """Begin to keep it; calls back once it was to go and is gone."""
        memory = self._kept.now
        if self.group.leader() is not None:
            self._kept.note(boots=max(memory.boots, memory.booting))
            self._watch()
        if memory.thaw_at is not None:
            self._spawn(self._thaw(memory.thaw_at))
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
        return self._alive or (wants and not self._idle)

    @property
    def settled(self) -> bool:
        """Whether it is as wanted, its guest included, or was given up."""
        waits = self._alive and not self.agent and time.monotonic() < self._ready_by
        return self._idle and not waits

    @property
    def leader(self) -> int | None:
        """Its first process, if it runs."""
        return self.group.leader() if self._alive else None

    @property
    def socket(self) -> Path:
        """Where its guest agent answers."""
        if self.emulated:
            return self.place.folder / "agent.sock"
        return self.place.platform / "agent.sock"

    @property
    def emulated(self) -> bool:
        """Whether it has a kernel of its own."""
        return self._host.kernel is not None

    @property
    def _monitor(self) -> Path:
        return self.place.folder / emulator.MONITOR

    def uses(self, disk: Path) -> bool:
        """Whether it has a disk now, by the disk's folder."""
        memory = self._kept.now
        return str(disk) == memory.disk or str(places.image(disk)) in memory.images.values()

    def reboot(self) -> None:
        """Have its guest reboot; one that hangs, or does not run, does not."""
        if self._alive:
            self._spawn(self._order(REBOOT))

    async def freeze(self, seconds: float) -> None:
        """Let it stand still for so long; returns once it does.

        Raises:
            ValueError: It does not run, or stands still already, or cannot be made to.
        """
        if not self._alive:
            raise ValueError(f"{self.place.name} does not run.")
        if self._kept.now.thaw_at is not None:
            raise ValueError(f"{self.place.name} is frozen already.")
        until = time.time() + seconds
        self._kept.note(thaw_at=until)
        try:
            await asyncio.to_thread(self._host.network.cut, self.id, EVERYTHING)
            if self.emulated:
                await channel.tell(self._monitor, {"execute": "stop"})
            else:
                await asyncio.to_thread(self.group.freeze)
        except (OSError, RuntimeError) as error:
            await self._go_on()
            raise ValueError(str(error)) from error
        self._spawn(self._thaw(until))

    def let_go(self) -> None:
        """Do nothing more about it, from within its own work."""
        for task in self._tasks - {asyncio.current_task()}:
            task.cancel()

    async def stop(self) -> None:
        """Stop keeping it and cut its power; one that ran boots when it is kept again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._alive:
            boots = self._kept.now.boots - 1
            self._kept.note(boots=boots, booting=boots)
        await self._tidy()
        if self._board is not None:
            await self._board.close()

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
            running=self._alive,
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
                await self._change_disks(wanted)
            case Step.BOOT if wanted is not None:
                await self._boot(wanted)

    async def _boot(self, machine: Machine) -> None:
        disk = str(_boot_folder(self._host, machine))
        self._kept.note(untidy=True, booting=machine.boots, disk=disk)
        await asyncio.to_thread(self._host.network.unplug, machine.id)
        plug = partial(self._host.network.plug, machine.id, emulated=self.emulated)
        namespace = await asyncio.to_thread(plug)
        await asyncio.to_thread(self._prepare, machine)
        how = self._launch(machine, namespace)
        self._ready_by = time.monotonic() + READY_WITHIN_S
        self._process = await asyncio.to_thread(self._begin, how)
        deadline = time.monotonic() + STARTS_WITHIN_S
        while self.group.leader() is None and self._process.poll() is None:
            if time.monotonic() > deadline:
                await self.cut_power()
                raise StuckError(f"it did not start within {STARTS_WITHIN_S:.0f} s")
            await asyncio.sleep(0.05)
        if self.group.leader() is None:
            raise StuckError(f"it ended at once; see {self.place.console}")
        self._kept.note(boots=machine.boots)
        self._watch()

    def _begin(self, how: launch.Launch) -> "subprocess.Popen[bytes]":
        kernel = self._host.kernel
        if kernel is None:
            return launch.start(how)
        for name in (emulator.MONITOR, emulator.CHANNEL):
            (self.place.folder / name).unlink(missing_ok=True)
        return emulator.start(
            emulator.Emulated(
                common=how,
                kernel=kernel,
                interfaces=self._host.network.interfaces(self.id),
                drives={lun: Path(path) for lun, path in self._kept.now.images.items()},
            )
        )

    def _prepare(self, machine: Machine) -> None:
        disk = launch.upper(_boot_folder(self._host, machine))
        dress.dress(disk, self._host.base, machine, self._host.authority, emulated=self.emulated)
        dress.tell(self.place, machine)
        if self.emulated:
            self._provide_disks(machine)
            return
        (self.socket).unlink(missing_ok=True)
        self._bring_disks(machine)

    def _launch(self, machine: Machine, namespace: str) -> launch.Launch:
        return launch.Launch(
            machine=machine,
            place=self.place,
            base=self._host.base,
            disk=_boot_folder(self._host, machine),
            temporary=self.place.temporary(machine.host),
            namespace=namespace,
            tasks=self.group.tasks,
        )

    def _provide_disks(self, machine: Machine) -> None:
        """Make the files behind the data disks that an emulated machine ought to have."""
        images = self._images(machine)
        for lun, disk in plan.data_disks(machine).items():
            loops.provide(images[lun], disk.size_gb)
        after = {lun: str(path) for lun, path in images.items()}
        self._kept.note(sizes=plan.sizes(machine), images=after)

    def _images(self, machine: Machine) -> dict[int, Path]:
        return {
            lun: places.image(places.disk(self._host.directory, disk.id))
            for lun, disk in plan.data_disks(machine).items()
        }

    async def _change_disks(self, machine: Machine) -> None:
        if not self.emulated:
            await asyncio.to_thread(self._bring_disks, machine)
            return
        before, sizes = dict(self._kept.now.images), dict(self._kept.now.sizes)
        await asyncio.to_thread(self._provide_disks, machine)
        after = self._kept.now.images
        try:
            await channel.tell(self._monitor, *emulator.changes(before, after, sizes, machine))
        except RuntimeError:
            self._kept.note(images=before, sizes=sizes)
            raise

    def _bring_disks(self, machine: Machine) -> None:
        """Attach and detach data disks until the machine has those that it ought to have."""
        wanted = plan.data_disks(machine)
        images = self._images(machine)
        devices = {lun: loops.attach(images[lun], disk.size_gb) for lun, disk in wanted.items()}
        before = set(self._kept.now.images.values())
        after = {lun: str(path) for lun, path in images.items()}
        self._kept.note(sizes=plan.sizes(machine), images=after)
        dress.tell_disks(self.place, devices)
        self._detach(before - set(after.values()))

    def _detach(self, images: set[str]) -> None:
        """Detach files from their devices; a device that others use goes with the last of them."""
        for image in images:
            loops.detach(Path(image))

    def _leave_host(self) -> None:
        for folder in self.place.folder.glob("temporary-*"):
            shutil.rmtree(folder)

    async def _shut_down(self) -> None:
        """Ask the guest to shut down, and cut its power if it does not in time."""
        await self._order(POWER_OFF)
        deadline = time.monotonic() + self._host.patience_s
        while self._alive and time.monotonic() < deadline:  # noqa: ASYNC110 - a wish may come too
            await asyncio.sleep(SEEK_S)
        if self._alive:
            await self.cut_power()

    async def _order(self, order: int) -> None:
        """Tell the guest to power off, or to reboot; one that hangs does not hear it."""
        if self.emulated:
            how = "poweroff" if order == POWER_OFF else "reboot"
            with suppress(OSError, TimeoutError, ValueError):
                await channel.power(self.socket, how, ANSWERS_WITHIN_S)
            return
        leader = self.group.leader()
        if leader is not None:
            with suppress(ProcessLookupError):
                os.kill(leader, order)

    async def cut_power(self) -> None:
        """End all its processes at once, after its cables: nothing of their end gets out."""
        await asyncio.to_thread(self._host.network.unplug, self.id)
        deadline = time.monotonic() + DIES_WITHIN_S
        while not self.group.kill():
            if time.monotonic() > deadline:
                raise StuckError("its processes cannot be ended")
            await asyncio.sleep(SEEK_S / 10)
        self._ended()

    async def _tidy(self) -> None:
        """Take back what a machine that is off no longer needs."""
        await self.cut_power()
        await self._go_on()
        await asyncio.to_thread(self._detach, set(self._kept.now.images.values()))
        await asyncio.to_thread(self.group.remove)
        self._kept.note(untidy=False, disk="", sizes={}, images={})

    async def _thaw(self, until: float) -> None:
        await asyncio.sleep(max(0.0, until - time.time()))
        if self._kept.now.thaw_at == until:
            await self._go_on()

    async def _go_on(self) -> None:
        """End a freeze, if there is one."""
        if self._kept.now.thaw_at is None:
            return
        await asyncio.to_thread(self._host.network.heal, self.id, EVERYTHING)
        if not self.emulated:
            self.group.thaw()
        elif self._alive:
            with suppress(channel.MonitorError):
                await channel.tell(self._monitor, {"execute": "cont"})
        self._kept.note(thaw_at=None)

    def _watch(self) -> None:
        """Be told when the machine ends."""
        keeper = self.group.keeper()
        if keeper is None:
            self._ended()
            return
        self._alive = True
        try:
            handle = os.pidfd_open(keeper)
        except ProcessLookupError:
            self._ended()
            return
        loop = asyncio.get_running_loop()

        self._watched = keeper

        def ended() -> None:
            loop.remove_reader(handle)
            os.close(handle)
            if self._watched == keeper:  # and not one that has been booted since
                self._ended()

        loop.add_reader(handle, ended)

    def _ended(self) -> None:
        if self._process is not None:
            self._process.poll()  # or it would stay in the process table
        if self._alive:
            self._wake.set()
        self._alive = self.agent = False

    async def _attend(self) -> None:
        """Know whether the guest agent answers."""
        if self.emulated:
            self.place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._board = Switchboard(self.place.folder / emulator.CHANNEL, self.socket)
            await self._board.open()
        while True:
            try:
                await ask(self.socket, {"do": "ping"}, within_s=ANSWERS_WITHIN_S)
            except (OSError, TimeoutError, ValueError):
                self.agent = False
            else:
                self.agent = self._alive
                if self.agent:
                    self._ready_by = 0.0
            await asyncio.sleep(SEEK_S if self._alive and not self.agent else PING_S)


def _boot_folder(host: Host, machine: Machine) -> Path:
    return places.disk(host.directory, plan.boot_disk(machine).id)
