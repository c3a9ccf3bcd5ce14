"""The witness as Leases of the object's namespace, and what lets the nodes reach them.

All of it is owned by the object and goes with it. The nodes' account may read and change its own
cluster's Leases, named one by one, and nothing else. It makes none: a right to make things cannot
be bound to names, so the operator makes the Leases, empty; the agents put their records there.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from hacluster.model.cluster import NodeAgent
from hacluster.model.partition import PartitionMode, WitnessType
from hacluster.plan.view import View

GROUP: Final = "coordination.k8s.io"
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
RBAC: Final = "rbac.authorization.k8s.io"


def is_witness(view: View) -> bool:
    """Say whether agents of ours are to use Leases."""
    service = view.spec.cluster
    partition = service.partition
    return (
        service.node_agent is NodeAgent.MANAGED
        and partition.mode is PartitionMode.WITNESS
        and partition.witness is WitnessType.KUBERNETES_LEASE
    )


def place(view: View) -> dict[str, str]:
    """Return where the Leases are, as the configuration tells it; nothing where there are none."""
    if not is_witness(view):
        return {}
    return {"namespace": view.cluster.namespace, "name": view.names.lease}


def leases(view: View) -> tuple[str, ...]:
    """Return the Leases' names: the agent puts the group behind the stem, in small letters."""
    groups = view.spec.cluster.failover_groups
    return tuple(f"{view.names.lease}-{group.name}".lower() for group in groups)


def unsuitable(view: View) -> str:
    """Return why Leases cannot be named after the groups, or nothing."""
    if not is_witness(view):
        return ""
    names = leases(view)
    if len(set(names)) == len(names) and all(_NAME.fullmatch(name) for name in names):
        return ""
    return (
        "a Lease is named after each failover group: with cluster.partition.witness: "
        "KubernetesLease write the groups' names in small letters, digits and hyphens"
    )


def things(view: View) -> tuple[Mapping[str, Any], ...]:
    """Return what has to be there, in this order; the owner is whoever makes them to add."""
    account = view.names.nodes_account
    rule = {
        "apiGroups": [GROUP],
        "resources": ["leases"],
        "resourceNames": list(leases(view)),
        "verbs": ["get", "patch"],
    }
    subject = {"kind": "ServiceAccount", "name": account, "namespace": view.cluster.namespace}
    bound = {"apiGroup": RBAC, "kind": "Role", "name": account}
    return (
        _thing("v1", "ServiceAccount", account, automountServiceAccountToken=False),
        _thing(f"{RBAC}/v1", "Role", account, rules=[rule]),
        _thing(f"{RBAC}/v1", "RoleBinding", account, subjects=[subject], roleRef=bound),
        *(_thing(f"{GROUP}/v1", "Lease", name, spec={}) for name in leases(view)),
    )


def _thing(version: str, kind: str, name: str, **rest: Any) -> Mapping[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **rest}
