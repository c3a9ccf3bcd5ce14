"""What the nodes say and what they were given: read from the store and from the keys' Secret.

Everything is read with what is known already (ETags), so that an idle cluster costs two small
requests a node. Nothing is believed that no key of ours has signed; what a report says is old as
soon as it does not change any more, whatever its own clock says.
"""

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hacluster.errors import ArmDenied, ArmUnavailable, HAClusterError
from hacluster.model import kinds
from hacluster.model.agent import Installation
from hacluster.model.assessment import NodeReport
from hacluster.model.cluster import Cluster
from hacluster.model.ids import key as key_of
from hacluster.model.ids import name_of
from hacluster.model.keys import MasterKeys
from hacluster.model.observed import Snapshot
from hacluster.model.partition import StoreAccess
from hacluster.model.reasons import Reason
from hacluster.plan.nodes import document, keys, lease, report
from hacluster.plan.nodes.groups import AddressUnknownError
from hacluster.plan.nodes.keys import Confirmed
from hacluster.plan.view import View
from hacluster.reconcile.nodes_seen import NodesMemory, NodesSeen, Published
from hacluster.reconcile.ports import Account, Agents, Azure, KubernetesError
from hacluster.reconcile.store_port import Blob, NotChanged, Store
from hacluster_wire.documents import (
    CONFIGURATION,
    STATUS,
    Document,
    claimed_generation,
    open_sealed,
)
from hacluster_wire.errors import WireError

AGE_STEP_S: Final = 20
"""Ages are told in such steps: a status that says the same is not written again every second."""

PROVIDE_AGAIN_S: Final = 600.0
"""Rights of the nodes in Kubernetes that somebody has changed are put right after so long."""
STORE_WITHIN_S: Final = 8.0
"""All reading of one pass; Azure's side of the pass waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesObserver:
    """Reads for one pass."""

    agents: Agents
    azure: Azure
    account: Account
    cluster: Cluster
    memory: NodesMemory
    now: Callable[[], datetime]

    async def observe(self, view: View) -> NodesSeen:
        """Return what was found; nothing is raised but the API server's absence."""
        found: dict[str, Any] = {}
        troubles: list[HAClusterError] = []
        await self._guarded(self._keys(found), troubles)
        await self._guarded(self._content(view, found), troubles)
        if found.get("keys") is not None:
            await self._guarded(self._store(view, found), troubles)
        trouble = next(iter(troubles), None)
        return NodesSeen(**found, trouble=trouble, failed=self.memory.failed)

    async def _guarded(self, work: Any, troubles: list[HAClusterError]) -> None:
        try:
            await work
        except KubernetesError:
            raise
        except HAClusterError as error:
            troubles.append(error)

    async def _keys(self, found: dict[str, Any]) -> None:
        memory, name = self.memory, View.of(self.cluster).names.keys_secret
        if _now() - memory.keys_at >= self._period.total_seconds():
            memory.secret = await self.agents.vault.find(self.cluster.namespace, name)
            memory.keys_at = _now()
        secret = memory.secret
        found["is_keyless"] = secret is None
        if secret is None:
            return
        if secret.owner != self.cluster.uid:
            memory.forget_keys()
            if secret.owner and secret.owner_name == self.cluster.name:
                found["is_orphaned"], found["secret"] = True, secret
                found["awaits"] = "the keys of an earlier object of this name are taken over first"
                return
            why = (
                f"the Secret {secret.namespace}/{name} does not belong to this object: delete or "
                "rename it, and one with the keys of the cluster is made"
            )
            raise ArmDenied(why, reason=Reason.SECRET_INVALID)
        try:
            found["keys"] = keys.from_data(secret.data)
        except keys.KeysInvalidError as error:
            memory.forget_keys()
            why = (
                f"the Secret {secret.namespace}/{name} cannot be used: {error}; delete it, and "
                "new keys are made and brought to the nodes"
            )
            raise ArmDenied(why, reason=Reason.SECRET_INVALID) from None
        found["is_aged"] = keys.is_aged(found["keys"], self.now())
        found["secret"] = secret

    async def _content(self, view: View, found: dict[str, Any]) -> None:
        if why := self._refused(view):
            raise ArmDenied(why, reason=Reason.REFUSED)
        contents = await self._contents()
        try:
            made = document.content(view, contents)
        except AddressUnknownError as error:
            found["awaits"] = str(error)
            return
        found["content"], found["digest"] = made, document.digest(made)

    async def _contents(self) -> document.Contents:
        """Return what ConfigMaps and Secrets hold that the spec refers to."""
        memory = self.memory
        wanted = tuple(document.references(self.cluster.spec.cluster.node_configuration))
        is_old = _now() - memory.contents_at >= self._period.total_seconds()
        if is_old or memory.contents_of != self.cluster.generation:
            memory.contents = {one: await self._text(*one) for one in wanted}
            memory.contents_at, memory.contents_of = _now(), self.cluster.generation
        return memory.contents

    async def _text(self, kind: str, name: str, key: str) -> str:
        namespace, vault = self.cluster.namespace, self.agents.vault
        if kind == document.SECRET:
            return (await vault.read(namespace, name)).text(key)
        held = await vault.config_map(namespace, name)
        if key not in held:
            why = f"the ConfigMap {namespace}/{name} has no key {key}: add it"
            raise ArmDenied(why, reason=Reason.SECRET_MISSING)
        return held[key]

    async def _store(self, view: View, found: dict[str, Any]) -> None:
        url = container_url(view)
        if url is None:
            found["awaits"] = "the cluster's container is not there yet"
            return
        ring: MasterKeys = found["keys"]
        if view.spec.cluster.store.access is StoreAccess.SAS:
            found["sas_for"] = url
            found["is_sas_due"] = keys.sas_is_due(ring, url, self.now())
            found["is_sas_overdue"] = keys.sas_is_overdue(ring, self.now())
        if lease.is_witness(view):
            found["account"] = view.names.nodes_account
            found["is_token_due"] = keys.token_is_due(ring, found["account"], self.now())
            found["is_token_overdue"] = keys.token_is_overdue(ring, self.now())
            found["are_rights_due"] = self._are_rights_due(view)
        store = found["store"] = await self.azure.store(self.account, url)
        names = [node.name for node in view.spec.nodes]
        try:
            await self._read(store, names, found)
        finally:  # What was read before still counts, and grows old.
            found["published"] = {name: self._published(view, name, ring) for name in names}
            self._reports(view, names, ring, found)
        client, is_supported = _client_id(view), not self._refused(view)
        if not client:
            found["awaits"] = "the nodes' identity is not there yet"
        elif found.get("sas_for") and (ring.sas is None or ring.sas.container != url):
            found["awaits"] = "the nodes' SAS for the container is made first"
        elif found.get("account") and (
            ring.token is None or ring.token.account != found["account"]
        ):
            found["awaits"] = "the nodes' token for their Leases is made first"
        elif found["is_packaged"] and is_supported:
            found["installation"] = Installation(
                package=self.agents.package,
                guest=self.agents.guest(self.account.cloud),
                container=url,
                client_id=client,
                secret=view.names.keys_secret,
                fingerprint=keys.fingerprint(ring),
                api_server=self.agents.api_server if lease.is_witness(view) else None,
            )

    def _refused(self, view: View) -> str:
        """Return why the nodes cannot be configured so, or nothing."""
        if lease.is_witness(view) and self.agents.api_server is None:
            return (
                "the operator was not told how machines reach the API server: set its "
                "HACLUSTER_NODE_API_SERVER, or cluster.partition.witness to AzureBlob"
            )
        return lease.unsuitable(view)

    def _are_rights_due(self, view: View) -> bool:
        memory = self.memory
        is_old = _now() - memory.provided_at >= PROVIDE_AGAIN_S
        return is_old or memory.provided != repr(lease.things(view))

    async def _read(self, store: Store, names: list[str], found: dict[str, Any]) -> None:
        """Read all blobs; a store that is away is asked more and more seldom, and holds up nothing.

        Raises:
            HAClusterError: it is away, or was just now.
        """
        memory = self.memory
        if memory.away is not None and _now() < memory.away_until:
            raise memory.away
        try:
            async with asyncio.timeout(STORE_WITHIN_S):
                await _all(self._refresh(store, f"{kind}/{n}") for n in names for kind in _KINDS)
                found["is_packaged"] = await self._is_packaged(store)
        except (HAClusterError, TimeoutError) as error:
            why = f"The cluster's container did not answer within {STORE_WITHIN_S:g} s"
            told = (
                error
                if isinstance(error, HAClusterError)
                else ArmUnavailable(why, reason=Reason.STORE_UNREACHABLE)
            )
            memory.store_failed(told, _now(), self._period.total_seconds())
            raise told from error
        memory.store_answered()
        found["is_read"] = True

    async def _refresh(self, store: Store, name: str) -> None:
        blobs = self.memory.blobs
        known = blobs.get(name)
        match await store.read(name, unless=known.tag if known else ""):
            case None:
                blobs.pop(name, None)
            case Blob() as blob:
                blobs[name] = blob
            case NotChanged():
                pass

    async def _is_packaged(self, store: Store) -> bool:
        digest = self.agents.package.digest
        if self.memory.packaged != digest:
            name = package_name(digest)
            if name in await store.names(name):
                self.memory.packaged = digest
        return self.memory.packaged == digest

    def _published(self, view: View, node: str, ring: MasterKeys) -> Published:
        blob = self.memory.blobs.get(f"config/{node}")
        if blob is None:
            return Published(tag="")
        try:
            found = open_sealed(
                blob.content,
                keys.document_ring(ring, node),
                CONFIGURATION,
                document.cluster_id(view),
                node,
            )
        except WireError:
            return Published(tag=blob.tag, generation=claimed_generation(blob.content))
        return Published(
            tag=blob.tag,
            generation=found.generation,
            digest=document.digest(found.content),
            key=found.key,
            base=document.digest(without_software(found.content)),
        )

    def _reports(
        self, view: View, names: list[str], ring: MasterKeys, found: dict[str, Any]
    ) -> None:
        documents: dict[str, Document] = {}
        unreadable: dict[str, str] = {}
        reports: list[NodeReport] = []
        for name in names:
            blob = self.memory.blobs.get(f"status/{name}")
            if blob is None:
                continue
            try:
                said = open_sealed(
                    blob.content,
                    keys.document_ring(ring, name),
                    STATUS,
                    document.cluster_id(view),
                    name,
                )
                age = self._age(said)
            except WireError as error:
                unreadable[name] = str(error)
                continue
            documents[name] = said
            reports.append(self._report(view, said, age, found))
        found["documents"], found["unreadable"] = documents, unreadable
        found["reports"] = tuple(reports)
        found["confirmed"] = {
            name: _confirmed(said, found["published"][name]) for name, said in documents.items()
        }
        holders = {report.holder_of(said) for said in documents.values()} - {None}
        found["holder"] = holders.pop() if len(holders) == 1 else None

    def _report(
        self, view: View, said: Document, age: timedelta, found: Mapping[str, Any]
    ) -> NodeReport:
        lying: Published = found["published"][said.node]

        def configuration_of(generation: int) -> str:
            is_lying = generation == lying.generation and lying.digest
            return lying.digest if is_lying else f"generation {generation}"

        return report.report_of(view, said, age, configuration_of)

    def _age(self, said: Document) -> timedelta:
        """Return how old a report is, in steps.

        Raises:
            WireError: a newer one was seen before, so that somebody has put an old one back.
        """
        now = _now()
        known = self.memory.grown.get(said.node)
        if known is None or said.generation > known[0]:
            self.memory.grown[said.node] = (said.generation, now, known is not None)
        elif said.generation < known[0]:
            raise WireError("replayed", "a newer report was seen before: this one was put back")
        _, since, was_seen_to_grow = self.memory.grown[said.node]
        age = now - since
        if not was_seen_to_grow:  # Only then the node's own clock has to do.
            at = report.generation_time(said)
            age = max(age, (self.now() - at).total_seconds() if at else math.inf)
        if not math.isfinite(age):
            return timedelta.max
        return timedelta(seconds=int(age) // AGE_STEP_S * AGE_STEP_S)

    @property
    def _period(self) -> timedelta:
        return timedelta(seconds=self.cluster.spec.management.sync_interval_seconds)


def container_url(view: View) -> str | None:
    """Return the container's URL, or None while it is not there or Azure has not told where."""
    account, container = (
        view.present(view.names.storage_account),
        view.present(view.names.container),
    )
    if account is None or container is None or not container.is_settled:
        return None
    endpoint = (account.properties.get("primaryEndpoints") or {}).get("blob")
    return f"{str(endpoint).rstrip('/')}/{name_of(view.names.container)}" if endpoint else None


def basis_of(view: View) -> View:
    """Return a view with only what the nodes' part looks at: small enough to be remembered."""
    names = view.names
    wanted = (
        names.storage_account,
        names.container,
        names.identity,
        names.load_balancer,
        names.balancer_address,
    )
    seen = {key_of(one): view.get(one) for one in wanted}
    return View.of(view.cluster, seen=Snapshot(resources=seen))


def package_name(digest: str) -> str:
    """Return the blob that holds an agent."""
    return f"agent/{digest}.pyz"


def without_software(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a configuration the state machines must agree on."""
    return {name: value for name, value in content.items() if name != "software"}


def asked_rotation(annotations: Mapping[str, str]) -> str:
    """Return the value that asks for new keys, or nothing."""
    return annotations.get(kinds.ROTATE_KEYS, "")


def _confirmed(said: Document, lying: Published) -> Confirmed:
    is_run = lying.generation == report.generation_in_force(said.content)
    return report.confirmed(said, lying.key if is_run else "")


def _client_id(view: View) -> str:
    """Return the client id of the nodes' identity, as soon as Azure has told it."""
    seen = view.present(view.names.identity)
    return str((seen.properties.get("clientId") if seen else "") or "")


async def _all(works: Iterable[Any]) -> None:
    results = await asyncio.gather(*works, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


def _now() -> float:
    return asyncio.get_running_loop().time()


_KINDS: Final = ("status", "config")
