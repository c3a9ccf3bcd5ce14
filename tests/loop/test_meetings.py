"""Operations reach the nodes by the container and the keys that the operator has made for them."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.loop.test_nodes import serving, with_agents
from tests.loop.world import now

from hacluster.errors import ArmDenied, ArmUnavailable
from hacluster.model.parse import parse
from hacluster.plan.operations.words import Standing
from hacluster.reconcile.operations.mailbox import Mailbox, Notes
from hacluster.reconcile.operations.meetings import StoreMeetings
from hacluster_wire.documents import ORDERS, open_sealed
from hacluster_wire.orders import Order, parse_orders

pytestmark = [pytest.mark.looptime, pytest.mark.timeout(120)]


def clock() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=now())


async def test_what_the_nodes_say_is_read_and_what_they_are_to_do_is_signed_for_them() -> None:
    pair = with_agents()
    await serving(pair)
    made, guests = pair
    meeting = await StoreMeetings(made.azure, guests.vault).of(parse(made.kubernetes.body))
    mailbox = Mailbox(meeting, Notes(), clock())
    words = {word.node: word.groups for word in await mailbox.words()}
    assert sorted(words) == ["web-1", "web-2"]
    assert Standing.ACTIVE in words["web-1"].values()
    order = Order("id-1", "Stop", "web", until=clock().timestamp() + 60)
    assert await mailbox.post("web-2", [order])
    text = made.azure.blobs.blobs["orders/web-2"][0]
    ring = meeting.rings["web-2"]
    content = open_sealed(text, ring, ORDERS, meeting.cluster_id, "web-2").content
    assert parse_orders(content) == (order,)
    assert await mailbox.posted() == {"web-1": (), "web-2": (order,)}


async def test_what_another_writer_has_left_is_not_overwritten_unread() -> None:
    pair = with_agents()
    await serving(pair)
    made, guests = pair
    meeting = await StoreMeetings(made.azure, guests.vault).of(parse(made.kubernetes.body))
    one, other = (Mailbox(meeting, Notes(), clock()) for _ in range(2))
    orders = [Order(name, "Stop", "web", until=1.0) for name in ("a", "b")]
    assert await one.posted() == await other.posted()
    assert await one.post("web-1", orders[:1])
    assert not await other.post("web-1", orders[1:])
    assert await other.posted() == {"web-1": (orders[0],), "web-2": ()}


async def test_a_cluster_without_container_or_keys_is_not_there_yet() -> None:
    made, guests = with_agents()
    cluster = parse(made.kubernetes.body)
    with pytest.raises(ArmUnavailable, match="container is not there yet"):
        await StoreMeetings(made.azure, guests.vault).of(cluster)
    pair = with_agents()
    await serving(pair)
    made, guests = pair
    meetings = StoreMeetings(made.azure, guests.vault)
    (name,) = guests.vault.secrets
    secret = guests.vault.secrets.pop(name)
    with pytest.raises(ArmUnavailable, match="has no keys yet"):
        await meetings.of(cluster)
    guests.vault.secrets[name] = type(secret)(
        namespace=secret.namespace,
        name=secret.name,
        version=secret.version,
        data=secret.data,
        owner="another",
    )
    with pytest.raises(ArmDenied, match="does not belong"):
        await StoreMeetings(made.azure, guests.vault).of(cluster)
