"""What is done to clusters: power, freezes, cuts, silence, and all helpers taken away."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.netns.acceptance.stage import Cluster

from hacluster_local import operator_process, processes, shell
from hacluster_local.arm import Arm
from hacluster_local.demo import hands
from hacluster_local.environment import Environment

MACHINES_VERSION: Final = "2024-07-01"
NO_WAY_TO_ARM: Final = ("unreachable", "100.64.0.10/32")
"""The simulated ARM's address inside, of `azuresim.fabric.places`."""


def power_off(cluster: Cluster, node: str) -> None:
    """Take a node's power away, from one moment to the next."""
    hands.simulator(cluster.environment, "machine", "kill", node)


def power_on(cluster: Cluster, node: str) -> None:
    """Start a node by Azure."""
    azure = Arm(cluster.environment.azure)
    group = cluster.manifest["spec"]["azure"]["resourceGroup"]
    home = f"{azure.subscription}/resourceGroups/{group}/providers/Microsoft.Compute"
    answer = azure.call("POST", f"{home}/virtualMachines/{node}/start", MACHINES_VERSION)
    assert answer.status == 202, answer


def runs(cluster: Cluster, node: str) -> bool:
    """Tell whether a node runs."""
    said = hands.simulator(cluster.environment, "machine", "list")
    machines = [json.loads(line) for line in said.splitlines()]
    (found,) = (one for one in machines if one["id"].rpartition("/")[2] == node)
    return bool(found["running"])


def freeze(cluster: Cluster, node: str, seconds: int) -> None:
    """Let a node stand still for some seconds; its clocks run on."""
    hands.simulator(cluster.environment, "machine", "freeze", node, str(seconds))


@contextmanager
def cut(cluster: Cluster, node: str, *words: str) -> Iterator[None]:
    """Cut a node, or nodes (* allowed), off from a place or a node for a while."""
    hands.simulator(cluster.environment, "machine", "cut", node, *words)
    try:
        yield
    finally:
        hands.simulator(cluster.environment, "machine", "heal", node)


@contextmanager
def silence(cluster: Cluster, node: str) -> Iterator[None]:
    """Let the machine that is no node, the nodes' target, answer no ping of a node for a while."""
    place, table = f"vnet/{cluster.sample.network}", f"silence-{node}"
    addresses = {one["name"]: one["privateIPAddress"] for one in cluster.manifest["spec"]["nodes"]}
    rule = f"ip saddr {addresses[node]} icmp type echo-request drop"
    chain = f"chain input {{\ntype filter hook input priority 0\n{rule}\n}}"
    hands.on(cluster.environment, place, "nft", f"table ip {table} {{\n{chain}\n}}")
    try:
        yield
    finally:
        hands.on(cluster.environment, place, "nft", "delete", "table", "ip", table)


@contextmanager
def without_arm(cluster: Cluster, node: str) -> Iterator[None]:
    """Let a node not reach Azure Resource Manager for a while, and everything else."""
    hands.on(cluster.environment, node, "ip", "route", "add", *NO_WAY_TO_ARM)
    try:
        yield
    finally:
        hands.on(cluster.environment, node, "ip", "route", "del", *NO_WAY_TO_ARM)


def kill_application(cluster: Cluster, node: str) -> None:
    """End the application as a bug in it would."""
    hands.on(cluster.environment, node, "systemctl", "kill", "--signal=KILL", "app.service")


@contextmanager
def throttling(cluster: Cluster) -> Iterator[None]:
    """Let ARM refuse every other request for a while, as it does who asks too much."""
    often = ("--count", "0", "--probability", "0.5", "--retry-after", "2")
    added = hands.simulator(cluster.environment, "fault", "add", "throttle", *often)
    try:
        yield
    finally:
        hands.simulator(cluster.environment, "fault", "clear", json.loads(added)["id"])


@contextmanager
def alone(environment: Environment) -> Iterator[None]:
    """Let nodes be alone for a while: operator killed, API server hanging, ARM answering 503."""
    found = {one.part: one.pid for one in processes.find(environment.home)}
    hands.simulator(environment, "fault", "add", "error", "--count", "0")
    _send(found["operator"], signal.SIGKILL)
    _send(found["kube-apiserver"], signal.SIGSTOP)
    try:
        yield
    finally:
        _send(found["kube-apiserver"], signal.SIGCONT)
        hands.simulator(environment, "fault", "clear")
        identity = operator_process.Identity(kubeconfig=environment.home / "operator.kubeconfig")
        variables = shell.settings(environment.azure, environment.ca_file)
        way = shell.way(environment.azure)
        operator_process.start_operator(environment.home, identity, {**variables, **way})


def _send(pid: int, word: signal.Signals) -> None:
    handle = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(handle, word)
    finally:
        os.close(handle)
