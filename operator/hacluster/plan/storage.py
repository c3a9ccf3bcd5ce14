"""The cluster's meeting place: a storage account and the container in it.

Locally redundant (LRS), TLS 1.2 or later, nothing public. An existing account is used and never
changed; the container in it is ours, unless the id that the spec gives is that of a container.
"""

from typing import Final

from hacluster.model.ids import key
from hacluster.plan.settle import look_up, settle
from hacluster.plan.steps import Step
from hacluster.plan.view import View, remembered
from hacluster.plan.wanted import LOCATION, Wanted, regional

_PATH: Final = "cluster.store.existing.id"


def plan(view: View) -> tuple[Step, ...]:
    """Return the steps that make account and container what the spec asks for."""
    existing = view.spec.cluster.store.existing
    missing: tuple[Step, ...] = ()
    if existing:
        looked_up = view.names.container if _is_container(view) else view.names.storage_account
        missing = look_up(view, looked_up, _PATH)
    return missing + tuple(step for wanted in desired(view) for step in settle(view, wanted))


@remembered
def desired(view: View) -> tuple[Wanted, ...]:
    """Return the account and the container, as far as they do not exist."""
    if _is_container(view):
        return ()
    container = _container(view)
    return (container,) if view.spec.cluster.store.existing else (_account(view), container)


def _account(view: View) -> Wanted:
    properties = {
        "minimumTlsVersion": "TLS1_2",
        "allowBlobPublicAccess": False,
        "supportsHttpsTrafficOnly": True,
    }
    return Wanted(
        id=view.names.storage_account,
        body=regional(view, properties, sku={"name": "Standard_LRS"}, kind="StorageV2"),
        needs=frozenset({view.names.resource_group}),
        immutable=LOCATION | {"kind": "Name another account in cluster.store.storageAccount."},
    )


def _container(view: View) -> Wanted:
    properties = {"publicAccess": "None", "metadata": view.names.owner_metadata}
    return Wanted(
        id=view.names.container,
        body={"properties": properties},
        needs=frozenset({view.names.storage_account}),
    )


def _is_container(view: View) -> bool:
    existing = view.spec.cluster.store.existing
    return existing is not None and key(existing.id) == key(view.names.container)
