"""Plays side by side: each cluster plays its acts in a thread of its own."""

import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from tests.netns.acceptance import stage
from tests.netns.acceptance.samples import Sample
from tests.netns.acceptance.stage import Cluster

from hacluster_local.environment import Environment

Play = Callable[[Environment], Cluster]
Plays = dict[Play, Future[Cluster]]


@contextmanager
def begun(environment: Environment, *every: Play) -> Iterator[Plays]:
    """Begin plays, and wait for their end."""
    with ThreadPoolExecutor(len(every)) as pool:
        yield {play: pool.submit(_watched, play, environment) for play in every}


def played(plays: Plays, play: Play) -> Cluster:
    """Return the cluster of a play that went well to its end."""
    cluster = plays[play].result()
    cluster.judge()
    return cluster


def named(environment: Environment, sample: Sample) -> Cluster:
    """Apply a sample that clients reach by name, and send them."""
    cluster = stage.apply(environment, sample)
    name = cluster.status()["endpoints"][0]["fqdn"]
    stage.send_clients(cluster, f"http://{name}", f"vnet/{sample.network}")
    return cluster


def balanced(environment: Environment, sample: Sample, place: str) -> Cluster:
    """Apply a sample that clients reach through a balancer, and send them."""
    cluster = stage.apply(environment, sample)
    front = cluster.status()["endpoints"][0]["address"]
    stage.send_clients(cluster, f"http://{front}", place)
    return cluster


def _watched(play: Play, environment: Environment) -> Cluster:
    """Say at once what went wrong: the others play on for minutes."""
    try:
        return play(environment)
    except Exception:
        sys.stderr.write(f"{play.__name__}: {traceback.format_exc()}\n")
        raise
