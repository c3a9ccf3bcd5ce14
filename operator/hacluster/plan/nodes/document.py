"""The content of a node's configuration document, made from the cluster and nothing else.

The format is docs/node-configuration.md. All nodes of a cluster get the same content; each gets it
signed for itself. The same cluster always makes the same content, to the byte.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hacluster.model.cluster import NodeConfiguration, NodeFile
from hacluster.model.partition import PartitionMode
from hacluster.model.timings import Timings
from hacluster.plan.nodes import lease
from hacluster.plan.nodes.groups import groups
from hacluster.plan.nodes.monitors import monitors, target
from hacluster.plan.nodes.scripts import Scripts
from hacluster.plan.view import View

Contents = Mapping[tuple[str, str, str], str]
"""What ConfigMaps and Secrets hold, by kind, name and key."""
CONFIG_MAP: Final = "ConfigMap"
SECRET: Final = "Secret"  # noqa: S105 - a kind's name
_LONGEST_ID: Final = 63
_TIMINGS: Final = {
    "leaseSeconds": "lease_seconds",
    "renewSeconds": "renew_seconds",
    "requestSeconds": "request_timeout_seconds",
    "retries": "retries",
    "backoffSeconds": "backoff_seconds",
    "fenceSeconds": "fence_seconds",
    "slackSeconds": "slack_seconds",
    "waitSeconds": "contend_seconds",
    "watchdogSeconds": "watchdog_seconds",
    "pollSeconds": "poll_seconds",
    "promiseSeconds": "lease_seconds",
    "guardSeconds": "guard_seconds",
    "rateError": "clock_rate_error",
}
"""The agent's names of the numbers that a spec may state. P is D (docs/protocol.md)."""


def cluster_id(view: View) -> str:
    """Return what the nodes call their cluster: its name, cut to what a name of theirs may have."""
    name = view.spec.cluster.name or view.cluster.name
    if len(name) <= _LONGEST_ID:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:10]
    return f"{name[: _LONGEST_ID - 11]}-{digest}"


def content(view: View, contents: Contents) -> dict[str, Any]:
    """Return the configuration of every node.

    Raises:
        AddressUnknownError: an address that it needs is not known yet.
        KeyError: ``contents`` lacks one of `references`.
    """
    service, scripts = view.spec.cluster, Scripts()
    made: dict[str, Any] = {
        "cluster": cluster_id(view),
        "nodes": [
            {"name": node.name, "address": node.private_ip_address} for node in view.spec.nodes
        ],
        "heartbeat": {
            "intervalSeconds": service.heartbeat.interval_seconds,
            "timeoutSeconds": service.heartbeat_timeout_seconds,
            "port": service.heartbeat.port,
        },
        "partition": _partition(view),
        "groups": groups(view, scripts),
        "monitors": monitors(view, scripts),
    }
    if balancer := view.spec.access.load_balancer:
        made["probe"] = {"intervalSeconds": min(balancer.probe.interval_seconds, 300)}
    software = _software(service.node_configuration, scripts, contents)
    return made | ({"software": software} if software else {})


def digest(made: Mapping[str, Any]) -> str:
    """Return the hash by which a configuration is told apart."""
    return hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()[:16]


def references(configuration: NodeConfiguration) -> Iterator[tuple[str, str, str]]:
    """Yield what has to be read before the content can be made: kind, name and key."""
    for file in configuration.files:
        if (found := reference(file)) is not None:
            yield found


def _partition(view: View) -> dict[str, Any]:
    partition = view.spec.cluster.partition
    made: dict[str, Any] = {
        "mode": str(partition.mode),
        "profile": str(partition.profile) if partition.timings is None else "Custom",
        "targets": [target(one) for one in partition.targets],
    }
    if partition.timings is not None:
        made["timings"] = _timings(partition.timings)
    if partition.mode is PartitionMode.WITNESS:
        made["witness"] = {"type": str(partition.witness), **lease.place(view)}
    return made


def _timings(timings: Timings) -> dict[str, Any]:
    return {name: getattr(timings, ours) for name, ours in _TIMINGS.items()}


def _software(
    configuration: NodeConfiguration, scripts: Scripts, contents: Contents
) -> dict[str, Any]:
    """Return packages, files and commands; the scripts of resources and monitors are files too."""
    files = [_file(one, contents) for one in configuration.files]
    made: dict[str, Any] = {
        "packages": list(configuration.packages),
        "files": [*files, *scripts.files()],
        "commands": [{"run": one.run, "check": one.check} for one in configuration.commands],
    }
    return {name: value for name, value in made.items() if value}


def _file(file: NodeFile, contents: Contents) -> dict[str, Any]:
    source = reference(file)
    text = file.content if source is None else contents[source]
    return {"path": file.path, "mode": file.mode, "owner": file.owner, "content": text or ""}


def reference(file: NodeFile) -> tuple[str, str, str] | None:
    """Return what holds a file's content, kind, name and key, or None where the spec does."""
    kinds = ((CONFIG_MAP, file.config_map_key_ref), (SECRET, file.secret_key_ref))
    return next(((kind, ref.name, ref.key) for kind, ref in kinds if ref is not None), None)
