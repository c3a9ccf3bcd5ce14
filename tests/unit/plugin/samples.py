"""Clusters as the API server shows them: well, failing over, and in trouble."""

import copy
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[3] / "deploy" / "samples"
NOW = datetime(2026, 11, 28, 3, 12, 7, tzinfo=UTC)


def back(**ago: float) -> str:
    """Return a time some while before now, as the API server writes it."""
    return (NOW - timedelta(**ago)).isoformat().replace("+00:00", "Z")


def condition(kind: str, status: str, reason: str, message: str, **ago: float) -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": back(**(ago or {"hours": 5})),
    }


@cache
def _manifest(sample: str) -> dict[str, Any]:
    raw: dict[str, Any] = yaml.safe_load((FOLDER / f"{sample}.yaml").read_text())
    raw["metadata"] |= {
        "namespace": "prod",
        "uid": "0f3c",
        "generation": 4,
        "creationTimestamp": back(days=12, hours=3),
    }
    return raw


def well(sample: str = "internal-load-balancer") -> dict[str, Any]:
    """Return a cluster in which everything is as it should be."""
    body = copy.deepcopy(_manifest(sample))
    nodes = [str(node["name"]) for node in body["spec"]["nodes"]]
    body["spec"]["cluster"]["partition"] = {"mode": "Witness"}
    body["status"] = {
        "observedGeneration": 4,
        "conditions": [
            condition("Ready", "True", "AsDeclared", "web serves, and can spare a node"),
            condition("Accepted", "True", "SpecAccepted", "The spec is understood and allowed"),
            condition("AzureReconciled", "True", "AsDeclared", "Azure is as declared"),
            condition("NodesConfigured", "True", "AsDeclared", "Every node is as declared"),
            condition("ExactlyOneActive", "True", "OneServes", f"{nodes[0]} serves"),
            condition("SplitBrainSafe", "True", "WitnessGuards", "Both nodes reach the witness"),
            condition("Degraded", "False", "CanSpareOne", "Every standby is ready to take over"),
        ],
        "summary": {"access": "10.5.0.200", "nodes": "2/2", "drift": 0, "plan": 0},
        "activeNode": nodes[0],
        "groups": [
            {
                "name": body["spec"]["cluster"]["failoverGroups"][0]["name"],
                "node": nodes[0],
                "state": "Online",
                "epoch": 7,
                "since": back(hours=2, minutes=5),
            }
        ],
        "nodes": [
            {
                "name": name,
                "role": "Standby" if number else "Active",
                "ready": True,
                "powerState": "running",
                "agentVersion": "0.1.0",
                "heartbeatAgeSeconds": 2.5 + number,
                "health": "Down" if number else "Up",
            }
            for number, name in enumerate(nodes)
        ],
        "endpoints": [{"address": "10.5.0.200"}],
        "failovers": [
            {
                "at": back(hours=2, minutes=5),
                "group": body["spec"]["cluster"]["failoverGroups"][0]["name"],
                "from": nodes[1],
                "to": nodes[0],
                "why": f"{nodes[1]} was not heard for 10 s and its lease has run out",
                "seconds": 27.4,
            }
        ],
    }
    return body


def in_trouble() -> dict[str, Any]:
    """Return the same with its second node serving and the first one dead."""
    body = well()
    status = body["status"]
    first, second = status["nodes"]
    first |= {"role": "Unknown", "ready": False, "powerState": "deallocated", "health": "Down"}
    first |= {"heartbeatAgeSeconds": 754.0}
    second |= {"role": "Active", "health": "Up"}
    status |= {"activeNode": second["name"]}
    status["groups"][0] |= {"node": second["name"], "epoch": 8, "since": back(minutes=12)}
    status["monitors"] = [
        {
            "name": "azureppw1",
            "node": second["name"],
            "state": "SimulatedFailure",
            "message": "fails by order",
            "since": back(minutes=3),
        }
    ]
    status["conditions"] = [
        condition(
            "Ready", "False", "NodeDown", "node-1 is down: 1 of 2 nodes is ready", minutes=12
        ),
        condition("Accepted", "True", "SpecAccepted", "The spec is understood and allowed"),
        condition("AzureReconciled", "False", "Drifted", "virtualMachines/node-1", minutes=11),
        condition("ExactlyOneActive", "True", "OneServes", "node-2 serves"),
        condition(
            "SplitBrainSafe",
            "Unknown",
            "AgentSilent",
            "node-1 has not reported for 12 min: whether it reaches the witness is not known",
            minutes=12,
        ),
        condition(
            "Degraded",
            "True",
            "NodeDown",
            "node-1's machine is deallocated: another failure would end the service",
            minutes=12,
        ),
        condition("Stalled", "True", "NodeDown", "node-1 is down", minutes=11),
    ]
    group = "/subscriptions/s/resourceGroups/TestGroup1/providers"
    status["plan"] = [
        {
            "verb": "Start",
            "id": f"{group}/Microsoft.Compute/virtualMachines/node-1",
            "why": "it is deallocated",
            "held": "somebody has stopped it: start it by hand",
        }
    ]
    status["drift"] = [
        {
            "id": f"{group}/Microsoft.Compute/virtualMachines/node-1",
            "path": "powerState",
            "want": "running",
            "have": "deallocated",
        }
    ]
    status["summary"] |= {"nodes": "1/2", "plan": 1, "drift": 1}
    return body


def move(phase: str = "Running") -> dict[str, Any]:
    """Return an operation."""
    return {
        "metadata": {"name": "cluster1-move-x7k2p", "creationTimestamp": back(seconds=9)},
        "spec": {"cluster": "cluster1", "type": "Move", "group": "failover1", "node": "node-2"},
        "status": {"phase": phase, "message": "node-1: failover1 is moving to node-2"},
    }


def of_three() -> dict[str, Any]:
    """Return a cluster of three nodes whose last one serves."""
    body = well()
    body["spec"]["nodes"].append({"name": "node-3"})
    status = body["status"]
    status["nodes"].append(
        {**status["nodes"][0], "name": "node-3", "role": "Active", "health": "Up"}
    )
    status["nodes"][0] |= {"role": "Standby", "health": "Down"}
    status["activeNode"] = status["groups"][0]["node"] = "node-3"
    return body
