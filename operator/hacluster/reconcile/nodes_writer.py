"""What a pass gives to the nodes: keys, SAS, token, the agent's package, signed configurations.

Each write is whole, carries what it rests on (an ETag or a version), and may be repeated: a pass
that was killed after any of them is followed by one that finds what it did. The order is that of
need: no configuration without keys, no installation without a package.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hacluster.errors import HAClusterError
from hacluster.model.azure import ManagementMode
from hacluster.model.keys import KEY_BYTES, ApiToken, MasterKeys, Sas
from hacluster.plan.nodes import document, keys, lease, report
from hacluster.plan.view import View
from hacluster.reconcile.nodes import asked_rotation, package_name, without_software
from hacluster.reconcile.nodes_seen import NodesMemory, NodesSeen, Published
from hacluster.reconcile.ports import Agents, KubernetesError, Raw
from hacluster.reconcile.store_port import Store, WriteLost
from hacluster_wire.documents import CONFIGURATION, Document, seal

logger = logging.getLogger(__name__)

HIGHEST: Final = 1 << 62
"""No generation beyond it is followed: nobody gets there by counting."""
SAS_CLOCKS_DIFFER: Final = timedelta(minutes=15)
"""A SAS is good from a little earlier on: the store's clock is not ours."""
HURRY_S: Final = 180.0
"""For so long after a write the nodes' answers are looked for often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesWriter:
    """Writes for one pass."""

    agents: Agents
    memory: NodesMemory
    raw: Raw
    now: Callable[[], datetime]

    async def write(self, view: View, seen: NodesSeen) -> bool:
        """Do what is due; say whether anything was written, so that a look should follow.

        Raises:
            KubernetesError: the API server does not answer.
        """
        management = view.spec.management
        if management.paused or management.mode is ManagementMode.OBSERVE:
            return False
        self.memory.failed = None
        try:
            did = (
                await self._keys(view, seen)
                or await self._to_store(view, seen)
                or await self._sas(seen)
                or await self._token(view, seen)
            )
        except KubernetesError:
            raise
        except HAClusterError as error:
            self.memory.failed = error
            return False
        if did:
            self.memory.hurry(_now(), HURRY_S)
        return did

    async def _keys(self, view: View, seen: NodesSeen) -> bool:
        """Make the first keys, or take the next step of a rotation."""
        vault, asked = self.agents.vault, asked_rotation(self.raw.annotations)
        if seen.is_keyless:
            made = keys.first(self.agents.random(KEY_BYTES), self.now(), asked)
            await vault.create(self.raw, view.names.keys_secret, keys.to_data(made))
            return self._did("Made keys", made)
        if seen.is_orphaned and seen.secret is not None:
            self.memory.forget_keys()
            return await vault.adopt(self.raw, seen.secret)
        if seen.keys is None or seen.secret is None:
            return False
        nodes = [seen.confirmed.get(node.name) for node in view.spec.nodes]
        value = self.agents.random(KEY_BYTES)
        after = keys.next_step(seen.keys, nodes, self.now(), asked, value)
        if after is None:
            return False
        await vault.replace(seen.secret, keys.to_data(after))
        return self._did("Changed keys", after)

    async def _sas(self, seen: NodesSeen) -> bool:
        """Make a SAS for the nodes where they need one, in good time; drop one they do not need."""
        ring, now = seen.keys, self.now()
        if ring is None or seen.secret is None or seen.store is None:
            return False
        if seen.is_sas_due:
            until = now + keys.SAS_LASTS
            text = await seen.store.sas(now - SAS_CLOCKS_DIFFER, until)
            sas = Sas(container=seen.sas_for, made=now, until=until, text=text)
        elif seen.sas_for or ring.sas is None:
            return False
        else:
            sas = None
        after = keys.with_sas(ring, sas)
        await self.agents.vault.replace(seen.secret, keys.to_data(after))
        return self._did("Changed the nodes' SAS", after)

    async def _token(self, view: View, seen: NodesSeen) -> bool:
        """Make the nodes' account and rights, and a token in good time; drop one not needed."""
        ring, accounts = seen.keys, self.agents.accounts
        if ring is None or seen.secret is None or accounts is None or seen.store is None:
            return False
        if seen.are_rights_due:
            things = lease.things(view)
            await accounts.provide(self.raw, things)
            self.memory.provided, self.memory.provided_at = repr(things), _now()
        if seen.is_token_due:
            made = self.now()
            text, until = await accounts.token(self.raw, seen.account, keys.TOKEN_LASTS)
            token = ApiToken(account=seen.account, made=made, until=until, text=text)
        elif seen.account or ring.token is None:
            return False
        else:
            token = None
        after = keys.with_token(ring, token)
        await self.agents.vault.replace(seen.secret, keys.to_data(after))
        return self._did("Changed the nodes' token", after)

    def _did(self, what: str, after: MasterKeys) -> bool:
        self.memory.forget_keys()
        fields = {"accepted": ",".join(after.ids), "active": after.active}
        if after.sas is not None:
            fields["sas_until"] = after.sas.until.isoformat(timespec="seconds")
        if after.token is not None:
            fields["token_until"] = after.token.until.isoformat(timespec="seconds")
        logger.info(what, extra={"cluster": f"{self.raw.namespace}/{self.raw.name}", **fields})
        return True

    async def _to_store(self, view: View, seen: NodesSeen) -> bool:
        if seen.store is None or seen.keys is None or not seen.is_read:
            return False
        did = False
        package = self.agents.package
        if not seen.is_packaged:
            await seen.store.write(package_name(package.digest), package.content, only_if="")
            self.memory.packaged = package.digest
            did = True
        if seen.content is None:
            return did
        for node in view.spec.nodes:
            if _is_due(view, seen, node.name):
                await self._publish(view, seen, seen.store, seen.keys, node.name)
                did = True
        return did

    async def _publish(
        self, view: View, seen: NodesSeen, store: Store, ring: MasterKeys, node: str
    ) -> None:
        lying = seen.published.get(node, Published(tag=""))
        made = Document(
            format=CONFIGURATION,
            cluster=document.cluster_id(view),
            node=node,
            generation=_following(seen, node),
            content=seen.content or {},
        )
        text = seal(made, keys.document_ring(ring, node))
        written = await store.write(f"config/{node}", text, only_if=lying.tag)
        if isinstance(written, WriteLost):
            self.memory.blobs.pop(f"config/{node}", None)
        fields = {"node": node, "config_generation": made.generation, "key": ring.active}
        logger.info("Published configuration", extra={**fields, "digest": seen.digest})


def _is_due(view: View, seen: NodesSeen, node: str) -> bool:
    """Say whether a node's configuration has to be written, and may be now."""
    lying = seen.published.get(node, Published(tag=""))
    is_behind = _in_force(seen, node) > lying.generation
    active = seen.keys.active if seen.keys else ""
    if lying.digest == seen.digest and lying.key == active and not is_behind:
        return False
    base = document.digest(without_software(seen.content or {}))
    only_software = lying.base == base and lying.key == active and not is_behind
    return not only_software or _is_its_turn(view, seen, node)


def _is_its_turn(view: View, seen: NodesSeen, node: str) -> bool:
    """Say whether other software may come to a node: to standbys first, one after another.

    A node that serves, or may serve, gets it when all others that report have it in force.
    """
    serving = view.assessment.serving or ()
    order = sorted((one.name for one in view.spec.nodes), key=lambda name: (name in serving, name))
    reports = {one.node: one for one in seen.reports}
    for other in order[: order.index(node)]:
        said = reports.get(other)
        if said is not None and said.configuration != seen.digest and not said.refused:
            return False
        if said is None and other not in serving and seen.published[other].digest != seen.digest:
            return False
    return True


def _following(seen: NodesSeen, node: str) -> int:
    """Return a generation that the node takes for newer than what lies there and what it runs."""
    lying = seen.published.get(node, Published(tag=""))
    known = [each for each in (lying.generation, _in_force(seen, node)) if each < HIGHEST]
    return max(known, default=0) + 1


def _in_force(seen: NodesSeen, node: str) -> int:
    said = seen.documents.get(node)
    return report.generation_in_force(said.content) if said is not None else 0


def _now() -> float:
    return asyncio.get_running_loop().time()
