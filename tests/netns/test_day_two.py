"""Day-two changes on real machines, each under two clients' load and judged by their logs.

One environment, one cluster (the shortest sample), one change after another.
"""

from collections.abc import Iterator
from typing import Any, Final

import pytest
import yaml
from tests.netns.acceptance import stage
from tests.netns.acceptance.samples import APPLICATION, PROGRAM, SERVES, Sample
from tests.netns.acceptance.stage import Cluster, until, until_well
from tests.prerequisites import require

from hacluster_local.arm import RESOURCES_VERSION, Arm
from hacluster_local.controlplane import binaries
from hacluster_local.demo import failover, story
from hacluster_local.environment import Environment
from hacluster_local.setup import machine_base
from hacluster_local.store import install

pytestmark = pytest.mark.timeout(1500)
WEB: Final = Sample(stem="web", file="minimal")
THIRD: Final = {"name": "web-3", "privateIPAddress": "10.6.0.12", "zone": "3"}
NOBODY: Final = "10.6.0.99"
"""No machine has this address, so a monitor of it becomes abnormal."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    require(binaries.find(), "kube-apiserver", "`make setup` builds it")
    require(install.find(), "Azurite", "`make setup` installs it")
    require(not machine_base.why_not(), "What real machines need", "run as root on Debian")
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
