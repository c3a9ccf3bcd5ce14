"""The second step of a pass: look at Azure, and at who serves, through the ports.

A first look takes what all clusters share. What is under way is read by itself, and what is about
to be written is read once more: no write rests on an old reading.
"""

import asyncio
import hashlib
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from hacluster.errors import HAClusterError
from hacluster.model.assessment import BackendHealth, Signals
from hacluster.model.cluster import Cluster
from hacluster.model.ids import ArmId
from hacluster.model.observed import Present, Snapshot
from hacluster.plan import parts
from hacluster.plan.view import View
from hacluster.reconcile.assess import assess
from hacluster.reconcile.memory import Memory
from hacluster.reconcile.nodes import NodesObserver, basis_of
from hacluster.reconcile.nodes_seen import NodesSeen
from hacluster.reconcile.ports import Account, Look, Subscription
from hacluster.reconcile.preparing import Prepared, Preparer

HEALTH_FRESH: Final = timedelta(seconds=20)
"""How old the balancer's word may be when a node is interrupted on its ground, counted from when
Azure began to collect it, which takes it some seconds."""
STILL_GOOD: Final = 0.9
"""For which part of a period a look at Azure serves the passes that are made for the nodes."""
VAIN_PERIODS: Final = 5
"""Every how many periods a balancer is asked that has not answered several times in a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a look has found."""

    view: View
    signals: Signals
    nodes: NodesSeen | None = None
    """What was read about the nodes; None where no agent of ours runs them."""
    prepared: Prepared | None = None
    """What was read for nodes that the operator configures itself."""


def digest(observed: Observed) -> str:
    """Return a short text that is the same if, and only if, the same was observed."""
    seen = observed.view.seen.resources
    told = {
        key: one.body if isinstance(one, Present) else repr(one)
        for key, one in sorted(seen.items())
    }
    known = [told, repr(observed.signals), repr(observed.nodes), repr(observed.prepared)]
    text = json.dumps(known, default=repr)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def account_of(cluster: Cluster) -> Account:
    """Return whose Azure a cluster lives in."""
    azure = cluster.spec.azure
    secret = azure.credentials_secret_ref
    return Account(
        cloud=azure.cloud,
        subscription=azure.subscription_id,
        namespace=cluster.namespace,
        secret=secret.name if secret else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Looks for one pass."""

    azure: Subscription
    cluster: Cluster
    memory: Memory
    inventory: tuple[str, ...]
    is_deleting: bool
    nodes: NodesObserver | None = None
    """Reads what the nodes say; None where no agent of ours runs them."""
    preparer: Preparer | None = None
    """Reads what nodes need that the operator configures itself."""
    is_asked: bool = False
    """Whether somebody has asked for this look: then nothing remembered will do."""

    async def observe(self) -> Observed:
        """Look at all that the cluster names; what moves is read by itself.

        Nodes are asked more often than Azure is looked at: in between, older readings will do.
        """
        is_between = self.nodes is not None and _now() < self.memory.looked_until
        is_moving = bool(self.memory.moving) or self.memory.is_following or is_between
        return await self._observe(
            self.memory.moving,
            is_moving=is_moving and not self.is_asked,
            is_health_due=self.is_asked,
        )

    async def is_same(self) -> bool:
        """Say whether nodes, asked between two looks at Azure, say what they said before."""
        memory, basis = self.memory.nodes, self.memory.nodes.basis
        if self.nodes is None or basis is None or self.is_asked:
            return False
        is_between = _now() < self.memory.looked_until and self.memory.is_at_rest
        if not is_between or basis.cluster != self.cluster:
            return False
        return repr(await self.nodes.observe(basis)) == memory.said

    async def confirm(self, about: frozenset[ArmId], *, disrupts: bool) -> Observed:
        """Look once more: ``about`` is read now, and only that.

        Who serves is asked again where a step ``disrupts`` a node: since the balancer was asked
        last, the service may have moved to just that node.
        """
        return await self._observe(about, is_moving=True, is_health_due=disrupts)

    async def _observe(
        self, fresh: frozenset[ArmId], *, is_moving: bool, is_health_due: bool
    ) -> Observed:
        blank = View.of(self.cluster, inventory=self.inventory)
        view = replace(blank, seen=await self._look(blank, fresh, is_moving=is_moving))
        health = await self._health(view, is_due=is_health_due)
        nodes = await self._nodes(view)
        signals = self._signals(health, nodes)
        assessment = assess(view, signals)
        self._note_record(is_wrong=assessment.is_record_wrong)
        installation = nodes.installation if nodes else None
        view = replace(view, assessment=assessment, installation=installation)
        prepared = await self._prepared(view)
        if prepared is not None:
            view = replace(view, preparation=prepared.preparation)
        return Observed(view=view, signals=signals, nodes=nodes, prepared=prepared)

    async def _look(self, blank: View, fresh: frozenset[ArmId], *, is_moving: bool) -> Snapshot:
        look = Look(
            ids=frozenset(parts.watched(blank, self.inventory)),
            group=blank.names.resource_group,
            owner=blank.names.owner,
            period=self._period,
            fresh=fresh,
            is_moving=is_moving,
            members=self.is_deleting,
        )
        seen = await self.azure.look(look)
        if not is_moving:
            self.memory.looked_until = _now() + self._period.total_seconds() * STILL_GOOD
        return seen

    async def _nodes(self, view: View) -> NodesSeen | None:
        if self.nodes is None or self.is_deleting or not view.runs_agents:
            return None
        found = await self.nodes.observe(view)
        self.memory.nodes.basis, self.memory.nodes.said = basis_of(view), repr(found)
        return found

    async def _prepared(self, view: View) -> Prepared | None:
        if self.preparer is None or self.is_deleting or not view.prepares_nodes:
            return None
        return await self.preparer.prepare(view)

    def _signals(
        self, health: tuple[BackendHealth, ...] | None, nodes: NodesSeen | None
    ) -> Signals:
        wrong_for = self._wrong_for()
        if nodes is None:
            return Signals(health=health, record_wrong_for=wrong_for)
        return Signals(
            health=health,
            reports=nodes.reports,
            configuration=nodes.digest,
            witness_holder=nodes.holder,
            unreadable=nodes.unreadable,
            record_wrong_for=wrong_for,
        )

    async def _health(self, view: View, *, is_due: bool) -> tuple[BackendHealth, ...] | None:
        """Return what the balancer says; what it does not say in time is not known.

        It is asked in every period, and where ``is_due``, whenever the last word is not fresh.
        """
        balancer = self.cluster.spec.access.load_balancer
        seen = view.get(view.names.load_balancer)
        memory, now = self.memory, _now()
        if balancer is None or not isinstance(seen, Present) or self.is_deleting:
            memory.health = None
            return None
        every = self._period * (VAIN_PERIODS if memory.is_health_vain else 1)
        is_moving = any(not one.is_settled for one in view.seen.present())
        if not is_due and (now - memory.health_at < every.total_seconds() or is_moving):
            return memory.health
        rule = view.names.balancing_rule(balancer.rules[0])
        try:
            max_age = HEALTH_FRESH if is_due else max(HEALTH_FRESH, every / 2)
            memory.health = await self.azure.rule_health(rule, max_age=max_age)
        except HAClusterError:
            memory.health = None
        memory.asked_health(now, every.total_seconds())
        return memory.health

    def _wrong_for(self) -> timedelta:
        since = self.memory.record_wrong_since
        return timedelta(seconds=_now() - since) if since is not None else timedelta()

    def _note_record(self, *, is_wrong: bool) -> None:
        if not is_wrong:
            self.memory.record_wrong_since = None
        elif self.memory.record_wrong_since is None:
            self.memory.record_wrong_since = _now()

    @property
    def _period(self) -> timedelta:
        return timedelta(seconds=self.cluster.spec.management.sync_interval_seconds)


def _now() -> float:
    return asyncio.get_running_loop().time()
