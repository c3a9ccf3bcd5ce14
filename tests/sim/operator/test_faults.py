"""What Azure does at its worst, and what the operator makes of it."""

import asyncio
from typing import Any

import pytest
from tests.sim.operator.conftest import Calls, account
from tests.sim.operator.test_adapter import (
    Place,
    error_of,
    group_body,
    look,
    made,
    network_body,
    put,
    settled,
)
from tests.sim.simulator import Simulator

from azuresim.faults import control
from hacluster.arm.door import AzureDoor, EnteredSubscription
from hacluster.errors import ArmThrottled
from hacluster.model.observed import Absent, Present
from hacluster.model.reasons import Reason
from hacluster.reconcile.ports import Failed, Lost, Waiting

KIND = "Microsoft.Network/virtualNetworks"


def fault(sim: Simulator, what: str, kind: str = KIND, **rule: Any) -> None:
    control.ask(sim.directory, {"do": "fault.add", "fault": what, "kind": kind, **rule})


@pytest.fixture
async def place(azure: EnteredSubscription, sim: Simulator) -> Place:
    found = Place(sim)
    await azure.apply(put(found.group, group_body()))
    return found


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        pytest.param("error", Reason.AZURE_UNREACHABLE, id="server-error"),
        pytest.param("deny", Reason.DENIED, id="denied"),
        pytest.param("policy", Reason.POLICY_DENIED, id="policy"),
        pytest.param("quota", Reason.QUOTA_EXCEEDED, id="quota"),
        pytest.param("sku", Reason.QUOTA_EXCEEDED, id="no-capacity"),
        pytest.param("throttle", Reason.THROTTLED, id="throttled"),
    ],
)
async def test_a_refusal_has_its_own_reason(
    azure: EnteredSubscription, sim: Simulator, place: Place, what: str, reason: Reason
) -> None:
    fault(sim, what, verb="PUT", count=1)
    error = error_of(await azure.apply(put(place.network(), network_body())))
    assert error.reason is reason


async def test_a_denied_call_names_the_missing_permission(
    azure: EnteredSubscription, sim: Simulator, place: Place
) -> None:
    fault(sim, "deny", verb="PUT", count=1)
    error = error_of(await azure.apply(put(place.network(), network_body())))
    assert f"{KIND}/write" in str(error)


@pytest.mark.parametrize("what", ["conflict", "lock"])
async def test_another_operation_is_waited_for(
    azure: EnteredSubscription, sim: Simulator, place: Place, what: str
) -> None:
    fault(sim, what, verb="PUT", count=1)
    assert isinstance(await azure.apply(put(place.network(), network_body())), Waiting)


@pytest.mark.parametrize("count", [1, 3])
async def test_a_write_whose_reply_was_lost_is_seen_and_not_repeated(
    azure: EnteredSubscription, sim: Simulator, place: Place, count: int
) -> None:
    # A connection that breaks may be tried once more below us: a condition makes that harmless.
    fault(sim, "cut-after", verb="PUT", count=count)
    outcome = await azure.apply(put(place.network(), network_body()))
    assert isinstance(outcome, Lost | Failed)
    await settled(azure, place, place.network())
    control.ask(sim.directory, {"do": "fault.clear"})
    assert isinstance(await azure.apply(put(place.network(), network_body())), Lost)


async def test_a_pause_is_kept_by_all_clusters_of_the_subscription(
    azure: EnteredSubscription, door: AzureDoor, sim: Simulator, place: Place, calls: Calls
) -> None:
    fault(sim, "throttle", verb="PUT", count=1, retry_after=60)
    error = error_of(await azure.apply(put(place.network(), network_body())))
    assert isinstance(error, ArmThrottled)
    assert error.retry_after_s == pytest.approx(60, abs=1)
    before = len(calls.made)
    another = await door.enter(account(sim))
    refused = error_of(await another.apply(put(place.network("other"), network_body())))
    assert isinstance(refused, ArmThrottled)
    assert refused.retry_after_s == pytest.approx(60, abs=5)
    assert len(calls.made) == before


async def test_the_cause_of_a_failed_operation_is_told(
    azure: EnteredSubscription, sim: Simulator, place: Place
) -> None:
    fault(sim, "fail", verb="PUT", count=1, code="SubnetIsFull", message="No address is left.")
    await azure.apply(put(place.network(), network_body()))
    operation = None
    for _ in range(100):
        operation = await azure.operation_of(place.network())
        if operation is not None and not operation.is_running:
            break
        await asyncio.sleep(0.02)
    assert operation is not None
    assert operation.error is not None
    assert "SubnetIsFull" in str(operation.error)
    assert "No address is left." in str(operation.error)


async def test_a_list_that_lags_behind_does_not_hide_what_was_read_by_itself(
    azure: EnteredSubscription, sim: Simulator, place: Place
) -> None:
    await made(azure, place)
    seen = await azure.look(look(place, place.network(), fresh=True))
    assert isinstance(seen.get(place.network()), Present)


async def test_a_reading_that_fails_is_not_an_absence(
    azure: EnteredSubscription, sim: Simulator, place: Place
) -> None:
    await made(azure, place)
    fault(sim, "error", verb="GET", count=0)
    seen = await azure.look(look(place, place.group, place.network(), place.network("b")))
    for resource in (place.network(), place.network("b")):
        assert not isinstance(seen.get(resource), Present | Absent)
