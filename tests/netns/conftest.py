"""One world for all tests of this level; each test has a cluster, and so a witness, of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.netns.cluster import Cluster, overlaps, running, violations
from tests.netns.world import World, why_not, world
from tests.prerequisites import require

from hacluster_local.controlplane import binaries
from hacluster_local.setup import machine_base
from hacluster_local.store import install

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def real_machines() -> None:
    """All that an environment with real machines needs."""
    require(binaries.find(), "kube-apiserver", "`make setup` builds it")
    require(install.find(), "Azurite", "`make setup` installs it")
    require(not machine_base.why_not(), "What real machines need", "run as root on Debian")


@pytest.fixture(scope="session")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world, or a skip with the reason where none can be made; in CI that is a failure."""
    why = why_not()
    if why and os.environ.get("CI"):
        pytest.fail(why)
    if why:
        pytest.skip(why)
    with world(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture(scope="session")
def started(net: World) -> Iterator[Cluster]:
    """Two agents that run as long as the tests of this level do."""
    with running(net, "cluster") as cluster:
        yield cluster


@pytest.fixture
def cluster(started: Cluster) -> Iterator[Cluster]:
    """The cluster; after each story, at no time were two nodes active.

    The application may run on beside a newer one only where a whole machine stood still for
    longer than the profile allows for, and then for less than the fence time of one second.
    """
    begun = len(started.application())
    yield started
    assert violations(started.answers()) == [], started.logs()
    assert overlaps(started.application()[begun:])[1] < 1.0, started.logs()
