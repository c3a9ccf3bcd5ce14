"""The shared reader over a caller that counts: which calls are made, and what they tell."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from hacluster.arm.caller import Call, Reply
from hacluster.arm.reader import Reader
from hacluster.errors import ArmDenied, ArmThrottled, ArmUnavailable
from hacluster.model.ids import ArmId
from hacluster.model.observed import Absent, Present, Snapshot, Unknown
from hacluster.reconcile.ports import Look

pytestmark = pytest.mark.looptime

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000000"
PERIOD = timedelta(seconds=60)


@dataclass
class Lists:
    """A caller for one subscription; it takes a tenth of a second per call."""

    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    denied: tuple[str, ...] = ()
    """Paths that are refused as a whole."""
    failing: dict[str, Exception] = field(default_factory=dict)
    """Errors by a part of the path."""

    async def send(self, call: Call) -> Reply:
        self.calls.append(call.path)
        await asyncio.sleep(0.1)
        path = call.path.casefold()
        if path in {one.casefold() for one in self.denied}:
            raise ArmDenied("may not be listed")
        for part, error in self.failing.items():
            if part.casefold() in path:
                raise error
        if path in self.resources:
            return answer(self.resources[path])
        if len(path.split("/")) % 2 == 1 and "/providers/" in path:
            return Reply(status=404, headers={}, content=b"")
        head, _, kind = path.rpartition("/providers/")
        found = [
            body
            for key, body in self.resources.items()
            if key.startswith(head) and f"/{kind or 'resourcegroups'}/" in key
        ]
        return answer({"value": found})

    def put(self, resource: str, **more: Any) -> None:
        # Azure spells ids in its own way.
        self.resources[resource.casefold()] = {"id": resource.upper(), **more}


def answer(body: Any) -> Reply:
    return Reply(status=200, headers={}, content=json.dumps(body).encode())


def group(name: str) -> ArmId:
    return ArmId(f"{SUBSCRIPTION}/resourceGroups/{name}")


def interface(in_group: str, name: str) -> ArmId:
    return ArmId(f"{group(in_group)}/providers/Microsoft.Network/networkInterfaces/{name}")


def look(in_group: str, *names: str, fresh: bool = False, is_moving: bool = False) -> Look:
    ids = frozenset(interface(in_group, name) for name in names)
    return Look(
        ids=ids,
        group=group(in_group),
        owner=f"team/{in_group}",
        period=PERIOD,
        fresh=ids if fresh else frozenset(),
        is_moving=is_moving,
    )


@pytest.fixture
def lists() -> Lists:
    return Lists()


@pytest.fixture
def reader(lists: Lists) -> Reader:
    return Reader(lists, SUBSCRIPTION.rpartition("/")[2])  # type: ignore[arg-type] # a fake


async def test_several_of_a_kind_are_read_by_one_list(lists: Lists, reader: Reader) -> None:
    lists.put(interface("a", "one"))
    seen = await reader.look(look("a", "one", "two"))
    assert isinstance(seen.get(interface("a", "one")), Present)
    assert isinstance(seen.get(interface("a", "two")), Absent)
    assert len(lists.calls) == 1


async def test_the_same_reading_is_taken_once_for_all_who_ask(lists: Lists, reader: Reader) -> None:
    await asyncio.gather(*(reader.look(look("a", "one", "two")) for _ in range(20)))
    assert len(lists.calls) == 1


async def test_a_list_denied_for_the_subscription_is_asked_for_by_group(
    lists: Lists, reader: Reader
) -> None:
    whole = f"{SUBSCRIPTION}/providers/Microsoft.Network/networkInterfaces"
    lists.denied = (whole,)
    lists.put(interface("a", "one"))
    await reader.look(look("b", "one", "two"))
    seen = await reader.look(look("a", "one", "two"))
    assert isinstance(seen.get(interface("a", "one")), Present)
    assert isinstance(seen.get(interface("a", "two")), Absent)
    again = len(lists.calls)
    await reader.look(look("a", "one", "two", is_moving=False))
    assert whole not in lists.calls[again:]


async def test_lists_that_are_all_denied_end_in_single_reads(lists: Lists, reader: Reader) -> None:
    kind = "providers/Microsoft.Network/networkInterfaces"
    lists.denied = (f"{SUBSCRIPTION}/{kind}", f"{group('a')}/{kind}")
    lists.put(interface("a", "one"))
    seen = await reader.look(look("a", "one", "two"))
    assert isinstance(seen.get(interface("a", "one")), Present)
    assert isinstance(seen.get(interface("a", "two")), Absent)


async def test_what_cannot_be_read_is_unknown_and_never_absent(
    lists: Lists, reader: Reader
) -> None:
    lists.put(str(group("a")))
    lists.failing["networkInterfaces"] = ArmUnavailable("502")
    wanted = look("a", "one", "two")
    wanted = Look(
        ids=wanted.ids | {group("a")}, group=group("a"), owner=wanted.owner, period=PERIOD
    )
    seen = await reader.look(wanted)
    assert isinstance(seen.get(group("a")), Present)
    assert isinstance(seen.get(interface("a", "one")), Unknown)


async def test_what_concerns_all_of_azure_ends_the_look(lists: Lists, reader: Reader) -> None:
    lists.failing["networkInterfaces"] = ArmThrottled("slow down", retry_after_s=9)
    with pytest.raises(ArmThrottled):
        await reader.look(look("a", "one", "two"))


async def test_a_group_of_no_interest_before_is_not_judged_by_an_older_list(
    lists: Lists, reader: Reader
) -> None:
    lists.put(interface("a", "one"))
    lists.put(interface("b", "one"))
    await reader.look(look("a", "one", "two", is_moving=True))
    await reader.look(look("c", "one", "two", is_moving=True))
    seen = await reader.look(look("b", "one", "two", is_moving=True))
    assert isinstance(seen.get(interface("b", "one")), Present)


async def test_what_was_written_is_read_again(lists: Lists, reader: Reader) -> None:
    wanted = look("a", "one", "two", is_moving=True)
    assert isinstance((await reader.look(wanted)).get(interface("a", "one")), Absent)
    lists.put(interface("a", "one"))
    assert isinstance((await reader.look(wanted)).get(interface("a", "one")), Absent)
    reader.written(interface("a", "one"))
    assert isinstance((await reader.look(wanted)).get(interface("a", "one")), Present)


async def test_fresh_means_read_now(lists: Lists, reader: Reader) -> None:
    await reader.look(look("a", "one", "two"))
    lists.put(interface("a", "one"))
    seen = await reader.look(look("a", "one", fresh=True))
    assert isinstance(seen.get(interface("a", "one")), Present)


async def test_a_thousand_clusters_cost_few_reads_each(lists: Lists, reader: Reader) -> None:
    names = [f"g{number}" for number in range(1000)]
    for name in names:
        lists.put(interface(name, "one"))
    await asyncio.gather(*(reader.look(look(name, "one", "two")) for name in names))
    before = len(lists.calls)
    for _ in range(3):
        for name in names:
            await reader.look(look(name, "one", "two"))
            await asyncio.sleep(PERIOD.total_seconds() / len(names))
    assert (len(lists.calls) - before) / (3 * len(names)) <= 0.2


async def test_one_cluster_alone_never_sees_an_old_reading(lists: Lists, reader: Reader) -> None:
    await reader.look(look("a", "one", "two"))
    await asyncio.sleep(0.2)
    lists.put(interface("a", "one"))
    seen = await reader.look(look("a", "one", "two"))
    assert isinstance(seen.get(interface("a", "one")), Present)


async def test_ids_in_another_letter_case_are_the_same(lists: Lists, reader: Reader) -> None:
    lists.put(interface("a", "one"))
    seen = await reader.look(look("a", "One", "two"))
    found = seen.get(interface("a", "ONE"))
    assert isinstance(found, Present)
    assert found.id == interface("a", "One")


class TestTags:
    """Two looks have the same tag only if they saw the same."""

    @pytest.fixture
    def wanted(self) -> Look:
        return look("a", "one", "two", is_moving=True)

    @staticmethod
    async def later(reader: Reader, wanted: Look) -> Snapshot:
        """Look when all earlier readings are too old."""
        await asyncio.sleep(PERIOD.total_seconds())
        return await reader.look(wanted)

    async def test_what_is_as_it_was_has_the_same_tag(
        self, lists: Lists, reader: Reader, wanted: Look
    ) -> None:
        lists.put(interface("a", "one"))
        first = await reader.look(wanted)
        again = await self.later(reader, wanted)
        assert len(lists.calls) == 2
        assert again.tag is not None
        assert again.tag == first.tag
        assert again.resources == first.resources

    async def test_whatever_changes_comes_or_goes_has_another_tag(
        self, lists: Lists, reader: Reader, wanted: Look
    ) -> None:
        lists.put(interface("a", "one"))
        tags = [(await reader.look(wanted)).tag]
        lists.put(interface("a", "one"), tags={"a": "b"})
        tags.append((await self.later(reader, wanted)).tag)
        lists.put(interface("a", "two"))
        tags.append((await self.later(reader, wanted)).tag)
        lists.resources.clear()
        seen = await self.later(reader, wanted)
        assert isinstance(seen.get(interface("a", "one")), Absent)
        assert len({*tags, seen.tag}) == 4

    async def test_a_list_that_repeats_overrules_what_was_read_between(
        self, lists: Lists, reader: Reader, wanted: Look
    ) -> None:
        lists.put(interface("a", "one"))
        first = await reader.look(wanted)
        lists.put(interface("a", "one"), tags={"a": "b"})
        between = await reader.look(look("a", "one", fresh=True))
        lists.put(interface("a", "one"))
        again = await self.later(reader, wanted)
        assert between.tag != first.tag
        assert again.resources == first.resources

    async def test_a_list_that_repeats_tells_of_groups_that_came_since(
        self, lists: Lists, reader: Reader, wanted: Look
    ) -> None:
        lists.put(interface("a", "one"))
        lists.put(interface("b", "one"))
        await reader.look(wanted)
        await reader.look(look("c", "one", "two", is_moving=True))
        await self.later(reader, wanted)
        seen = await self.later(reader, look("b", "one", "two", is_moving=True))
        assert isinstance(seen.get(interface("b", "one")), Present)

    async def test_what_could_not_be_read_has_no_tag(self, lists: Lists, reader: Reader) -> None:
        lists.put(str(group("a")))
        lists.failing["networkInterfaces"] = ArmUnavailable("502")
        ids = look("a", "one", "two").ids | {group("a")}
        seen = await reader.look(Look(ids=ids, group=group("a"), owner="team/a", period=PERIOD))
        assert seen.tag is None
