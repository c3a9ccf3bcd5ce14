"""`hacluster plan --live`: one look at Azure, with the eyes of the operator and without its hands.

The object's uid and inventory come from the API server where one can be reached; otherwise the
manifest is taken for a new object, and what an earlier object made for something to be adopted.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hacluster.arm.door import AzureDoor
from hacluster.cli.metrics import Metrics
from hacluster.cli.settings import Settings
from hacluster.errors import ArmDenied
from hacluster.kube.connection import connect
from hacluster.kube.objects import Objects
from hacluster.kube.secrets import SecretReader
from hacluster.model.cluster import Cluster
from hacluster.model.reasons import Reason
from hacluster.model.status import ClusterStatus
from hacluster.plan.view import View
from hacluster.reconcile.memory import Memory
from hacluster.reconcile.observation import Observer, account_of
from hacluster.reconcile.ports import Secret, Secrets, Vault
from hacluster.reconcile.preparing import PreparationMemory, Preparer


@dataclass(frozen=True, slots=True)
class _Known:
    """What the API server adds to a manifest."""

    cluster: Cluster
    inventory: tuple[str, ...]
    secrets: Secrets
    vault: Vault | None = None
    """Reads what nodes' configurations rest on; None where there is no API server."""


class _NoSecrets:
    """Stands in where there is no API server."""

    async def read(self, namespace: str, name: str) -> Secret:
        """Refuse: a Secret can only be read from the API server."""
        why = f"the Secret {namespace}/{name} is read from the API server: set KUBECONFIG"
        raise ArmDenied(why, reason=Reason.SECRET_MISSING)


async def look(cluster: Cluster) -> View:
    """Return a cluster with what is in Azure now.

    Raises:
        HAClusterError: Azure or the API server cannot be reached, or refuses.
    """
    settings = Settings.of()
    async with (
        _known(settings, cluster) as known,
        AzureDoor(settings.azure, known.secrets, Metrics().arm_call) as azure,
    ):
        observer = Observer(
            azure=await azure.enter(account_of(known.cluster)),
            cluster=known.cluster,
            memory=Memory(),
            version=(),
            inventory=lambda: known.inventory,
            is_deleting=False,
            preparer=_preparer(known),
        )
        return (await observer.look_once()).view


def _preparer(known: _Known) -> Preparer | None:
    if known.vault is None:
        return None
    return Preparer(
        vault=known.vault, cluster=known.cluster, memory=PreparationMemory(), now=_nothing_is_due
    )


def _nothing_is_due() -> datetime:
    """Return a time long ago: a plan shows changes, and no look whether something has drifted."""
    return datetime.min.replace(tzinfo=UTC) + timedelta(days=1)


@asynccontextmanager
async def _known(settings: Settings, cluster: Cluster) -> AsyncIterator[_Known]:
    if settings.kubeconfig is None:
        yield _Known(cluster, (), _NoSecrets())
        return
    async with connect(settings.kubeconfig) as client:
        secrets = SecretReader(client)
        raw = await Objects(client).get(cluster.namespace, cluster.name)
        if raw is None:
            yield _Known(cluster, (), secrets, secrets)
            return
        status = ClusterStatus.model_validate(raw.status)
        inventory = tuple(item.id for item in status.inventory)
        yield _Known(replace(cluster, uid=raw.uid), inventory, secrets, secrets)
