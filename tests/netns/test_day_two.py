"""Day-two changes on real machines, each under two clients' load and judged by their logs.

One environment, one cluster (the shortest sample), one change after another.
"""

import os
import select
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from tests.netns.acceptance import deeds, stage
from tests.netns.acceptance.samples import APPLICATION, PROGRAM, SERVES, Sample
from tests.netns.acceptance.stage import Cluster, until, until_well

from hacluster_local import operator_process, processes, shell
from hacluster_local.arm import RESOURCES_VERSION, Arm
from hacluster_local.demo import answers, failover, story
from hacluster_local.environment import Environment
from hacluster_local.setup.checkout import SOURCES

pytestmark = pytest.mark.timeout(1500)
WEB: Final = Sample(stem="web", file="minimal")
THIRD: Final = {"name": "web-3", "privateIPAddress": "10.6.0.12", "zone": "3"}
NOBODY: Final = "10.6.0.99"
"""No machine has this address, so a monitor of it becomes abnormal."""
BUSY_S: Final = 30
"""How long a machine that does much else may hold a client up, in seconds."""
SHIPPED: Final = ("hacluster_node", "hacluster_wire")


@pytest.fixture(scope="module")
def cluster(real_machines: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with stage.up(tmp_path_factory.mktemp("daytwo") / "home") as made:
        found = Cluster(sample=WEB, environment=made, manifest=manifest(made))
        apply(found)
        until("Ready", found.is_well, found, stage.READY_WITHIN_S)
        front = found.manifest["spec"]["access"]["loadBalancer"]["frontend"]
        stage.send_clients(found, f"http://{front['privateIPAddress']}", "vnet")
        yield found


def manifest(made: Environment) -> dict[str, Any]:
    """Return the shortest sample as the demo has it, with an application that tells who answers."""
    sample = failover.adapted(story.adapted(failover.SAMPLE, made.azure.subscription_id))
    sample["spec"]["management"]["syncIntervalSeconds"] = 10
    configuration = sample["spec"]["cluster"]["nodeConfiguration"]
    (unit,) = configuration["files"]
    unit["content"] = SERVES.sub(rf"\1\2 {PROGRAM} \3", unit["content"])
    program = {"path": PROGRAM, "content": APPLICATION.read_text()}
    configuration["files"] = [program, unit]
    return sample


def apply(cluster: Cluster) -> None:
    cluster.environment.kubectl.run("apply", "-f", "-", stdin=yaml.safe_dump(cluster.manifest))


def test_new_keys_reach_every_node_and_no_client_notices(cluster: Cluster) -> None:
    active = stage.serving(cluster)
    assert {key for node in cluster.nodes for key in cluster.node(node)["keys"]} == {"k1"}
    runs = {node: cluster.node(node)["incarnation"] for node in cluster.nodes}
    kubectl = cluster.environment.kubectl
    kubectl.run("annotate", story.KIND, cluster.name, "hacluster.dev/rotate-keys=now")
    renewed = lambda: all(cluster.node(node)["keys"] == ["k2"] for node in cluster.nodes)  # noqa: E731
    stage.stays(cluster, active, "new keys", renewed)
    assert {node: cluster.node(node)["incarnation"] for node in cluster.nodes} == runs
    until_well(cluster)


def test_a_changed_monitor_is_in_force_on_every_node_and_nothing_moves(cluster: Cluster) -> None:
    active = stage.serving(cluster)
    watcher = {
        "name": "reach",
        "type": "Ping",
        "ping": {"addresses": [NOBODY]},
        "recovery": {"preset": "FinalActionOnly"},
        "intervalSeconds": 1,
        "timeoutSeconds": 1,
    }
    cluster.manifest["spec"]["cluster"]["monitors"] = [watcher]
    apply(cluster)
    stage.stays(cluster, active, "a monitor that fails", lambda: says(cluster, "Abnormal"))
    watcher["ping"] = {"addresses": [one["privateIPAddress"] for one in nodes(cluster)]}
    apply(cluster)
    stage.stays(cluster, active, "the monitor changed", lambda: says(cluster, "Normal"))
    until_well(cluster)


def test_a_third_node_comes_and_goes_and_nothing_of_it_is_left(cluster: Cluster) -> None:
    active, before = stage.serving(cluster), in_azure(cluster)
    nodes(cluster).append(THIRD)
    apply(cluster)
    stage.stays(cluster, active, "a third node", lambda: is_member(cluster, "web-3"))
    until_well(cluster)
    assert {one for one in in_azure(cluster) - before if "web-3" in one}
    nodes(cluster).remove(THIRD)
    apply(cluster)
    stage.stays(cluster, active, "two nodes again", lambda: in_azure(cluster) == before)
    until("its peers", lambda: not is_member(cluster, "web-3"), cluster)
    until_well(cluster)


def test_a_standby_is_made_again_and_serves_as_one(cluster: Cluster) -> None:
    active = stage.serving(cluster)
    other = cluster.other(active)
    before = {node: machine(cluster, node)["vmId"] for node in cluster.nodes}
    run = cluster.node(other)["incarnation"]
    cluster.manifest["spec"]["management"]["replacement"] = "OneAtATime"
    (standby,) = (one for one in nodes(cluster) if one["name"] == other)
    standby["zone"] = THIRD["zone"]
    apply(cluster)
    again = lambda: cluster.node(other)["incarnation"] != run and cluster.hears(active)  # noqa: E731
    stage.stays(cluster, active, "the standby made again", again)
    until_well(cluster)
    after = {node: machine(cluster, node)["vmId"] for node in cluster.nodes}
    assert {node for node in cluster.nodes if after[node] != before[node]} == {other}


def test_another_agent_comes_standby_first_and_after_a_planned_move(
    cluster: Cluster, tmp_path: Path
) -> None:
    active, began = stage.serving(cluster), time.time()
    other = cluster.other(active)
    old = {cluster.node(node)["package"] for node in cluster.nodes}
    restart_operator(cluster.environment, with_agent=another_agent(tmp_path))
    seen: list[tuple[bool, bool, str]] = []

    def is_everywhere() -> bool:
        new = [cluster.node(node)["package"] not in old for node in (active, other)]
        seen.append((new[0], new[1], cluster.answering()))
        return all(new)

    until("the other agent", is_everywhere, cluster)
    assert (False, True, active) in seen, seen
    assert not [one for one in seen if one[0] and (not one[1] or one[2] == active)], seen
    until("streaming", lambda: other in cluster.streams(began), cluster)
    until_well(cluster)
    moved(cluster, active, other, began)


def moved(cluster: Cluster, active: str, other: str, began: float) -> None:
    """See that the client was led from one node to the other, once."""
    assert cluster.clients
    log = [one for one in cluster.clients[0].log() if one.sent > began]
    assert answers.turns(log) == (active, other)
    assert answers.gap_s(log, began) < BUSY_S
    cluster.tell("another agent", began)
    cluster.judge()


def nodes(cluster: Cluster) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cluster.manifest["spec"]["nodes"]
    return found


def says(cluster: Cluster, health: str) -> bool:
    """Tell whether the new monitor has a health on both nodes, by their own word."""
    told = [cluster.node(node)["monitors"] for node in cluster.nodes]
    return all({"reach": health}.items() <= dict(map(name_and_health, one)).items() for one in told)


def name_and_health(monitor: dict[str, Any]) -> tuple[str, str]:
    return monitor["name"], monitor["health"]


def is_member(cluster: Cluster, node: str) -> bool:
    """Tell whether both first nodes, by their own word, hear another one."""
    peers = [cluster.node(one)["peers"] for one in cluster.nodes]
    return all(any(one["name"] == node and one["alive"] for one in told) for told in peers)


def in_azure(cluster: Cluster) -> set[str]:
    """Return the ids of all that the cluster's resource group has in it."""
    azure = Arm(cluster.environment.azure)
    group = cluster.manifest["spec"]["azure"]["resourceGroup"]
    found = azure.get(f"{azure.subscription}/resourceGroups/{group}/resources", RESOURCES_VERSION)
    return {one["id"].lower() for one in found["value"]}


def machine(cluster: Cluster, node: str) -> dict[str, Any]:
    """Return what Azure says of a node's machine."""
    azure = Arm(cluster.environment.azure)
    group = cluster.manifest["spec"]["azure"]["resourceGroup"]
    home = f"{azure.subscription}/resourceGroups/{group}/providers/Microsoft.Compute"
    found = azure.get(f"{home}/virtualMachines/{node}", deeds.MACHINES_VERSION)
    return dict(found["properties"])


def another_agent(folder: Path) -> Path:
    """Return a folder with the agent's sources, other than those that run by one comment."""
    for package in SHIPPED:
        shutil.copytree(SOURCES / package, folder / package)
    with (folder / "hacluster_node" / "__init__.py").open("a") as file:
        file.write("# another one\n")
    return folder


def restart_operator(made: Environment, with_agent: Path) -> None:
    """End the operator, and start one that ships another agent."""
    (running,) = (one for one in processes.find(made.home) if one.part == "operator")
    handle = os.pidfd_open(running.pid)
    try:
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        assert select.select([handle], [], [], BUSY_S)[0], "the operator does not end"
    finally:
        os.close(handle)
    identity = operator_process.Identity(kubeconfig=made.home / "operator.kubeconfig")
    settings = {**shell.settings(made.azure, made.ca_file), **shell.way(made.azure)}
    sources = f"{with_agent}:{SOURCES}"
    operator_process.start_operator(made.home, identity, settings, sources=sources)
