"""Flows that nobody speaks on: forgotten, and both ends told where a rule says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.netns.fabric.balancer import FRONT, cluster, internal
from tests.netns.fabric.lab import SILENCE_S, call, carry, echo, group, started, wait_for, who

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.netns.fabric.lab import Site

pytestmark = pytest.mark.timeout(300)  # other work may stall the machine


RESETS = {"frontendPort": 81, "backendPort": 81, "enableTcpReset": True}


@pytest.fixture(scope="module")
def hasty(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site where the shortest idle time-out, 4 minutes, takes 2 seconds."""
    with started(tmp_path_factory.mktemp("hasty"), minute_s=0.5) as made:
        yield made


@pytest.mark.parametrize("floating", [False, True], ids=["translated", "floating"])
def test_both_ends_of_an_idle_flow_are_reset(hasty: Site, *, floating: bool) -> None:
    with group(hasty, f"idle-{floating}") as lab:
        rule = {"enableTcpReset": True, "enableFloatingIP": floating}
        nodes = cluster(lab, internal(lab), rule, "one")
        carry(nodes["one"][0], FRONT)
        wait_for(lambda: who(lab.client, FRONT) == "one", "a flow to the node")
        before = len(lab.servers[0].resets)
        with call(lab.client, FRONT) as flow:
            assert flow.recv(100)
            with pytest.raises(ConnectionResetError):
                flow.recv(100)
        wait_for(lambda: len(lab.servers[0].resets) == before + 1, "a reset at the node")


def test_without_the_reset_nobody_is_told(hasty: Site) -> None:
    with group(hasty, "untold") as lab:
        nodes = cluster(lab, internal(lab), {"enableTcpReset": False}, "one", more=RESETS)
        lab.serve(nodes["one"][0], "beside", 81)
        wait_for(lambda: who(lab.client, FRONT, 81) == "beside", "a flow to the node")
        with call(lab.client, FRONT) as untold, call(lab.client, FRONT, 81) as told:
            assert untold.recv(100)
            assert told.recv(100)
            with pytest.raises(ConnectionResetError):
                told.recv(100)
            assert not echo(untold, SILENCE_S)
