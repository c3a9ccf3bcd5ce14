"""The guide's acceptance with the guide's own numbers: no witness, nothing looked at more often.

It takes ten minutes, and is left to `make test-guide`.
"""

from collections.abc import Iterator

import pytest
from tests.netns.acceptance import acts, plays, record
from tests.netns.acceptance.plays import Plays, played
from tests.netns.acceptance.samples import Sample
from tests.netns.acceptance.stage import Cluster

from hacluster_local.environment import Environment

pytestmark = [pytest.mark.long, pytest.mark.timeout(2400)]

NAMED = Sample(stem="named", file="azure-dns", guided=True, hurried=False)
PUBLIC = Sample(stem="public", file="public-load-balancer", guided=True, hurried=False)


@pytest.fixture(scope="module")
def begun(environment: Environment) -> Iterator[Plays]:
    with plays.begun(environment, play_named, play_public) as those:
        yield those


def play_named(environment: Environment) -> Cluster:
    cluster = plays.named(environment, NAMED)
    record.is_deleted(cluster)
    acts.shut_down_by_itself(cluster)
    return cluster


def play_public(environment: Environment) -> Cluster:
    cluster = plays.balanced(environment, PUBLIC, "internet")
    acts.climb_the_ladder(cluster)
    return cluster


def test_a_record_that_was_deleted_moves_the_group_and_a_cut_off_node_shuts_down(
    begun: Plays,
) -> None:
    played(begun, play_named)


def test_a_failing_probe_port_climbs_the_ladder_at_the_guides_pace(begun: Plays) -> None:
    played(begun, play_public)
