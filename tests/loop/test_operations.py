"""Operations are carried out once, in order, with an end; also over the operator's death."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.loop.operations import EPOCH, GROUP, FakeMeetings, World, now, world

from hacluster.errors import ArmUnavailable
from hacluster.model import kinds
from hacluster.model.operation import OperationPhase
from hacluster.plan.operations.relocation import KEPT, Ask, Earlier, Relocation, decide
from hacluster.reconcile.operations.keeper import OperationKeeper
from hacluster.reconcile.operations.one_round import Rounds
from hacluster.reconcile.ports import EventType, Raw

pytestmark = pytest.mark.looptime


@pytest.fixture
def there() -> World:
    return world()


async def test_a_move_is_given_to_the_active_node_and_ends_as_that_says(there: World) -> None:
    there.start()
    there.ask("op", type="Move", group=GROUP)
    status = await there.until("op", "Succeeded")
    assert there.nodes.begun == [("node-1", "Move", "uid-op")]
    assert status["message"] == "node-1: Succeeded there"
    assert status["startedAt"] <= status["finishedAt"]
    told = [(kind, reason) for kind, reason, _ in there.desk.events]
    assert told == [
        (EventType.NORMAL, "OperationRunning"),
        (EventType.NORMAL, "OperationSucceeded"),
    ]
    assert f"Move {GROUP}" in there.desk.events[0][2]


async def test_who_asked_is_in_the_status_and_in_the_events(there: World) -> None:
    there.start()
    there.ask("op", type="Move", group=GROUP)
    there.desk.objects["op"]["metadata"]["annotations"] = {kinds.REQUESTED_BY: "anna@example.com"}
    status = await there.until("op", "Succeeded")
    assert status["requestedBy"] == "anna@example.com"
    assert all("asked for by anna@example.com" in message for _, _, message in there.desk.events)
    there.ask("other", type="Move", group=GROUP)
    assert "requestedBy" not in await there.until("other", "Succeeded")


async def test_what_is_over_leaves_nothing_in_the_store_and_no_loop(there: World) -> None:
    there.start()
    there.ask("op", type="Move", group=GROUP)
    await there.until("op", "Succeeded")
    await asyncio.sleep(5)
    assert there.nodes.orders("node-1") == ()
    before = there.store.reads
    await asyncio.sleep(600)
    assert there.store.reads == before, "nothing is asked while nothing is to be done"


async def test_operations_on_one_group_are_done_in_the_order_they_came(there: World) -> None:
    there.start()
    there.ask("b-first", type="Move", group=GROUP)
    await asyncio.sleep(1.1)
    there.ask("a-second", type="Move", group=GROUP)
    await asyncio.sleep(2)
    assert "b-first" in there.status("a-second")["message"]
    await there.until("a-second", "Succeeded")
    assert [(node, kind) for node, kind, _ in there.nodes.begun] == [
        ("node-1", "Move"),
        ("node-2", "Move"),
    ]


@pytest.mark.parametrize("phase", ["Running", "Succeeded"])
async def test_nothing_is_repeated_after_an_operator_died(there: World, phase: str) -> None:
    there.start()
    there.desk.die_after = phase
    there.ask("op", type="Move", group=GROUP)
    await there.until("op", phase)
    await there.keeper.close()
    there.desk.die_after = ""
    there.operator()
    await there.until("op", "Succeeded")
    await asyncio.sleep(30)
    assert there.nodes.begun == [("node-1", "Move", "uid-op")]
    assert there.nodes.standing["node-2"] == "Active"


async def test_an_operator_that_died_while_a_node_was_at_it_tells_the_end(there: World) -> None:
    there.start()
    there.nodes.stuck = True
    there.ask("op", type="Stop", group=GROUP)
    await there.until("op", "Running")
    await asyncio.sleep(7)
    await there.keeper.close()
    there.nodes.stuck = False
    there.operator()
    await there.until("op", "Succeeded")
    assert len(there.nodes.begun) == 1


async def test_two_operators_at_once_give_one_order(there: World) -> None:
    there.start()
    other = world()
    other.desk, other.store, other.nodes = there.desk, there.store, there.nodes
    there.ask("op", type="Move", group=GROUP)
    second = other.operator()
    await there.until("op", "Succeeded")
    await second.close()
    assert there.nodes.begun == [("node-1", "Move", "uid-op")]
    assert [phase for _, phase in there.desk.phases].count("Succeeded") == 1


async def test_an_operation_older_than_its_deadline_is_never_begun(there: World) -> None:
    there.start()
    there.ask("op", age_s=400, type="Move", group=GROUP)
    status = await there.until("op", "Failed")
    assert "deadline was over" in status["message"]
    assert there.nodes.begun == []
    assert "startedAt" not in status


async def test_a_node_that_never_ends_fails_the_operation_at_its_deadline(there: World) -> None:
    there.start()
    there.nodes.stuck = True
    there.ask("op", type="Restart", group=GROUP, deadlineSeconds=60)
    await there.until("op", "Running")
    status = await there.until("op", "Failed", within_s=90)
    assert "deadline" in status["message"]
    assert there.desk.events[-1][0] is EventType.WARNING


async def test_an_operation_for_every_node_waits_for_all(there: World) -> None:
    there.start()
    there.ask("op", type="Suspend", monitor="azureppw1")
    status = await there.until("op", "Succeeded")
    assert {node for node, _, _ in there.nodes.begun} == {"node-1", "node-2"}
    assert "node-1" in status["message"]
    assert "node-2" in status["message"]


async def test_a_store_that_is_away_is_waited_for(there: World) -> None:
    there.start()
    there.store.away = ArmUnavailable("the store does not answer")
    there.ask("op", type="Move", group=GROUP)
    await asyncio.sleep(10)
    assert "store does not answer" in there.status("op")["message"]
    assert there.status("op")["phase"] == "Pending"
    there.store.away = None
    await there.until("op", "Succeeded")


async def test_a_cluster_that_is_not_there_is_said_at_once(there: World) -> None:
    there.start()
    there.desk.body = None
    there.ask("op", type="Move", group=GROUP)
    status = await there.until("op", "Failed", within_s=5)
    assert "there is no HAClusterSpec cluster1" in status["message"]


async def test_a_deleted_operation_is_taken_back(there: World) -> None:
    there.start()
    there.nodes.silent = {"node-1", "node-2"}
    there.ask("op", type="Suspend", monitor="azureppw1")
    await there.until("op", "Running")
    assert there.nodes.orders("node-2")
    body = there.desk.objects.pop("op")
    there.keeper.gone(Raw(body=body))
    await asyncio.sleep(5)
    assert there.nodes.orders("node-1") == there.nodes.orders("node-2") == ()


async def test_a_forged_report_is_not_believed(there: World) -> None:
    there.start()
    there.nodes.stuck = True
    there.ask("op", type="Move", group=GROUP)
    await there.until("op", "Running")
    await asyncio.sleep(6)
    text, version = there.store.blobs["status/node-1"]
    forged = text.replace(b'"phase": "Running"', b'"phase": "Succeeded"')
    assert forged != text
    there.store.blobs["status/node-1"] = (forged, version + 1)
    there.nodes.silent = {"node-1"}
    await asyncio.sleep(20)
    assert there.status("op")["phase"] == "Running"


def over(there: World, name: str, hours: int, **metadata: Any) -> None:
    """Put an operation there that has ended some hours ago."""
    there.ask(name, type="Move", group=GROUP, age_s=3600.0 * hours)
    body = there.desk.objects[name]
    ended = (EPOCH - timedelta(hours=hours)).isoformat().replace("+00:00", "Z")
    body["status"] = {"phase": "Failed", "finishedAt": ended, "message": "no"}
    body["metadata"] |= metadata


async def test_of_its_own_planned_moves_the_operator_keeps_the_last_and_of_others_all(
    there: World,
) -> None:
    there.keeper = OperationKeeper(Rounds(there.desk, FakeMeetings(there.store), now))
    label = {"labels": {kinds.RELOCATION: "abc"}}
    ours = label | {"ownerReferences": [{"uid": "u-1"}]}
    for hours in range(14):
        over(there, f"cluster1-away-abc-{20 - hours}", hours, **ours)
    over(there, "by-hand", 99)
    over(there, "cluster1-away-abc-99", 99, **label, ownerReferences=[{"uid": "another"}])
    over(there, "labelled-by-somebody", 99, **ours)
    there.start()
    there.ask("op", type="Move", group=GROUP)
    await there.until("op", "Succeeded")
    left = {int(name.rpartition("-")[2]) for name in there.desk.objects if "abc" in name}
    assert left == {99, *range(20 - KEPT + 1, 21)}
    assert {"by-hand", "labelled-by-somebody", "op"} <= set(there.desk.objects)


async def test_no_planned_move_of_the_last_hour_is_taken_away(there: World) -> None:
    there.keeper = OperationKeeper(Rounds(there.desk, FakeMeetings(there.store), now))
    ours = {"labels": {kinds.RELOCATION: "abc"}, "ownerReferences": [{"uid": "u-1"}]}
    for number in range(1, 15):
        over(there, f"cluster1-away-abc-{number}", 0, **ours)
    there.start()
    there.ask("op", type="Move", group=GROUP)
    await there.until("op", "Succeeded")
    assert there.desk.deleted == []


def test_what_was_tidied_does_not_lend_its_name_to_another_attempt() -> None:
    wanted = Relocation(node="node-1", group=GROUP, wish="w", why="w")
    then = EPOCH - timedelta(hours=5)
    last = Earlier(
        name="cluster1-away-abc-7", created=then, phase=OperationPhase.FAILED, finished=then
    )
    decision = decide(wanted, [last], EPOCH)
    assert isinstance(decision, Ask)
    assert decision.attempt == 8
