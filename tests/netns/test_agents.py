"""Stories of real agents: what hurts them, and what a client of the probe sees of it.

`running` checks at the end of each that the observer never saw two active nodes, and that the
application never ran on a node after it had run on the next one.
"""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest
from tests.netns.cluster import Cluster, running, wait_for

if TYPE_CHECKING:
    from tests.netns.world import World

pytestmark = pytest.mark.timeout(90)
BOUND_S = 12.0  # The fastest profile takes about 5 s; the machine may be busy.


def other(node: str) -> str:
    return "n2" if node == "n1" else "n1"


def test_a_crash_moves_the_group_and_a_planned_move_brings_it_back(net: World) -> None:
    with running(net, "crash") as cluster:
        first = cluster.wait_active()
        cluster.kill(first)
        cluster.wait_active(other(first), BOUND_S)
        cluster.start_node(first)
        wait_for(lambda: cluster.hears_its_peer(first), BOUND_S, "the peer's heartbeat")
        done = cluster.command(other(first), "move", "g", first)
        assert done.returncode == 0, done.stderr
        cluster.wait_active(first, BOUND_S)
        assert {epoch for _, epoch, _ in cluster.application()} == {1, 2, 3}


@pytest.mark.parametrize("seconds", [1, 8])
def test_a_stopped_agent_is_fenced_by_its_guard(net: World, seconds: int) -> None:
    """The agent alone is stopped: guard and application run on, and the guard must end them."""
    with running(net, f"stop{seconds}") as cluster:
        first = cluster.wait_active()
        cluster.agents[first].send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        if seconds > 4:
            last = cluster.application()[-1]
            assert last[0] == other(first) or time.monotonic() - last[2] > 0.5
        cluster.agents[first].send_signal(signal.SIGCONT)
        cluster.wait_active(within_s=BOUND_S)


def test_a_whole_node_that_stood_still_does_not_serve_when_it_wakes(net: World) -> None:
    with running(net, "frozen") as cluster:
        first = cluster.wait_active()
        cluster.processes_signal(first, signal.SIGSTOP)
        cluster.wait_active(other(first), BOUND_S)
        cluster.processes_signal(first, signal.SIGCONT)
        time.sleep(2)
        assert cluster.active() == other(first)


def test_lost_heartbeats_alone_move_nothing(net: World) -> None:
    with running(net, "beats") as cluster:
        first = cluster.wait_active()
        net.cut(first, other(first))
        time.sleep(4)
        net.cut_both("n1", "n2")
        time.sleep(4)
        assert {answer.node for answer in cluster.answers()} == {first}
        assert cluster.active() == first


def test_the_active_node_cut_off_from_witness_and_peer_gives_way(net: World) -> None:
    with running(net, "cutoff") as cluster:
        first = cluster.wait_active()
        net.cut_both(first, "store")
        net.cut_both(first, other(first))
        cluster.wait_active(other(first), BOUND_S)
        net.reset_links()
        time.sleep(1)
        assert cluster.active() == other(first)


def test_one_way_to_the_witness_cut_is_as_good_as_cut(net: World) -> None:
    """Requests arrive and are applied, answers are lost: never taken for success."""
    with running(net, "oneway", partition={"failsafe": False}) as cluster:
        first = cluster.wait_active()
        net.cut("store", first)
        wait_for(lambda: cluster.active() != first, BOUND_S, "the holder to stop")
        cluster.wait_active(other(first), 2 * BOUND_S)


def test_with_the_witness_away_the_service_stays_while_the_peer_answers(net: World) -> None:
    with running(net, "failsafe") as cluster:
        first = cluster.wait_active()
        time.sleep(1)
        net.cut_both("n1", "store")
        net.cut_both("n2", "store")
        time.sleep(8)
        assert cluster.active() == first
        assert {answer.node for answer in cluster.answers()} == {first}
        net.cut_both("n1", "n2")
        wait_for(lambda: cluster.active() is None, BOUND_S, "the holder to stop")


def test_a_third_of_all_packets_lost_leaves_one_active_node(net: World) -> None:
    with running(net, "loss") as cluster:
        cluster.wait_active()
        for place in ("n1", "n2"):
            net.cut_both(place, "store", 30)
        net.cut_both("n1", "n2", 30)
        time.sleep(8)
        net.reset_links()
        cluster.wait_active(within_s=2 * BOUND_S)


def test_a_stop_script_that_hangs_does_not_hold_up_a_move_for_ever(net: World) -> None:
    hangs = "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n"
    with running(net, "hangs", stop=hangs) as cluster:
        first = cluster.wait_active()
        assert cluster.command(first, "move", "g", other(first)).returncode == 0
        cluster.wait_active(other(first), 2 * BOUND_S)


def test_a_killed_guard_takes_the_service_down_with_it(net: World) -> None:
    with running(net, "guardless") as cluster:
        first = cluster.wait_active()
        cluster.guards[first].kill()
        cluster.wait_active(other(first), BOUND_S)


def test_status_is_read_by_people_and_programs(net: World) -> None:
    with running(net, "status") as cluster:
        first = cluster.wait_active()
        status = cluster.status(first)
        assert status["splitBrainSafe"] is True
        assert [group["state"] for group in status["groups"]] == ["Online"]
        table = cluster.command(first, "status").stdout
        assert max(len(line) for line in table.splitlines()) <= 48
        assert "Online" in table
        refused = cluster.command(first, "move", "nothing")
        assert refused.returncode == 1
        assert "HAN-U03" in refused.stderr
        assert "remedy" in refused.stderr


def test_a_bad_configuration_leaves_the_good_one_in_force(net: World) -> None:
    with running(net, "badconfig") as cluster:
        first = cluster.wait_active()
        cluster.configure({"partition": {"graceSeconds": "long"}})
        wait_for(
            lambda: "graceSeconds" in cluster.status(first)["configurationRefused"],
            15,
            "the refusal to be told",
        )
        assert cluster.active() == first
        assert cluster.status(first)["configuration"] == "1"
        change(cluster, first)
        assert {answer.node for answer in cluster.answers()} == {first}


def change(cluster: Cluster, node: str) -> None:
    cluster.configure({"partition": {"graceSeconds": 31}})
    wait_for(lambda: cluster.status(node)["configuration"] == "3", 15, "the new configuration")
