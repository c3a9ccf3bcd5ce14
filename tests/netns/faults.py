"""The ways to hurt a cluster, one function each; a story or a soak run picks among them."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tests.netns.cluster import Cluster


def other(node: str) -> str:
    return "n2" if node == "n1" else "n1"


def crash(cluster: Cluster, node: str, dice: random.Random) -> None:
    cluster.kill(node)
    time.sleep(dice.uniform(0, 8))


def kill_agent(cluster: Cluster, node: str, dice: random.Random) -> None:
    cluster.agents[node].kill()
    time.sleep(dice.uniform(0, 8))


def kill_guard(cluster: Cluster, node: str, dice: random.Random) -> None:
    cluster.guards[node].kill()
    time.sleep(dice.uniform(0, 8))


def stop_agent(cluster: Cluster, node: str, dice: random.Random) -> None:
    _stop_for(cluster.agents[node].send_signal, dice.uniform(1, 12))


def stop_guard(cluster: Cluster, node: str, dice: random.Random) -> None:
    _stop_for(cluster.guards[node].send_signal, dice.uniform(1, 12))


def freeze(cluster: Cluster, node: str, dice: random.Random) -> None:
    seconds = 60.0 if dice.random() < 0.03 else dice.uniform(1, 12)
    _stop_for(lambda number: cluster.processes_signal(node, number), seconds)


def cut_peer(cluster: Cluster, node: str, dice: random.Random) -> None:
    _cut(cluster, (node, other(node)), dice)


def cut_witness(cluster: Cluster, node: str, dice: random.Random) -> None:
    _cut(cluster, (node, "store"), dice)


def cut_off(cluster: Cluster, node: str, dice: random.Random) -> None:
    cluster.world.cut_both(node, other(node))
    _cut(cluster, (node, "store"), dice)


def witness_down(cluster: Cluster, node: str, dice: random.Random) -> None:
    cluster.world.cut_both(other(node), "store")
    cluster.world.cut_both(node, "store")
    time.sleep(dice.uniform(2, 12))


def loss(cluster: Cluster, node: str, dice: random.Random) -> None:
    cluster.world.cut_both("n1", "n2", 30)
    for place in ("n1", "n2"):
        cluster.world.cut_both(place, "store", 30)
    time.sleep(dice.uniform(4, 12))


def move(cluster: Cluster, node: str, dice: random.Random) -> None:
    cluster.command(node, "move", "g", other(node))
    time.sleep(dice.uniform(0, 2))


def hung_stop(cluster: Cluster, node: str, dice: random.Random) -> None:
    (cluster.directory / "hang").touch()
    cluster.command(node, "move", "g", other(node))
    time.sleep(dice.uniform(3, 8))


FAULTS: dict[str, Callable[[Cluster, str, random.Random], None]] = {
    fault.__name__: fault
    for fault in (
        crash, kill_agent, kill_guard, stop_agent, stop_guard, freeze, cut_peer, cut_witness,
        cut_off, witness_down, loss, move, hung_stop,
    )
}  # fmt: skip


def _stop_for(send: Callable[[int], None], seconds: float) -> None:
    send(signal.SIGSTOP)
    time.sleep(seconds)
    send(signal.SIGCONT)


def _cut(cluster: Cluster, pair: tuple[str, str], dice: random.Random) -> None:
    one, two = pair
    ways = dice.choice(["there", "back", "both"])
    if ways != "back":
        cluster.world.cut(one, two)
    if ways != "there":
        cluster.world.cut(two, one)
    time.sleep(dice.uniform(2, 12))
