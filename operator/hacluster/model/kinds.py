"""What the API is called: group, version, kinds and the annotations that people may set."""

from typing import Final

GROUP: Final = "hacluster.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"

CLUSTER_KIND: Final = "HAClusterSpec"
CLUSTER_PLURAL: Final = "haclusters"
OPERATION_KIND: Final = "HAClusterOperation"
OPERATION_PLURAL: Final = "haclusteroperations"

REQUESTED_AT: Final = f"{GROUP}/requested-at"
"""Any new value asks for a pass now; it is echoed in status.lastHandledReconcileAt."""

INTERRUPT: Final = f"{GROUP}/interrupt"
"""The name of a node that may be interrupted though the cluster may not be able to spare it; never
one that is seen serving."""

RELOCATION: Final = f"{GROUP}/relocation"
"""The label of an operation that the operator itself has asked for, to interrupt a node."""

REASON: Final = f"{GROUP}/reason"
"""On such an operation: what is to be done on the node."""

REQUESTED_BY: Final = f"{GROUP}/requested-by"
"""On an operation: who asks, as the API server knows them. The policy of
deploy/base/requested-by.yaml lets nobody write another name, and nobody change it."""

ABANDON: Final = f"{GROUP}/abandon"
"""``"true"`` lets an object that is being deleted go without what it owns in Azure."""

ROTATE_KEYS: Final = f"{GROUP}/rotate-keys"
"""Any new value asks for new keys; the nodes take them up without an interruption."""


def owner(name: str, uid: str) -> dict[str, str]:
    """Return the owner reference of what goes when the cluster of this name and uid goes."""
    return {"apiVersion": API_VERSION, "kind": CLUSTER_KIND, "name": name, "uid": uid}
