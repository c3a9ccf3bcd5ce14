import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from hacluster.kube.lease import Lease, LeaseTimes
from hacluster.reconcile.ports import KubernetesError

pytestmark = pytest.mark.looptime


@dataclass
class KeptLease:
    """One lease, with the API server's rule for writes: only of the version that was read."""

    spec: dict[str, Any] | None = None
    version: int = 0
    is_away: bool = False

    async def read(self) -> Mapping[str, Any] | None:
        await self._answer()
        if self.spec is None:
            return None
        return {"metadata": {"resourceVersion": str(self.version)}, "spec": dict(self.spec)}

    async def write(self, spec: Mapping[str, Any], version: str | None) -> bool:
        await self._answer()
        expected = None if self.spec is None else str(self.version)
        if version != expected:
            return False
        self.spec, self.version = dict(spec), self.version + 1
        return True

    async def _answer(self) -> None:
        await asyncio.sleep(0.01)
        if self.is_away:
            raise KubernetesError("away")


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_one_of_two_leads() -> None:
    kept = KeptLease()
    one, two = Lease(kept, "one"), Lease(kept, "two")
    tasks = [asyncio.create_task(each.acquire()) for each in (one, two)]
    await asyncio.sleep(10)
    assert sorted(task.done() for task in tasks) == [False, True]


async def test_a_holder_that_renews_is_never_replaced() -> None:
    kept = KeptLease()
    one, two = Lease(kept, "one"), Lease(kept, "two")
    await one.acquire()
    holding = asyncio.create_task(one.hold())
    waiting = asyncio.create_task(two.acquire())
    await asyncio.sleep(3600)
    assert not holding.done()
    assert not waiting.done()
    assert kept.spec is not None
    assert kept.spec["leaseTransitions"] == 0


async def test_a_holder_that_dies_is_replaced_when_its_time_is_over() -> None:
    kept = KeptLease()
    one, two = Lease(kept, "one"), Lease(kept, "two")
    await one.acquire()
    died_at = now()
    await two.acquire()
    assert LeaseTimes().lasts <= now() - died_at <= LeaseTimes().lasts + 3
    assert kept.spec is not None
    assert kept.spec["leaseTransitions"] == 1


async def test_a_holder_gives_up_before_another_may_take_over() -> None:
    kept = KeptLease()
    one = Lease(kept, "one")
    await one.acquire()
    kept.is_away = True
    cut_off_at = now()
    await one.hold()
    assert now() - cut_off_at < LeaseTimes().lasts


async def test_a_released_lease_is_taken_at_once() -> None:
    kept = KeptLease()
    one, two = Lease(kept, "one"), Lease(kept, "two")
    await one.acquire()
    waiting = asyncio.create_task(two.acquire())
    await asyncio.sleep(5)
    await one.release()
    released_at = now()
    await waiting
    assert now() - released_at <= LeaseTimes().retry + 0.1


async def test_a_holder_whose_lease_was_taken_stops_at_once() -> None:
    kept = KeptLease()
    one = Lease(kept, "one")
    await one.acquire()
    holding = asyncio.create_task(one.hold())
    await asyncio.sleep(3)
    assert kept.spec is not None
    kept.spec["holderIdentity"] = "two"
    taken_at = now()
    await holding
    assert now() - taken_at <= LeaseTimes().retry + 0.1
