"""The guide's acceptance on real machines: its samples side by side, each act under load.

Each cluster plays its acts in a thread of its own; a test waits for one of the plays. The clients'
logs are what counts: how long nobody answered, and that never two nodes did.
"""

import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from tests.netns.acceptance import acts, record, stage
from tests.netns.acceptance.samples import Sample
from tests.netns.acceptance.stage import Cluster

from hacluster_local.environment import Environment

pytestmark = pytest.mark.timeout(2400)

NAMED = Sample(stem="named", file="azure-dns")
PUBLIC = Sample(stem="public", file="public-load-balancer")
GUIDED = Sample(stem="guided", file="internal-load-balancer", guided=True)
FLOATING = Sample(stem="floating", file="internal-load-balancer-dsr")
Play = Callable[[Environment], Cluster]
Plays = dict[str, Future[Cluster]]


@pytest.fixture(scope="module")
def environment(
    real_machines: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    with stage.up(tmp_path_factory.mktemp("acceptance") / "home") as made:
        yield made


@pytest.fixture(scope="module")
def plays(environment: Environment) -> Iterator[Plays]:
    every = (play_named, play_public, play_guided, play_floating)
    with ThreadPoolExecutor(len(every)) as pool:
        yield {play.__name__: pool.submit(watched, play, environment) for play in every}


def watched(play: Play, environment: Environment) -> Cluster:
    """Say at once what went wrong: the others play on for minutes."""
    try:
        return play(environment)
    except Exception:
        sys.stderr.write(f"{play.__name__}: {traceback.format_exc()}\n")
        raise


def play_named(environment: Environment) -> Cluster:
    cluster = stage.apply(environment, NAMED)
    name = cluster.status()["endpoints"][0]["fqdn"]
    stage.send_clients(cluster, f"http://{name}", f"vnet/{NAMED.network}")
    record.leads_to(cluster, stage.serving(cluster))
    record.is_deleted(cluster)
    acts.lose_power(cluster)
    return cluster


def play_public(environment: Environment) -> Cluster:
    cluster = balanced(environment, PUBLIC, "internet")
    acts.climb_the_ladder(cluster)
    acts.kill_the_application(cluster)
    acts.lose_heartbeats(cluster)
    acts.lose_the_store(cluster)
    acts.cut_off_both(cluster)
    return cluster


def play_guided(environment: Environment) -> Cluster:
    cluster = balanced(environment, GUIDED, f"vnet/{GUIDED.network}")
    assert cluster.says("SplitBrainSafe") == "False"
    acts.climb_the_ladder(cluster)
    acts.lose_the_target(cluster)
    acts.cut_off_the_active(cluster)
    return cluster


def play_floating(environment: Environment) -> Cluster:
    cluster = balanced(environment, FLOATING, f"vnet/{FLOATING.network}")
    acts.show_the_wire(cluster)
    acts.freeze(cluster)
    acts.cut_off_the_standby(cluster)
    acts.cut_off_the_active(cluster)
    return cluster


def balanced(environment: Environment, sample: Sample, place: str) -> Cluster:
    cluster = stage.apply(environment, sample)
    front = cluster.status()["endpoints"][0]["address"]
    stage.send_clients(cluster, f"http://{front}", place)
    return cluster


def played(plays: Plays, play: Play) -> Cluster:
    cluster = plays[play.__name__].result()
    cluster.judge()
    return cluster


def test_the_zones_name_servers_lead_to_the_active_node(plays: Plays) -> None:
    played(plays, play_named)


def test_a_public_balancer_leads_to_one_node_whatever_fails(plays: Plays) -> None:
    played(plays, play_public)


def test_an_internal_balancer_leads_to_one_node_in_the_guides_own_mode(plays: Plays) -> None:
    played(plays, play_guided)


def test_with_floating_ip_a_node_sees_the_front_end_and_one_node_has_it(plays: Plays) -> None:
    played(plays, play_floating)
