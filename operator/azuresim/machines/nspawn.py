"""Real machines: Debian with systemd in namespaces of its own, behind the door.

Machines with Windows stay a model. A machine whose power nobody took away lives on when the
simulator is killed, and is found again by the next one on the same directory.
"""

import asyncio
import logging
import shutil
import time
from collections.abc import Callable, Coroutine, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from azuresim import ids
from azuresim.clock import Clock
from azuresim.fabric.events import Event
from azuresim.machines import launch, places
from azuresim.machines.door import Machine, Outcome, Script, Status
from azuresim.machines.errands import Errands
from azuresim.machines.host import Host
from azuresim.machines.keeper import Keeper
from azuresim.machines.model import Model

log = logging.getLogger(__name__)

LINUX: Final = "linux"
FREED_WITHIN_S: Final = 120.0
LOOK_S: Final = 0.2


class Nspawn:
    """The real machines of a simulator.

    Args:
        host: What they share.
        model: Has the machines that cannot be real.
        clock: Tells simulated time.
        pace: Simulated seconds in a second.
        kept: What was kept before, or None.
        keep: Keeps what must survive.

    Raises:
        ValueError: The directory or the base has a name that mount options cannot carry.
    """

    def __init__(
        self,
        host: Host,
        model: Model,
        clock: Clock,
        *,
        pace: float,
        kept: dict[str, Any] | None,
        keep: Callable[[dict[str, Any]], None],
    ) -> None:
        for path in (host.directory.resolve(), host.base):
            if launch.forbidden(path):
                raise ValueError(
                    f"Machines cannot live in {path}: its name has one of , : \\ in it."
                )
        self._host = host
        self._model = model
        self._pace = pace
        self._errands = Errands(clock, self._socket, kept, keep, pace)
        self._keepers: dict[str, Keeper] = {}
        self._runs: dict[str, Script] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._started = False

    @property
    def pace(self) -> float:
        """Scripts take real seconds."""
        return self._pace

    def start(self) -> None:
        """Begin to keep machines: to be called once their network is there."""
        self._started = True
        for keeper in list(self._keepers.values()):
            self._keep(keeper)
        for script in self._runs.values():
            self._errands.run(script)

    def alive(self) -> list[str]:
        """Return the ids of the machines that run now, whoever started them."""
        return [keeper.id for keeper in self._keepers.values() if keeper.group.leader() is not None]

    async def stop(self) -> None:
        """Cut the power of all machines; those that ran boot at the next start."""
        await self._errands.stop()
        for task in self._tasks:
            task.cancel()
        stops = [keeper.stop() for keeper in self._keepers.values()]
        for error in await asyncio.gather(*stops, return_exceptions=True):
            if error is not None:
                log.error("A machine is left behind, for `azuresim clean` to remove: %s", error)

    def bring(self, machine: Machine) -> None:
        """Begin to make a machine what it ought to be."""
        if machine.system.casefold() != LINUX:
            self._model.bring(machine)
            return
        key = ids.key(machine.id)
        keeper = self._keepers.get(key)
        if keeper is None:
            keeper = self._keepers[key] = Keeper(self._host, machine.id)
            keeper.want(machine)
            if self._started:
                self._keep(keeper)
        else:
            keeper.want(machine)

    def remove(self, machine_id: str) -> None:
        """Begin to take a machine away."""
        keeper = self._keepers.get(ids.key(machine_id))
        if keeper is None:
            self._model.remove(machine_id)
            return
        self._errands.abandon(machine_id)
        keeper.want(None)

    def erase(self, disk_id: str) -> None:
        """Begin to throw a disk's content away, once no machine has it any longer."""
        folder = places.disk(self._host.directory, disk_id)
        if folder.exists():
            self._spawn(self._erase(folder))

    def status(self, machine_id: str, now: float) -> Status:
        """Return how a machine is."""
        keeper = self._keepers.get(ids.key(machine_id))
        if keeper is None:
            return self._model.status(machine_id, now)
        return Status(running=keeper.running, agent=keeper.agent, settled=keeper.settled)

    def run(self, script: Script) -> None:
        """Begin to run a script."""
        if ids.key(script.machine) not in self._keepers:
            self._model.run(script)
        elif self._started:
            self._errands.run(script)
        else:
            self._runs[script.id] = script

    def outcome(self, run_id: str, now: float) -> Outcome | None:
        """Return how a run ended."""
        return self._errands.outcome(run_id) or self._model.outcome(run_id, now)

    def forget(self, run_id: str) -> None:
        """Let go of a run; a script that still runs is ended."""
        self._runs.pop(run_id, None)
        self._errands.forget(run_id)
        self._model.forget(run_id)

    def maintain(self, event: Event) -> None:
        """Do to machines what an event says: freezes and reboots; the rest is only announced."""
        for machine_id in event.machines:
            keeper = self._keepers.get(ids.key(machine_id))
            if keeper is None:
                continue
            if event.kind == "Freeze":
                self._spawn(keeper.freeze(event.duration_s))
            elif event.kind == "Reboot":
                keeper.reboot()

    def commands(self) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
        """Return what the control socket takes about machines."""
        return {
            **self._model.commands(),
            "machine.list": lambda _: self._list(),
            "machine.stop": self._strike,
            "machine.kill": self._strike,
            "machine.freeze": self._freeze,
        }

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.warning("Failed: %s", task.exception())

    def _keep(self, keeper: Keeper) -> None:
        def gone() -> None:
            if keeper.wanted is None:
                self._keepers.pop(ids.key(keeper.id), None)
                keeper.let_go()
            else:  # made again under the same id before the old one was gone
                fresh = self._keepers[ids.key(keeper.id)] = Keeper(self._host, keeper.id)
                fresh.want(keeper.wanted)
                keeper.let_go()
                self._keep(fresh)

        keeper.start(gone)

    def _socket(self, machine_id: str) -> Path | None:
        keeper = self._keepers.get(ids.key(machine_id))
        return keeper.socket if keeper and keeper.agent else None

    async def _erase(self, folder: Path) -> None:
        deadline = time.monotonic() + FREED_WITHIN_S
        while any(keeper.uses(folder) for keeper in self._keepers.values()):
            if time.monotonic() > deadline:
                log.warning("Disk %s is still in use and stays.", folder)
                return
            await asyncio.sleep(LOOK_S)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _list(self) -> list[dict[str, Any]]:
        real = [
            {
                "id": keeper.id,
                "running": keeper.running,
                "agent": keeper.agent,
                "settled": keeper.settled,
                "boots": keeper.wanted.boots if keeper.wanted else 0,
                "console": str(keeper.place.console),
            }
            for keeper in self._keepers.values()
        ]
        return [*real, *self._model.list()]

    async def _strike(self, wish: Mapping[str, Any]) -> int:
        """Take the power of machines away and return how many there were."""
        found = self.named(wish)
        await asyncio.gather(*(keeper.cut_power() for keeper in found))
        return len(found)

    async def _freeze(self, wish: Mapping[str, Any]) -> int:
        seconds = float(wish.get("seconds", 0))
        if not 0 < seconds <= 3600:
            raise ValueError("Say for how many seconds in 'seconds': more than 0, at most 3600.")
        found = self.named(wish)
        await asyncio.gather(*(keeper.freeze(seconds) for keeper in found))
        return len(found)

    def where(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Return how to get into the one machine of a name.

        Raises:
            ValueError: There is none, or more than one, or it does not run.
        """
        found = self.named(wish)
        if len(found) > 1:
            raise ValueError(f"{len(found)} machines are called {wish.get('name')}.")
        entrance = found[0].entrance
        if entrance is None:
            raise ValueError(f"{wish.get('name')} does not run. Start it first.")
        return entrance

    def named(self, wish: Mapping[str, Any]) -> list[Keeper]:
        """Return the machines of the wish's name, * allowed.

        Raises:
            ValueError: There is none.
        """
        name = str(wish.get("name", ""))
        found = [
            keeper
            for key, keeper in self._keepers.items()
            if fnmatchcase(ids.name_of(key), name.casefold())
        ]
        if not found:
            known = ", ".join(sorted(ids.name_of(each.id) for each in self._keepers.values()))
            raise ValueError(f"There is no machine {name}. There are: {known or 'none'}.")
        return found
