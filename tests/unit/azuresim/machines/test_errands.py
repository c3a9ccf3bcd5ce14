"""Scripts on their way to a guest agent that may not be there."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest_asyncio
from tests.unit.azuresim.machines.values import NODE

from azuresim.machines.door import Script
from azuresim.machines.errands import Errands


class Clock:
    def now(self) -> float:
        return 1000.0


@dataclass
class Guest:
    """A guest agent that says what it is told to."""

    address: Path
    answer: dict[str, Any] = field(default_factory=lambda: {"exit_code": 0, "output": "done"})
    asked: list[dict[str, Any]] = field(default_factory=list)
    server: asyncio.Server | None = None

    async def start(self) -> None:
        self.server = await asyncio.start_unix_server(self._serve, self.address)

    async def stop(self) -> None:
        assert self.server is not None
        self.server.close()
        await self.server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(json.loads(await reader.readline()))
        writer.write(json.dumps(self.answer).encode() + b"\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@dataclass
class World:
    guest: Guest
    kept: dict[str, Any] = field(default_factory=dict)
    errands: list[Errands] = field(default_factory=list)

    def begin(self) -> Errands:
        """Return the errands of a simulator that has just been started."""
        fresh = Errands(
            Clock(), lambda _: self.guest.address, dict(self.kept), self.kept.update, 1.0
        )
        self.errands.append(fresh)
        return fresh


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(Guest(tmp_path / "agent.sock"))
    yield made
    for errands in made.errands:
        await errands.stop()
    if made.guest.server is not None:
        await made.guest.stop()


def script(text: str = "true", protected: dict[str, str] | None = None) -> Script:
    return Script(
        id="run", machine=NODE.id, name="rc", text=text, parameters={}, protected=protected,
        started=990.0, timeout_s=60.0,
    )  # fmt: skip


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(2000):
        if is_so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("did not come true in time")


async def ended(errands: Errands) -> None:
    await until(lambda: errands.outcome("run") is not None)


async def test_a_script_waits_for_its_machine_to_be_up(world: World) -> None:
    errands = world.begin()
    errands.run(script(protected={}))
    await asyncio.sleep(0.05)
    assert errands.outcome("run") is None
    await world.guest.start()
    await ended(errands)
    outcome = errands.outcome("run")
    assert outcome is not None
    assert (outcome.exit_code, outcome.output, outcome.ended) == (0, "done", 1000.0)


async def test_the_guest_is_told_how_much_time_is_left(world: World) -> None:
    await world.guest.start()
    errands = world.begin()
    errands.run(script(protected={}))
    await ended(errands)
    assert world.guest.asked[0]["timeout_s"] == 50.0


async def test_a_run_that_took_too_long_ended_at_its_deadline(world: World) -> None:
    world.guest.answer = {"exit_code": -1, "output": "", "error": ""}
    await world.guest.start()
    errands = world.begin()
    errands.run(script(protected={}))
    await ended(errands)
    outcome = errands.outcome("run")
    assert outcome is not None
    assert outcome.ended == 1050.0


async def test_protected_parameters_are_handed_over_and_never_kept(world: World) -> None:
    await world.guest.start()
    errands = world.begin()
    errands.run(script(protected={"KEY": "hidden-away"}))
    await ended(errands)
    assert world.guest.asked[0]["protected"] == {"KEY": "hidden-away"}
    assert "hidden-away" not in json.dumps(world.kept)


async def test_after_a_kill_a_script_without_secrets_is_brought_again(world: World) -> None:
    world.begin().run(script(protected={}))
    await world.guest.start()
    errands = world.begin()
    errands.run(script())
    await ended(errands)
    assert not any(each["known"] for each in world.guest.asked)


async def test_after_a_kill_a_script_whose_secrets_are_lost_is_not_begun(world: World) -> None:
    world.begin().run(script(protected={"KEY": "hidden-away"}))
    await world.errands[0].stop()
    world.guest.answer = {"unknown": True}
    await world.guest.start()
    errands = world.begin()
    errands.run(script())
    await ended(errands)
    outcome = errands.outcome("run")
    assert world.guest.asked[0]["known"]
    assert outcome is not None
    assert outcome.exit_code == 1
    assert "protected parameters" in outcome.error


async def test_a_forgotten_run_is_forgotten_by_the_guest_too(world: World) -> None:
    await world.guest.start()
    errands = world.begin()
    errands.run(script(protected={}))
    await ended(errands)
    errands.forget("run")
    assert errands.outcome("run") is None
    await until(lambda: world.guest.asked[-1]["do"] == "forget")


async def test_a_script_to_be_fetched_is_refused_with_a_word(world: World) -> None:
    errands = world.begin()
    errands.run(script("https://example.org/script.sh", protected={}))
    outcome = errands.outcome("run")
    assert outcome is not None
    assert outcome.exit_code == 1
    assert "URI" in outcome.error
