"""The way to a cluster's nodes: where its container is, and the keys that they know us by.

Both are remembered for a while, since a round over operations follows every second.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from hacluster.errors import ArmDenied, ArmUnavailable
from hacluster.model.cluster import Cluster
from hacluster.model.keys import MasterKeys
from hacluster.model.reasons import Reason
from hacluster.plan.nodes import document, keys
from hacluster.plan.view import View
from hacluster.reconcile.nodes import container_url
from hacluster.reconcile.observation import account_of
from hacluster.reconcile.operations.doors import Meeting
from hacluster.reconcile.ports import Azure, Look, Vault

KEYS_LAST_S: Final = 10.0
"""How long keys are used before they are read again: a rotation keeps the old ones far longer."""
PLACE_LASTS_S: Final = 300.0


@dataclass(slots=True)
class _Kept:
    url: str = ""
    url_at: float = float("-inf")
    keys: MasterKeys | None = None
    keys_at: float = float("-inf")


@dataclass(frozen=True, slots=True)
class StoreMeetings:
    """Finds clusters' containers in Azure and their keys in Secrets; see `doors.Meetings`."""

    azure: Azure
    vault: Vault
    _kept: dict[str, _Kept] = field(default_factory=dict)

    async def of(self, cluster: Cluster) -> Meeting:
        """Return where a cluster meets."""
        kept = self._kept.setdefault(cluster.uid, _Kept())
        now = asyncio.get_running_loop().time()
        if now - kept.url_at >= PLACE_LASTS_S:
            kept.url, kept.url_at = await self._place(cluster), now
        if kept.keys is None or now - kept.keys_at >= KEYS_LAST_S:
            kept.keys, kept.keys_at = await self._keys(cluster), now
        view = View.of(cluster)
        return Meeting(
            store=await self.azure.store(account_of(cluster), kept.url),
            cluster_id=document.cluster_id(view),
            rings={n.name: keys.document_ring(kept.keys, n.name) for n in view.spec.nodes},
        )

    async def _place(self, cluster: Cluster) -> str:
        view = View.of(cluster)
        azure = await self.azure.enter(account_of(cluster))
        seen = await azure.look(
            Look(
                ids=frozenset({view.names.storage_account, view.names.container}),
                group=view.names.resource_group,
                owner=view.names.owner,
                period=timedelta(seconds=view.spec.management.sync_interval_seconds),
            )
        )
        url = container_url(View.of(cluster, seen=seen))
        if url is None:
            why = "the cluster's container is not there yet"
            raise ArmUnavailable(why, reason=Reason.NOT_OBSERVED)
        return url

    async def _keys(self, cluster: Cluster) -> MasterKeys:
        name = View.of(cluster).names.keys_secret
        secret = await self.vault.find(cluster.namespace, name)
        if secret is None:
            why = f"the cluster has no keys yet: there is no Secret {cluster.namespace}/{name}"
            raise ArmUnavailable(why, reason=Reason.NOT_OBSERVED)
        if secret.owner != cluster.uid:
            why = f"the Secret {cluster.namespace}/{name} does not belong to this object"
            raise ArmDenied(why, reason=Reason.SECRET_INVALID)
        try:
            return keys.from_data(secret.data)
        except keys.KeysInvalidError as error:
            why = f"the Secret {cluster.namespace}/{name} cannot be used: {error}"
            raise ArmDenied(why, reason=Reason.SECRET_INVALID) from None
