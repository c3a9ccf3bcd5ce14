import asyncio
from datetime import timedelta

from hacluster.reconcile.keeper import Keeper, Verdict, Wake
from hacluster.reconcile.memory import Memory
from hacluster.reconcile.ports import Raw
from hacluster.reconcile.turns import Turns

MANY = 200


class Thinking:
    """Passes that think without a wait; counts them."""

    def __init__(self) -> None:
        self.thoughts = 0

    async def run(self, raw: Raw, memory: Memory) -> Verdict:
        self.thoughts += 1
        return Verdict(wait=timedelta(hours=1))


async def most_at_once(passes: Thinking) -> int:
    """Return how many passes at most have thought between two turns of somebody else."""
    most = seen = 0
    while passes.thoughts < MANY:
        await asyncio.sleep(0)
        most, seen = max(most, passes.thoughts - seen), passes.thoughts
    return most


async def test_however_many_begin_at_once_others_have_their_turn_in_between() -> None:
    passes = Thinking()
    keeper = Keeper(passes, None)  # type: ignore[arg-type] # only removal asks the API server
    raws = [Raw(body={"metadata": {"uid": str(n), "name": f"c{n}"}}) for n in range(MANY)]
    tasks = [asyncio.create_task(keeper.keep(lambda raw=raw: raw, Wake())) for raw in raws]  # type: ignore[misc] # mypy cannot infer a default's type
    try:
        assert await asyncio.wait_for(most_at_once(passes), 30) == 1
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_who_gives_up_waiting_keeps_nobody_from_a_turn() -> None:
    turns = Turns()
    waiting = [asyncio.create_task(turns.next()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    waiting[1].cancel()
    await asyncio.wait_for(waiting[2], 5)
