"""A machine that stands still goes on in time, whoever has to see to it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, cast

import pytest

from azuresim.machines import places
from azuresim.machines.memory import Kept
from azuresim.machines.stillness import Stillness

if TYPE_CHECKING:
    from pathlib import Path

    from azuresim.machines.body import Body
    from azuresim.machines.host import Network

ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/one"


class World:
    """A body and its cables."""

    def __init__(self) -> None:
        self.connected = self.moves = True
        self.refuses = ""

    def cut(self, one: str, other: str) -> None:
        assert (one, other) == (ID, "*")
        self.connected = False

    def heal(self, one: str, other: str) -> int:
        assert (one, other) == (ID, "*")
        self.connected = True
        return 1

    async def hold(self) -> None:
        assert not self.connected, "a kernel that is not frozen answers for a frozen machine"
        if self.refuses:
            raise RuntimeError(self.refuses)
        self.moves = False

    async def go_on(self) -> None:
        self.moves = True


def stillness(directory: Path, world: World) -> Stillness:
    kept = Kept(places.machine(directory, ID))
    return Stillness(ID, cast("Body", world), cast("Network", world), kept)


async def test_a_frozen_machine_has_no_network_and_goes_on_in_time(tmp_path: Path) -> None:
    world = World()
    still = stillness(tmp_path, world)
    await still.begin(0.05)
    assert not world.moves
    assert not world.connected
    with pytest.raises(ValueError, match="one is frozen already"):
        await still.begin(0.05)
    await still.wait()
    assert world.moves
    assert world.connected


async def test_a_killed_simulators_successor_lets_it_go_on(tmp_path: Path) -> None:
    world = World()
    await stillness(tmp_path, world).begin(0.05)
    await stillness(tmp_path, world).wait()
    assert world.moves
    assert world.connected


async def test_a_freeze_that_was_ended_does_not_end_the_next_one(tmp_path: Path) -> None:
    world = World()
    still = stillness(tmp_path, world)
    await still.begin(0.2)
    first = asyncio.create_task(still.wait())
    await asyncio.sleep(0)
    await still.end()
    await still.begin(3600)
    await first
    assert not world.moves
    await still.end()


async def test_a_machine_that_cannot_be_frozen_is_connected_again(tmp_path: Path) -> None:
    world = World()
    world.refuses = "its emulator does not answer"
    still = stillness(tmp_path, world)
    with pytest.raises(ValueError, match=world.refuses):
        await still.begin(time.time())
    assert world.connected
    world.refuses = ""
    await still.begin(0.01)
    await still.wait()
    assert world.moves
