"""The guide's acceptance on real machines: its samples side by side, each act under load.

The clients' logs are what counts: how long nobody answered, and that never two nodes did.
"""

from collections.abc import Iterator

import pytest
from tests.netns.acceptance import acts, deeds, partition, plays, record, stage
from tests.netns.acceptance.plays import Plays, played
from tests.netns.acceptance.samples import Sample
from tests.netns.acceptance.stage import Cluster

from hacluster_local.environment import Environment

pytestmark = pytest.mark.timeout(2400)

NAMED = Sample(stem="named", file="azure-dns")
PUBLIC = Sample(stem="public", file="public-load-balancer")
GUIDED = Sample(stem="guided", file="internal-load-balancer", guided=True)
FLOATING = Sample(stem="floating", file="internal-load-balancer-dsr")


@pytest.fixture(scope="module")
def begun(environment: Environment) -> Iterator[Plays]:
    every = (play_named, play_public, play_guided, play_floating)
    with plays.begun(environment, *every) as those:
        yield those


def play_named(environment: Environment) -> Cluster:
    cluster = plays.named(environment, NAMED)
    record.leads_to(cluster, stage.serving(cluster))
    record.is_deleted(cluster)
    acts.lose_power_while_throttled(cluster)
    partition.lose_the_target(cluster, "genw1", deeds.without_arm)
    partition.lose_one_heartbeat(cluster)
    partition.lose_the_store(cluster)
    partition.cut_off_one_by_one(cluster)
    partition.cut_off_the_active(cluster)
    acts.freeze(cluster)
    return cluster


def play_public(environment: Environment) -> Cluster:
    cluster = plays.balanced(environment, PUBLIC, "internet")
    acts.climb_the_ladder(cluster)
    acts.kill_the_application(cluster)
    partition.lose_the_target(cluster, "genw1", deeds.without_arm)
    partition.lose_one_heartbeat(cluster)
    partition.lose_both_heartbeats(cluster)
    partition.lose_the_witness(cluster)
    partition.lose_the_store(cluster)
    partition.cut_off_one_by_one(cluster)
    partition.cut_off_the_active(cluster)
    acts.freeze(cluster)
    return cluster


def play_guided(environment: Environment) -> Cluster:
    cluster = plays.balanced(environment, GUIDED, f"vnet/{GUIDED.network}")
    assert cluster.says("SplitBrainSafe") == "False"
    acts.climb_the_ladder(cluster)
    partition.lose_the_target(cluster, "pingnp1", deeds.silence)
    partition.lose_one_heartbeat(cluster)
    partition.lose_the_store(cluster)
    partition.cut_off_the_active(cluster)
    acts.freeze_within_the_timeout(cluster)
    return cluster


def play_floating(environment: Environment) -> Cluster:
    cluster = plays.balanced(environment, FLOATING, f"vnet/{FLOATING.network}")
    acts.show_the_wire(cluster)
    acts.climb_the_ladder(cluster)
    acts.show_the_wire(cluster)
    partition.lose_the_target(cluster, "pingnp1", deeds.silence)
    partition.lose_both_heartbeats(cluster)
    partition.lose_the_store(cluster)
    partition.cut_off_one_by_one(cluster)
    partition.cut_off_the_active(cluster)
    acts.freeze(cluster)
    return cluster


def test_the_zones_name_servers_lead_to_the_active_node(begun: Plays) -> None:
    played(begun, play_named)


def test_a_public_balancer_leads_to_one_node_whatever_fails(begun: Plays) -> None:
    played(begun, play_public)


def test_with_floating_ip_a_node_sees_the_front_end_and_one_node_has_it(begun: Plays) -> None:
    played(begun, play_floating)


def test_an_internal_balancer_leads_to_one_node_in_the_guides_own_mode(begun: Plays) -> None:
    played(begun, play_guided)


def test_a_failover_needs_neither_operator_nor_api_server_nor_azure(
    environment: Environment, begun: Plays
) -> None:
    named, *others = (
        played(begun, play) for play in (play_named, play_public, play_floating, play_guided)
    )
    acts.left_alone(environment, losing_power=tuple(others), named=named)
