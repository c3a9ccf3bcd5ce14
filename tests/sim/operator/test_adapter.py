import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from tests.sim.operator.conftest import Calls, KeptSecrets, account
from tests.sim.simulator import Simulator

from hacluster.arm.door import AzureDoor, EnteredSubscription
from hacluster.errors import ArmDenied, ArmUnavailable
from hacluster.model.ids import ArmId
from hacluster.model.observed import Absent, Present
from hacluster.model.reasons import Reason
from hacluster.plan.steps import Delete, Put
from hacluster.reconcile.ports import Done, Failed, Look, Lost, Outcome, Started

PERIOD = timedelta(seconds=60)
OWNER = "team/web"


@dataclass(frozen=True)
class Place:
    """Ids in a group of the simulator's subscription."""

    sim: Simulator
    name: str = "web-ha"

    @property
    def group(self) -> ArmId:
        return ArmId(f"{self.sim.subscription}/resourceGroups/{self.name}")

    def network(self, name: str = "vnet") -> ArmId:
        return ArmId(f"{self.group}/providers/Microsoft.Network/virtualNetworks/{name}")

    def subnet(self, name: str = "nodes") -> ArmId:
        return ArmId(f"{self.network()}/subnets/{name}")


def look(place: Place, *ids: ArmId, fresh: bool = False, members: bool = False) -> Look:
    return Look(
        ids=frozenset(ids),
        group=place.group,
        owner=OWNER,
        period=PERIOD,
        fresh=frozenset(ids) if fresh else frozenset(),
        members=members,
    )


def group_body() -> dict[str, Any]:
    return {"location": "eastus", "tags": {"hacluster-owner": OWNER}}


def network_body(prefix: str = "10.6.0.0/24") -> dict[str, Any]:
    subnet = {"name": "nodes", "properties": {"addressPrefix": prefix}}
    return {
        "location": "eastus",
        "tags": {"hacluster-owner": OWNER},
        "properties": {"addressSpace": {"addressPrefixes": [prefix]}, "subnets": [subnet]},
    }


def put(resource: ArmId, body: dict[str, Any], etag: str | None = None) -> Put:
    return Put(id=resource, body=body, etag=etag, why="the test wants it", creates=etag is None)


async def settled(azure: EnteredSubscription, place: Place, resource: ArmId) -> Present:
    for _ in range(100):
        seen = (await azure.look(look(place, resource, fresh=True))).get(resource)
        if isinstance(seen, Present) and seen.is_settled:
            return seen
        await asyncio.sleep(0.02)
    raise AssertionError(f"{resource} did not settle")


async def made(azure: EnteredSubscription, place: Place) -> Present:
    group = await azure.apply(put(place.group, group_body()))
    assert isinstance(group, Done)
    network = await azure.apply(put(place.network(), network_body()))
    assert isinstance(network, Done | Started)
    return await settled(azure, place, place.network())


async def test_what_is_not_there_is_absent(azure: EnteredSubscription, sim: Simulator) -> None:
    place = Place(sim)
    snapshot = await azure.look(look(place, place.group, place.network(), place.subnet()))
    for resource in (place.group, place.network(), place.subnet()):
        assert isinstance(snapshot.get(resource), Absent)


async def test_what_was_made_is_seen_with_its_etag(
    azure: EnteredSubscription, sim: Simulator
) -> None:
    place = Place(sim)
    network = await made(azure, place)
    assert network.etag
    snapshot = await azure.look(look(place, place.network(), place.subnet()))
    subnet = snapshot.get(place.subnet())
    assert isinstance(subnet, Present)
    assert subnet.properties["addressPrefix"] == "10.6.0.0/24"
    assert subnet.etag


async def test_a_write_of_something_changed_meanwhile_is_lost(
    azure: EnteredSubscription, sim: Simulator
) -> None:
    place = Place(sim)
    network = await made(azure, place)
    stale = network.etag
    body = network_body() | {"tags": {"hacluster-owner": OWNER, "n": "1"}}
    assert isinstance(await azure.apply(put(place.network(), body, stale)), Done | Started)
    await settled(azure, place, place.network())
    outcome = await azure.apply(put(place.network(), network_body(), stale))
    assert isinstance(outcome, Lost)
    now = await settled(azure, place, place.network())
    assert now.tags["n"] == "1"


async def test_a_creation_never_overwrites(azure: EnteredSubscription, sim: Simulator) -> None:
    place = Place(sim)
    await made(azure, place)
    outcome = await azure.apply(put(place.network(), network_body("10.9.0.0/24")))
    assert isinstance(outcome, Lost)
    now = await settled(azure, place, place.network())
    assert now.properties["addressSpace"]["addressPrefixes"] == ["10.6.0.0/24"]


async def test_own_writes_are_seen_at_once(azure: EnteredSubscription, sim: Simulator) -> None:
    place = Place(sim)
    wanted = look(place, place.group, place.network())
    assert isinstance((await azure.look(wanted)).get(place.group), Absent)
    await azure.apply(put(place.group, group_body()))
    assert isinstance((await azure.look(wanted)).get(place.group), Present)


async def test_what_carries_the_owner_tag_is_found_without_being_named(
    azure: EnteredSubscription, sim: Simulator
) -> None:
    place = Place(sim)
    await made(azure, place)
    await azure.apply(put(place.network("other"), network_body("10.7.0.0/24")))
    await settled(azure, place, place.network("other"))
    wanted = look(place, place.group, place.network("a"), place.network("b"))
    found = {present.id.rpartition("/")[2] for present in (await azure.look(wanted)).present()}
    assert {"vnet", "other"} <= found


async def test_members_are_all_that_is_in_the_group(
    azure: EnteredSubscription, sim: Simulator
) -> None:
    place = Place(sim)
    await made(azure, place)
    snapshot = await azure.look(look(place, place.group, members=True))
    listing = snapshot.listing(place.group)
    assert listing is not None
    assert [each.rpartition("/")[2] for each in listing] == ["vnet"]


async def test_a_deletion_of_something_absent_is_done(
    azure: EnteredSubscription, sim: Simulator
) -> None:
    place = Place(sim)
    await made(azure, place)
    gone = Delete(id=place.network("never"), etag=None, why="the test says so")
    assert isinstance(await azure.apply(gone), Done)
    deleted = Delete(id=place.network(), etag=None, why="the test says so")
    assert isinstance(await azure.apply(deleted), Done | Started)


async def test_a_body_that_azure_refuses_fails_with_azures_words(
    azure: EnteredSubscription, sim: Simulator
) -> None:
    place = Place(sim)
    await azure.apply(put(place.group, group_body()))
    outcome = await azure.apply(put(place.network(), network_body("no prefix")))
    error = error_of(outcome)
    assert error.reason is Reason.REJECTED
    assert "PUT" in str(error)
    assert place.network() in str(error)


async def test_a_wrong_secret_is_told_and_heals_when_it_is_corrected(
    door: AzureDoor, sim: Simulator, secrets: KeptSecrets
) -> None:
    place = Place(sim)
    keys = {"AZURE_TENANT_ID": sim.ready["tenantId"], "AZURE_CLIENT_ID": sim.ready["clientId"]}
    with pytest.raises(ArmDenied) as missing:
        await door.enter(account(sim, "creds"))
    assert missing.value.reason is Reason.SECRET_MISSING
    secrets.put("creds", **keys)
    with pytest.raises(ArmDenied) as incomplete:
        await door.enter(account(sim, "creds"))
    assert incomplete.value.reason is Reason.SECRET_MISSING
    secrets.put("creds", **keys, AZURE_CLIENT_SECRET="not-the-one")
    azure = await door.enter(account(sim, "creds"))
    with pytest.raises(ArmDenied) as refused:
        await azure.look(look(place, place.group))
    assert refused.value.reason is Reason.UNAUTHENTICATED
    assert "not-the-one" not in str(refused.value)
    secrets.put("creds", **keys, AZURE_CLIENT_SECRET=sim.ready["clientSecret"])
    azure = await door.enter(account(sim, "creds"))
    assert isinstance((await azure.look(look(place, place.group))).get(place.group), Absent)


async def test_an_azure_that_is_away_is_unreachable_and_comes_back(
    azure: EnteredSubscription, sim: Simulator
) -> None:
    place = Place(sim)
    await made(azure, place)
    sim.kill()
    with pytest.raises(ArmUnavailable):
        await azure.look(look(place, place.group, fresh=True))
    outcome = await azure.apply(put(place.group, group_body()))
    assert error_of(outcome).reason is Reason.AZURE_UNREACHABLE
    sim.start()
    again = await azure.look(look(place, place.group, fresh=True))
    assert isinstance(again.get(place.group), Present)


async def test_clusters_of_a_subscription_share_their_readings(
    azure: EnteredSubscription, sim: Simulator, calls: Calls
) -> None:
    places = [Place(sim, f"group-{number}") for number in range(40)]
    for place in places:
        await azure.apply(put(place.group, group_body()))

    async def all_look() -> int:
        before = calls.reads
        for place in places:
            owner = f"team/{place.name}"
            wanted = Look(
                ids=frozenset({place.group, place.network(), place.subnet()}),
                group=place.group,
                owner=owner,
                period=PERIOD,
            )
            seen = await azure.look(wanted)
            assert isinstance(seen.get(place.group), Present)
        return calls.reads - before

    await all_look()
    assert await all_look() <= 0.2 * len(places)


def error_of(outcome: Outcome) -> Any:
    assert isinstance(outcome, Failed)
    return outcome.error
