"""The second step of a pass: look at Azure, and at who serves, through the ports.

A first look takes what all clusters share. What is under way is read by itself, and what is about
to be written is read once more: no write rests on an old reading.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from hacluster.errors import HAClusterError
from hacluster.model.assessment import Assessment, BackendHealth, Signals
from hacluster.model.cluster import Cluster
from hacluster.model.ids import ArmId
from hacluster.model.names import ClusterNames
from hacluster.model.observed import Present, Snapshot
from hacluster.model.reasons import Reason
from hacluster.plan import parts
from hacluster.plan.view import View
from hacluster.reconcile.assess import assess
from hacluster.reconcile.health import pause, soon
from hacluster.reconcile.memory import Memory, Settled
from hacluster.reconcile.nodes import NodesObserver, basis_of
from hacluster.reconcile.nodes_seen import NodesSeen
from hacluster.reconcile.ports import Account, Look, Subscription
from hacluster.reconcile.preparing import Prepared, Preparer, runs_of

HEALTH_FRESH: Final = timedelta(seconds=20)
"""How old the balancer's word may be when a node is interrupted on its ground, counted from when
Azure began to collect it, which takes it some seconds."""
STILL_GOOD: Final = 0.9
"""For which part of a period a look at Azure serves the passes that are made for the nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a look has found."""

    view: View
    signals: Signals
    rule: ArmId | None
    """The rule whose health tells who serves, if there is one."""
    nodes: NodesSeen | None = None
    """What was read about the nodes; None where no agent of ours runs them."""
    prepared: Prepared | None = None
    """What was read for nodes that the operator configures itself."""

    def settled(self, asked: tuple[object, ...]) -> Settled | None:
        """Return what to compare later looks with; None where they cannot be compared."""
        if (tag := self.view.seen.tag) is None:
            return None
        return Settled(
            asked=asked,
            tag=tag,
            rule=self.rule,
            signals=self.signals,
            basis=basis_of(self.view) if self.nodes else None,
            nodes=self.nodes.gist() if self.nodes else None,
            runs=runs_of(self.view) if self.prepared else None,
            prepared=self.prepared,
        )


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
    version: tuple[object, ...]
    """What the object is known by; what to look at is the same as long as this is."""
    inventory: Callable[[], tuple[str, ...]]
    """What the status says that we made."""
    is_deleting: bool
    nodes: NodesObserver | None = None
    """Reads what the nodes say; None where no agent of ours runs them."""
    preparer: Preparer | None = None
    """Reads what nodes need that the operator configures itself."""
    is_asked: bool = False
    """Whether somebody has asked for this look: then nothing remembered will do."""

    async def observe(self, settled: Settled | None) -> Observed | None:
        """Look at all that the cluster names; return None if all is as it was when ``settled``.

        Nodes are asked more often than Azure is looked at: in between, what was seen of it last
        still counts. That nothing was under way when ``settled``, is a part of it.
        """
        seen = None if settled and self._is_between(settled) else await self._look_at_all()
        if settled and await self._is_as(settled, seen.tag if seen else settled.tag):
            return None
        return await self._judge(seen or await self._look_at_all(), is_health_due=self.is_asked)

    async def look_once(self) -> Observed:
        """Look at all, and make of it what it means."""
        return await self._judge(await self._look_at_all(), is_health_due=self.is_asked)

    def _is_between(self, settled: Settled) -> bool:
        """Say whether this pass is for the nodes only: Azure was looked at a short while ago."""
        is_good = _now() < self.memory.looked_until and self.memory.is_at_rest
        return settled.basis is not None and is_good and not self.is_asked

    async def _is_as(self, settled: Settled, tag: tuple[int, ...] | None) -> bool:
        """Say whether Azure, the nodes and who serves are the same; each is asked in its time."""
        if tag is None or tag != settled.tag:
            return False
        nodes = await self._nodes(settled.basis) if settled.basis else None
        prepared = await self._prepared(settled.runs) if settled.runs else None
        if (nodes, prepared) != (settled.nodes, settled.prepared):
            return False
        found = await self._signals(settled.rule, tag, nodes, is_moving=False)
        return found == settled.signals

    async def _look_at_all(self) -> Snapshot:
        """Look; what moves is read by itself, and while it does, older readings of the rest do."""
        is_between = self.nodes is not None and _now() < self.memory.looked_until
        is_moving = bool(self.memory.moving) or self.memory.is_following or is_between
        fresh = self.memory.moving - self.memory.running
        return await self._look(fresh, is_moving=is_moving and not self.is_asked)

    async def confirm(self, about: frozenset[ArmId], *, disrupts: bool) -> Observed:
        """Look once more: ``about`` is read now, and only that.

        Who serves is asked again where a step ``disrupts`` a node: since the balancer was asked
        last, the service may have moved to just that node.
        """
        seen = await self._look(about, is_moving=True)
        return await self._judge(seen, is_health_due=disrupts)

    async def _look(self, fresh: frozenset[ArmId], *, is_moving: bool) -> Snapshot:
        names = ClusterNames.of(self.cluster)
        look = Look(
            ids=self.memory.watched(self.version, self._watched),
            group=names.resource_group,
            owner=names.owner,
            period=self._period,
            fresh=fresh,
            is_moving=is_moving,
            members=self.is_deleting,
        )
        seen = await self.azure.look(look)
        if not is_moving:
            self.memory.looked_until = _now() + self._period.total_seconds() * STILL_GOOD
        return seen

    def _watched(self) -> tuple[ArmId, ...]:
        return parts.watched(View.of(self.cluster), self.inventory())

    async def _judge(self, seen: Snapshot, *, is_health_due: bool) -> Observed:
        view = View.of(self.cluster, seen=seen, inventory=self.inventory())
        rule, nodes = self._rule(view), await self._nodes(view)
        is_moving = any(not one.is_settled for one in seen.present())
        signals = await self._signals(
            rule, seen.tag, nodes, is_moving=is_moving, is_due=is_health_due
        )
        assessment = assess(view, signals)
        self._note_record(is_wrong=assessment.is_record_wrong)
        self._compare(assessment)
        installation = nodes.installation if nodes else None
        view = replace(view, assessment=assessment, installation=installation)
        prepared = await self._prepared(view)
        if prepared is not None:
            view = replace(view, preparation=prepared.preparation)
        return Observed(view=view, signals=signals, rule=rule, nodes=nodes, prepared=prepared)

    def _compare(self, assessment: Assessment) -> None:
        """Have the balancer asked the oftener, the less its word agrees with the agents'."""
        watch, balancer = self.memory.health, self.cluster.spec.access.load_balancer
        watch.is_calm = assessment.active is not None and not assessment.findings
        several = (one for one in assessment.findings if one.reason == Reason.MORE_THAN_ONE_SERVES)
        probe = timedelta(seconds=balancer.probe.interval_seconds if balancer else 0)
        watch.compared(
            differs=assessment.is_contradictory or any(several),
            soon=soon(probe, self._period, self.azure.sharers),
        )

    async def _nodes(self, view: View) -> NodesSeen | None:
        if self.nodes is None or self.is_deleting or not view.runs_agents:
            return None
        return await self.nodes.observe(view)

    async def _prepared(self, view: View) -> Prepared | None:
        if self.preparer is None or self.is_deleting or not view.prepares_nodes:
            return None
        return await self.preparer.prepare(view)

    def _rule(self, view: View) -> ArmId | None:
        """Return the rule to ask about; None where there is nothing to ask."""
        balancer = self.cluster.spec.access.load_balancer
        seen = view.get(view.names.load_balancer)
        if balancer is None or not isinstance(seen, Present) or self.is_deleting:
            return None
        return view.names.balancing_rule(balancer.rules[0])

    async def _signals(
        self,
        rule: ArmId | None,
        tag: tuple[int, ...] | None,
        nodes: NodesSeen | None,
        *,
        is_moving: bool,
        is_due: bool = False,
    ) -> Signals:
        within = pause(self._period, self.azure.sharers)
        signals = Signals(
            health=await self._health(rule, tag, is_moving=is_moving, is_due=is_due),
            health_within=within if rule and within > self._period else timedelta(),
            record_wrong_for=self._wrong_for(),
        )
        if nodes is None:
            return signals
        return replace(
            signals,
            reports=nodes.reports,
            configuration=nodes.digest,
            witness_holder=nodes.holder,
            unreadable=nodes.unreadable,
        )

    async def _health(
        self, rule: ArmId | None, tag: tuple[int, ...] | None, *, is_moving: bool, is_due: bool
    ) -> tuple[BackendHealth, ...] | None:
        """Return what the balancer says; what it does not say in time is not known.

        It is asked as often as `health` says, and where ``is_due``, whenever the last word is not
        fresh; not while something moves, for then Azure answers nothing.
        """
        watch, now = self.memory.health, _now()
        if rule is None:
            watch.forget()
            return None
        is_time = watch.is_due(now, self._period, self.azure.sharers, tag)
        if not is_due and (is_moving or not is_time):
            return watch.answer
        try:
            max_age = HEALTH_FRESH if is_due else max(HEALTH_FRESH, self._period / 2)
            if watch.is_eager:
                max_age = min(max_age, watch.newer(now))
            answer = await self.azure.rule_health(rule, max_age=max_age)
        except HAClusterError:
            watch.is_silent(now, is_known=False)
            return None
        if answer is None:
            watch.is_silent(now, is_known=not is_due)
        else:
            watch.answered(answer, now, tag)
        return watch.answer

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
