"""Stories of real agents: what hurts them, and what a client of the probe sees of it.

After each, the fixture checks that the observer never saw two active nodes. That holds however
late a timer fires. What else a story tells holds only where timers fire in time, so a story that
fails while the machine itself stood still is told again.
"""

from __future__ import annotations

import functools
import signal
import time
import uuid
from typing import Any, Protocol

import pytest
from tests.netns.cluster import FASTEST, Cluster, overlaps, wait_for

from hacluster_wire.orders import Order

pytestmark = pytest.mark.timeout(900)
BOUND_S = 20.0  # The fastest profile takes about 5 s; the machine may be busy.
TOLD_AT_MOST = 4


class Story(Protocol):
    """A test of a cluster."""

    def __call__(self, cluster: Cluster, **values: Any) -> None: ...


def story(test: Any) -> Story:
    """Tell a story again if it failed and the machine stood still meanwhile."""

    @functools.wraps(test)
    def told(cluster: Cluster, **values: Any) -> None:
        for left in reversed(range(TOLD_AT_MOST)):
            moment = time.monotonic()
            try:
                cluster.heal()
                test(cluster, **values)
            except AssertionError:
                if not left or not cluster.world.stalled_since(moment):
                    raise
            else:
                return

    return told


def other(node: str) -> str:
    return "n2" if node == "n1" else "n1"


@story
def test_a_crash_moves_the_group(cluster: Cluster) -> None:
    first = cluster.wait_active()
    cluster.kill(first)
    cluster.wait_active(other(first), BOUND_S)


@story
def test_a_planned_move_goes_where_it_is_told(cluster: Cluster) -> None:
    first = cluster.wait_active()
    before = len(cluster.application())
    done = cluster.command(first, "move", "g", other(first))
    assert done.returncode == 0, done.stderr
    cluster.wait_active(other(first), BOUND_S)
    wait_for(lambda: cluster.application()[-1][0] == other(first), 3, "the application")
    assert overlaps(cluster.application()[before:]) == (0, 0.0)


@story
def test_an_order_from_the_store_moves_the_group_once(cluster: Cluster) -> None:
    """The agent that carried it out dies afterwards, and does not do it again."""
    first = cluster.wait_active()
    there, back = (uuid.uuid4().hex for _ in range(2))
    order = Order(there, "Move", "g", "", other(first), time.time() + 60)
    cluster.order(first, order)
    cluster.wait_active(other(first), BOUND_S)
    wait_for(lambda: cluster.result(first, there).startswith("Succeeded"), BOUND_S, "its end")
    cluster.order(other(first), Order(back, "Move", "g", "", first, time.time() + 60))
    cluster.wait_active(first, BOUND_S)
    cluster.kill(first)
    cluster.start_node(first)
    wait_for(lambda: cluster.hears_its_peer(first), BOUND_S, "the node is back")
    after = cluster.wait_active(within_s=2 * BOUND_S)
    assert cluster.result(first, there).startswith("Succeeded")
    time.sleep(4.0)  # It has read its orders again meanwhile.
    assert cluster.wait_active(within_s=2 * BOUND_S) == after


@pytest.mark.parametrize("seconds", [1, 6])
@story
def test_a_stopped_agent_is_fenced_by_its_guard(cluster: Cluster, seconds: int) -> None:
    """The agent alone is stopped: guard and application run on, and the guard must end them."""
    first = cluster.wait_active()
    before = len(cluster.application())
    cluster.agents[first].send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    if seconds > 4:
        last = cluster.application()[-1]
        assert last[0] == other(first) or time.monotonic() - last[2] > 0.5
    cluster.agents[first].send_signal(signal.SIGCONT)
    cluster.wait_active(within_s=BOUND_S)
    assert overlaps(cluster.application()[before:]) == (0, 0.0)


@story
def test_a_whole_node_that_stood_still_does_not_serve_when_it_wakes(cluster: Cluster) -> None:
    first = cluster.wait_active()
    cluster.processes_signal(first, signal.SIGSTOP)
    cluster.wait_active(other(first), BOUND_S)
    cluster.processes_signal(first, signal.SIGCONT)
    time.sleep(1.5)
    assert cluster.active() == other(first)
    assert cluster.application()[-1][0] == other(first)


@story
def test_a_node_that_wakes_beside_a_guard_that_hangs_fences_within_s(cluster: Cluster) -> None:
    """The agent knows that its deadline has passed, and does not wait for its guard in vain."""
    first = cluster.wait_active()
    before = len(cluster.application())
    cluster.processes_signal(first, signal.SIGSTOP)
    cluster.wait_active(other(first), BOUND_S)
    wait_for(lambda: cluster.application()[-1][0] == other(first), BOUND_S, "the application")
    guard = cluster.guards[first].pid
    cluster.processes_signal(first, signal.SIGCONT, but=guard)
    moment = time.monotonic()
    time.sleep(4)
    late = [t for node, _, t in cluster.application()[before:] if node == first and t > moment]
    assert max(late, default=moment) - moment < FASTEST["fenceSeconds"]
    assert cluster.active() == other(first)


@story
def test_lost_heartbeats_alone_move_nothing(cluster: Cluster) -> None:
    first = cluster.wait_active()
    moment = time.monotonic()
    cluster.world.cut(first, other(first))
    time.sleep(2.5)
    cluster.world.cut_both("n1", "n2")
    time.sleep(2.5)
    assert {a.node for a in cluster.answers() if a.sent > moment} == {first}
    assert cluster.active() == first


@story
def test_the_active_node_cut_off_from_witness_and_peer_gives_way(cluster: Cluster) -> None:
    first = cluster.wait_active()
    before = len(cluster.application())
    cluster.world.cut_both(first, "store")
    cluster.world.cut_both(first, other(first))
    cluster.wait_active(other(first), BOUND_S)
    cluster.world.reset_links()
    time.sleep(1)
    assert cluster.active() == other(first)
    assert overlaps(cluster.application()[before:]) == (0, 0.0)


@story
def test_answers_of_the_witness_lost_are_never_taken_for_success(cluster: Cluster) -> None:
    """Requests arrive and are applied, answers are lost, and the peer cannot vouch either."""
    first = cluster.wait_active()
    cluster.world.cut("store", first)
    cluster.world.cut_both("n1", "n2")
    wait_for(lambda: cluster.active() != first, BOUND_S, "the holder to stop")
    cluster.wait_active(other(first), 2 * BOUND_S)


@story
def test_with_the_witness_away_the_service_stays_while_the_peer_answers(cluster: Cluster) -> None:
    first = cluster.wait_active()
    time.sleep(1)
    moment = time.monotonic()
    for place in ("n1", "n2"):
        cluster.world.cut_both(place, "store")
    time.sleep(5)
    assert {a.node for a in cluster.answers() if a.sent > moment} == {first}
    assert cluster.active() == first
    cluster.world.cut_both("n1", "n2")
    wait_for(lambda: cluster.active() is None, BOUND_S, "the holder to stop")


@story
def test_a_third_of_all_packets_lost_leaves_one_active_node(cluster: Cluster) -> None:
    for place in ("n1", "n2"):
        cluster.world.cut_both(place, "store", 30)
    cluster.world.cut_both("n1", "n2", 30)
    time.sleep(4)
    cluster.world.reset_links()
    cluster.wait_active(within_s=2 * BOUND_S)


@story
def test_a_stop_script_that_hangs_does_not_hold_up_a_move_for_ever(cluster: Cluster) -> None:
    first = cluster.wait_active()
    (cluster.directory / "hang").touch()
    assert cluster.command(first, "move", "g", other(first)).returncode == 0
    cluster.wait_active(other(first), 2 * BOUND_S)


@story
def test_a_killed_guard_takes_the_service_down_with_it(cluster: Cluster) -> None:
    first = cluster.wait_active()
    cluster.guards[first].kill()
    cluster.wait_active(other(first), BOUND_S)


@story
def test_status_is_read_by_people_and_programs(cluster: Cluster) -> None:
    first = cluster.wait_active()
    status = cluster.status(first)
    assert [group["standing"] for group in status["groups"]] == ["Active"]
    assert status["sentence"].startswith(f"{first}: g is active at epoch")
    table = cluster.command(first, "status").stdout
    assert max(len(line) for line in table.splitlines()) <= 48
    assert "Active" in table
    refused = cluster.command(first, "move", "nothing")
    assert refused.returncode == 1
    assert "HAN-U03" in refused.stderr
    assert "remedy" in refused.stderr


@story
def test_a_bad_configuration_leaves_the_good_one_in_force(cluster: Cluster) -> None:
    first = cluster.wait_active()
    moment = time.monotonic()
    good = cluster.status(first)["configuration"]
    cluster.configure({"partition": {"graceSeconds": "long"}})
    wait_for(
        lambda: "graceSeconds" in cluster.status(first)["configurationRefused"],
        15,
        "the refusal to be told",
    )
    assert cluster.status(first)["configuration"] == good
    cluster.configure({"partition": {"graceSeconds": 31}})
    wait_for(lambda: cluster.status(first)["configuration"] != good, 15, "the new configuration")
    assert cluster.status(first)["configurationRefused"] == ""
    assert {a.node for a in cluster.answers() if a.sent > moment} == {first}
