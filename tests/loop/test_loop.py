import asyncio

import pytest
from tests.loop.world import World, now, world

from hacluster.errors import ArmDenied, ArmExhausted, ArmRejected, ArmThrottled, ArmUnavailable
from hacluster.model import kinds
from hacluster.model.assessment import BackendHealth
from hacluster.model.ids import ArmId
from hacluster.model.reasons import Reason

pytestmark = pytest.mark.looptime

NETWORK = "microsoft.network/virtualnetworks"
HOUR = 3600.0


@pytest.fixture
def web() -> World:
    return world()


async def reconciled(web: World) -> float:
    return await web.until("AzureReconciled", "True", 120)


async def test_an_object_is_made_in_the_order_of_its_needs(web: World) -> None:
    web.start()
    await reconciled(web)
    assert web.kubernetes.body["status"]["observedGeneration"] == 1
    names = {one.id.rsplit("/", 1)[-1] for one in web.azure.things.values()}
    assert {"web-ha", "web-vnet", "web-1-nic", "web-lb", "web-1", "web-2"} <= names


async def test_nothing_is_written_twice(web: World) -> None:
    web.start()
    await reconciled(web)
    written = [resource for _, _, resource in web.azure.writes]
    assert len(written) == len(set(written))


async def test_an_idle_hour_writes_nothing_anywhere(web: World) -> None:
    web.start()
    await reconciled(web)
    await asyncio.sleep(10)
    writes, patches = len(web.azure.writes), len(web.kubernetes.patches)
    events = len(web.kubernetes.events)
    await asyncio.sleep(HOUR)
    assert len(web.azure.writes) == writes
    assert len(web.kubernetes.patches) == patches
    assert len(web.kubernetes.events) == events
    assert len([at for at, _ in web.azure.looks if at > now() - HOUR]) <= HOUR / 60 + 1


async def test_drift_is_repaired_within_the_interval_and_two_seconds(web: World) -> None:
    web.start()
    await reconciled(web)
    network = next(one for one in web.azure.things.values() if one.id.endswith("web-vnet"))
    changed = dict(network.body) | {
        "tags": network.body["tags"] | {"hacluster-owner": "default/web"}
    }
    changed["properties"] = changed["properties"] | {
        "addressSpace": {"addressPrefixes": ["10.6.0.0/24", "10.66.0.0/24"]}
    }
    web.azure.put(network.id, changed)
    before = len(web.azure.writes)
    await asyncio.sleep(60 + 2)
    assert len(web.azure.writes) > before


async def test_a_wake_up_starts_a_pass_at_once(web: World) -> None:
    web.start()
    await reconciled(web)
    await asyncio.sleep(10)
    looks = len(web.azure.looks)
    web.annotate(kinds.REQUESTED_AT, "now")
    await asyncio.sleep(0.5)
    assert len(web.azure.looks) > looks
    assert web.kubernetes.body["status"]["lastHandledReconcileAt"] == "now"


async def test_the_echo_of_our_own_status_is_no_wake_up(web: World) -> None:
    web.start()
    await reconciled(web)
    await asyncio.sleep(10)
    looks = len(web.azure.looks)
    for _ in range(10):
        web.notice()
        await asyncio.sleep(0.1)
    assert len(web.azure.looks) <= looks + 1


@pytest.mark.parametrize(
    ("error", "most_tries_in_an_hour"),
    [
        pytest.param(ArmExhausted("no more cores"), 20, id="quota"),
        pytest.param(ArmDenied("a lock", reason=Reason.RESOURCE_LOCKED), 20, id="lock"),
        pytest.param(ArmRejected("your body is wrong"), 8, id="rejected"),
        pytest.param(ArmUnavailable("502"), 140, id="unreachable"),
    ],
)
async def test_a_refused_step_is_tried_again_ever_more_seldom_and_heals(
    web: World, error: Exception, most_tries_in_an_hour: int
) -> None:
    web.start()
    assert isinstance(error, ArmExhausted | ArmDenied | ArmRejected | ArmUnavailable)
    web.azure.refuse[NETWORK] = error
    await asyncio.sleep(HOUR)
    tries = [at for at, _, resource in web.azure.writes if resource.endswith("web-vnet")]
    assert 2 <= len(tries) <= most_tries_in_an_hour
    judged = web.kubernetes.condition("AzureReconciled")
    assert judged["status"] == "False"
    assert judged["reason"] == error.reason
    assert str(error) in judged["message"]
    web.azure.refuse.clear()
    await web.until("AzureReconciled", "True", HOUR + 120)


async def test_a_refused_step_is_tried_at_once_when_the_object_changes(web: World) -> None:
    web.start()
    web.azure.refuse[NETWORK] = ArmRejected("your body is wrong")
    await asyncio.sleep(HOUR)
    web.azure.refuse.clear()
    web.change(azure={"tags": {"why": "changed"}})
    await reconciled(web)


async def test_a_failure_is_told_by_the_pass_after_it(web: World) -> None:
    web.start()
    web.azure.refuse[NETWORK] = ArmExhausted("no more networks")
    await asyncio.sleep(6)
    assert web.kubernetes.condition("AzureReconciled")["reason"] == Reason.QUOTA_EXCEEDED


async def test_a_busy_resource_is_asked_ever_more_seldom(web: World) -> None:
    web.azure.busy.add(NETWORK)
    web.start()
    await asyncio.sleep(600)
    tries = [at for at, _, resource in web.azure.writes if resource.endswith("web-vnet")]
    assert 5 <= len(tries) <= 30
    assert web.kubernetes.condition("AzureReconciled")["reason"] == Reason.PROGRESSING
    web.azure.busy.clear()
    await reconciled(web)


async def test_a_throttled_look_waits_as_long_as_azure_says() -> None:
    web = world()
    web.azure.blind = ArmThrottled("too many", retry_after_s=40)
    web.start()
    await asyncio.sleep(1)
    looks = len(web.azure.looks)
    await asyncio.sleep(38)
    assert len(web.azure.looks) == looks
    web.azure.blind = None
    await reconciled(web)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(ArmDenied("no Secret", reason=Reason.SECRET_MISSING), "False", id="secret"),
        pytest.param(ArmDenied("expired", reason=Reason.UNAUTHENTICATED), "False", id="expired"),
        pytest.param(ArmUnavailable("no route"), "Unknown", id="unreachable"),
    ],
)
async def test_an_azure_that_cannot_be_entered_is_told_and_heals(
    error: ArmDenied | ArmUnavailable, status: str
) -> None:
    web = world()
    web.azure.locked_out = error
    web.start()
    await asyncio.sleep(5)
    judged = web.kubernetes.condition("AzureReconciled")
    assert (judged["status"], judged["reason"]) == (status, error.reason)
    web.azure.locked_out = None
    await reconciled(web)


async def test_a_stale_watch_does_not_undo_the_status(web: World) -> None:
    web.start()
    stale = web.kubernetes.raw()
    await reconciled(web)
    await asyncio.sleep(10)
    patches = len(web.kubernetes.patches)
    memory = web.keeper.memories["u-1"]
    assert memory.status(stale) == web.kubernetes.body["status"]
    assert len(web.kubernetes.patches) == patches


async def test_steps_of_one_cluster_run_side_by_side(web: World) -> None:
    """RG, then the network beside the rest, subnet, interfaces, machines: no longer than that."""
    web.start()
    took = await reconciled(web)
    assert took <= 6 * (web.azure.takes_s + 1.5)


async def test_a_machine_is_awaited_by_its_operation_and_hardly_read(web: World) -> None:
    web.azure.takes_s = 60
    web.start()
    await web.until("AzureReconciled", "True", 900)
    begun = next(at for at, _, resource in web.azure.writes if resource.endswith("/web-1"))
    looks = [look for at, look in web.azure.looks if begun < at < begun + 90]
    read = [look for look in looks if any(one.endswith("/web-1") for one in look.fresh)]
    assert len(looks) >= 20
    assert len(read) <= 3


async def test_events_are_told_once_per_turn(web: World) -> None:
    web.start()
    await reconciled(web)
    told = [(reason, message.partition(":")[0]) for _, reason, message in web.kubernetes.events]
    assert len(told) == len(set(told))
    assert ("AsDeclared", "AzureReconciled") in told


async def test_a_wrong_spec_is_refused_and_touches_nothing() -> None:
    web = world(nodes=[])
    web.start()
    await asyncio.sleep(5)
    assert web.kubernetes.condition("Accepted")["status"] == "False"
    assert web.azure.writes == []


async def test_a_paused_object_is_looked_at_and_not_written(web: World) -> None:
    web.start()
    web.change(management={"paused": True})
    await asyncio.sleep(200)
    assert web.azure.writes == []
    assert web.kubernetes.condition("AzureReconciled")["reason"] == Reason.PAUSED


class TestDeletion:
    async def test_nothing_of_ours_is_left_and_foreign_things_stay(self, web: World) -> None:
        web.start()
        web.change(management={"deletionPolicy": "Delete"})
        await reconciled(web)
        group = next(one.id for one in web.azure.things.values() if one.id.endswith("web-ha"))
        foreign = ArmId(f"{group}/providers/Microsoft.Network/publicIPAddresses/not-ours")
        web.azure.put(foreign, {"location": "japaneast", "tags": {}})
        await removed(web)
        left = [one.id for one in web.azure.things.values()]
        assert left == [group, foreign]

    async def test_a_group_of_ours_goes_too(self, web: World) -> None:
        web.start()
        web.change(management={"deletionPolicy": "Delete"})
        await reconciled(web)
        await removed(web)
        assert web.azure.things == {}

    async def test_credentials_that_are_gone_block_it_until_it_is_abandoned(
        self, web: World
    ) -> None:
        web.start()
        await reconciled(web)
        web.azure.locked_out = ArmDenied("no Secret", reason=Reason.SECRET_MISSING)
        removing = asyncio.create_task(removed(web))
        await asyncio.sleep(300)
        assert not removing.done()
        judged = web.kubernetes.condition("AzureReconciled")
        assert judged["reason"] == Reason.DELETION_BLOCKED
        web.kubernetes.body["metadata"].setdefault("annotations", {})[kinds.ABANDON] = "true"
        await asyncio.wait_for(removing, 10)
        assert web.azure.things

    async def test_its_end_is_told_once_though_the_loop_still_runs(
        self, web: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        web.start()
        await reconciled(web)
        web.kubernetes.body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        web.annotate(kinds.ABANDON, "true")
        await asyncio.gather(web.keeper.remove(web.kubernetes.raw()), asyncio.sleep(5))
        assert [reason for _, reason, _ in web.kubernetes.events].count("Abandoned") == 1
        lines = [record.message for record in caplog.records]
        assert lines.count("Finished deletion of cluster") == 1

    async def test_an_object_that_vanishes_ends_it(self, web: World) -> None:
        web.start()
        await reconciled(web)
        web.azure.locked_out = ArmUnavailable("away")
        removing = asyncio.create_task(removed(web))
        await asyncio.sleep(10)
        web.kubernetes.is_gone = True
        await asyncio.wait_for(removing, 10)

    async def test_retain_needs_no_azure(self, web: World) -> None:
        web.start()
        web.change(management={"deletionPolicy": "Retain"})
        await reconciled(web)
        web.azure.locked_out = ArmUnavailable("away")
        await asyncio.wait_for(removed(web), 5)
        assert web.azure.things


async def removed(web: World) -> None:
    assert web.task is not None
    web.task.cancel()
    web.kubernetes.body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    web.kubernetes.touch()
    await web.keeper.remove(web.kubernetes.raw())


async def test_what_the_balancer_says_is_in_the_status(web: World) -> None:
    web.azure.health = (
        BackendHealth(address="10.6.0.10", is_up=True, why="Up_Probe_Success"),
        BackendHealth(address="10.6.0.11", is_up=False, why="Down_Probe_TcpProbeTimeout"),
    )
    web.start()
    await reconciled(web)
    await asyncio.sleep(5)
    assert web.kubernetes.body["status"]["activeNode"] == "web-1"
    assert web.kubernetes.condition("ExactlyOneActive")["status"] == "True"


async def test_a_balancer_that_does_not_answer_is_not_asked_without_end(web: World) -> None:
    web.start()
    await reconciled(web)
    asked = web.azure.health_asked
    await asyncio.sleep(HOUR)
    assert web.azure.health_asked - asked <= HOUR / 300 + 10


async def test_an_external_cluster_becomes_ready_by_the_balancers_word(web: World) -> None:
    web.change(cluster={"nodeAgent": "External", "nodeConfiguration": None, "failoverGroups": None})
    web.azure.health = (
        BackendHealth(address="10.6.0.10", is_up=False, why="Down_Probe_TcpProbeTimeout"),
        BackendHealth(address="10.6.0.11", is_up=True, why="Up_Probe_Success"),
    )
    web.start()
    await web.until("Ready", "True", 120)
    assert web.kubernetes.body["status"]["activeNode"] == "web-2"


EXTERNAL = {"nodeAgent": "External", "nodeConfiguration": None, "failoverGroups": None}


def only_up(address: str) -> tuple[BackendHealth, ...]:
    return tuple(
        BackendHealth(address=one, is_up=one == address, why="Up" if one == address else "Down")
        for one in ("10.6.0.10", "10.6.0.11")
    )


def machines_written(web: World, since: int) -> list[str]:
    written = (resource.rsplit("/", 1)[-1] for _, _, resource in web.azure.writes[since:])
    return [name for name in written if name in {"web-1", "web-2"}]


async def test_who_serves_is_asked_again_before_a_node_is_interrupted(web: World) -> None:
    web.change(cluster=EXTERNAL)
    web.azure.health = only_up("10.6.0.10")
    web.start()
    await web.until("Ready", "True", 120)
    await asyncio.sleep(70)
    web.azure.health = only_up("10.6.0.11")
    before = len(web.azure.writes)
    web.change(machines={"size": "Standard_B4ms"})
    await asyncio.sleep(30)
    assert machines_written(web, before) == ["web-1"]
    assert web.kubernetes.body["status"]["activeNode"] == "web-2"


async def test_a_move_of_the_service_is_seen_in_the_next_period(web: World) -> None:
    web.azure.health = only_up("10.6.0.10")
    web.start()
    await reconciled(web)
    await asyncio.sleep(70)
    web.azure.health = only_up("10.6.0.11")
    await asyncio.sleep(62)
    assert web.kubernetes.body["status"]["activeNode"] == "web-2"


async def test_a_look_that_was_asked_for_asks_the_balancer_too(web: World) -> None:
    web.azure.health = only_up("10.6.0.10")
    web.start()
    await reconciled(web)
    await asyncio.sleep(70)
    web.azure.health = only_up("10.6.0.11")
    web.annotate(kinds.REQUESTED_AT, "now")
    await asyncio.sleep(1)
    assert web.kubernetes.body["status"]["activeNode"] == "web-2"


async def at_rest() -> World:
    """Return a world that has come to rest, one of a thousand clusters."""
    web = world(cluster=EXTERNAL)
    web.azure.sharers = 1000
    web.azure.health = only_up("10.6.0.10")
    web.start()
    await web.until("Ready", "True", 120)
    await asyncio.sleep(600)
    return web


class TestAmongAThousand:
    """Where a thousand clusters share what Azure allows, a balancer is asked seldom at rest."""

    async def test_it_is_asked_every_twenty_minutes(self) -> None:
        calm = await at_rest()
        asked = calm.azure.health_asked
        await asyncio.sleep(HOUR)
        assert 2 <= calm.azure.health_asked - asked <= 3
        told = calm.kubernetes.condition("ExactlyOneActive")["message"]
        assert "20 minutes" in told

    async def test_a_move_of_the_service_is_seen_within_that(self) -> None:
        calm = await at_rest()
        calm.azure.health = only_up("10.6.0.11")
        await asyncio.sleep(20 * 60 + 62)
        assert calm.kubernetes.body["status"]["activeNode"] == "web-2"

    async def test_whatever_changes_in_azure_has_it_asked_in_the_next_period(self) -> None:
        calm = await at_rest()
        machine = next(one for one in calm.azure.things.values() if one.id.endswith("/web-1"))
        calm.azure.put(machine.id, machine.body)
        calm.azure.health = only_up("10.6.0.11")
        await asyncio.sleep(62)
        assert calm.kubernetes.body["status"]["activeNode"] == "web-2"

    async def test_it_is_asked_again_before_a_node_is_interrupted(self) -> None:
        calm = await at_rest()
        calm.azure.health = only_up("10.6.0.11")
        before = len(calm.azure.writes)
        calm.change(machines={"size": "Standard_B4ms"})
        await asyncio.sleep(30)
        assert machines_written(calm, before) == ["web-1"]

    async def test_a_look_that_was_asked_for_asks_it_too(self) -> None:
        calm = await at_rest()
        calm.azure.health = only_up("10.6.0.11")
        calm.annotate(kinds.REQUESTED_AT, "now")
        await asyncio.sleep(1)
        assert calm.kubernetes.body["status"]["activeNode"] == "web-2"
