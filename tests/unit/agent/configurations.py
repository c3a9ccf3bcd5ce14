"""A good configuration to break in one place at a time."""

from __future__ import annotations

import copy
from typing import Any

GOOD: dict[str, Any] = {
    "cluster": "Cluster1",
    "nodes": [
        {"name": "node-1", "address": "10.5.0.120"},
        {"name": "node-2", "address": "10.5.0.121"},
    ],
    "heartbeat": {"intervalSeconds": 1, "timeoutSeconds": 10},
    "partition": {
        "profile": "Balanced",
        "targets": [{"name": "gateway", "type": "Ping", "ping": {"addresses": ["10.5.0.5"]}}],
    },
    "groups": [
        {
            "name": "failover1",
            "servicePorts": [80],
            "nodeOrder": ["node-1", "node-2"],
            "resources": [
                {
                    "name": "md",
                    "type": "MirrorDisk",
                    "mirrorDisk": {"dataDevice": "/dev/sdc2", "mountPath": "/srv/data"},
                },
                {
                    "name": "app",
                    "type": "Script",
                    "dependsOn": ["md"],
                    "script": {"start": ["/bin/true"], "stop": ["/bin/true"]},
                },
                {
                    "name": "azuredns1",
                    "type": "AzureDNS",
                    "azureDNS": {
                        "zoneId": "/subscriptions/s/resourceGroups/g/providers"
                        "/Microsoft.Network/dnsZones/cluster1.zone",
                        "recordSet": "test-record1",
                    },
                },
                {"name": "azurepp1", "type": "ProbePort", "dependsOn": ["app"]},
            ],
        }
    ],
    "monitors": [
        {
            "name": "azureppw1",
            "type": "ProbePort",
            "timing": "Active",
            "probePort": {"resource": "azurepp1"},
            "recovery": {"target": "azurepp1"},
        },
        {"name": "genw1", "type": "Custom", "custom": {"script": ["/bin/true"]}},
        {"name": "ipw1", "type": "Ping", "nodes": ["node-1"], "ping": {"addresses": ["10.5.0.5"]}},
        {"name": "mtw1", "type": "MultiTarget", "multiTarget": {"monitors": ["genw1", "ipw1"]}},
    ],
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the good configuration with one place changed; None removes it.

    A path is field names and list positions with dots between: `groups.0.name`.
    """
    content = copy.deepcopy(GOOD)
    *way, last = path.split(".")
    place: Any = content
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
    if value is None:
        del place[last]
    elif isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return content
