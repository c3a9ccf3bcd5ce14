"""One pass: look, decide, report, act.

| step | by |
|---|---|
| parse | `model.parse` |
| observe, assess | `observation`, `assess` |
| plan | `plan.parts` |
| gate | `gate`, and what Azure refused lately waits (`patience`) |
| summarize | `summarize` |
| publish | one status patch, only if different; events on transitions |
| apply | one request per step, side by side, never waiting |
| requeue | `schedule` |

The status is published before anything is done: the inventory in it names what a request is about
to make, so that nothing is forgotten if this process dies between the two. What became of a request
is told by the next pass, which follows at once.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from hacluster.errors import ArmUnavailable, HAClusterError, SpecInvalid
from hacluster.model import kinds
from hacluster.model.azure import DeletionPolicy, ManagementMode
from hacluster.model.cluster import Cluster
from hacluster.model.ids import ArmId
from hacluster.model.reasons import Reason
from hacluster.plan import deletion, inventory, parts
from hacluster.plan.steps import Put, Refuse, Step
from hacluster.plan.view import View
from hacluster.reconcile import schedule, summarize
from hacluster.reconcile.gate import DELETION, Gated, Held, gate
from hacluster.reconcile.judgement import counted
from hacluster.reconcile.keeper import Verdict
from hacluster.reconcile.memory import Memory
from hacluster.reconcile.nodes_part import NodesPart
from hacluster.reconcile.observation import Observed, Observer, account_of
from hacluster.reconcile.passed import Passed
from hacluster.reconcile.ports import (
    Agents,
    Azure,
    Counters,
    Done,
    EventType,
    Failed,
    Kubernetes,
    KubernetesError,
    Lost,
    Outcome,
    Raw,
    Started,
    Subscription,
    Waiting,
)
from hacluster.reconcile.reporting import Report

logger = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 8
"""Requests of one cluster that are under way side by side."""
API_AWAY: Final = timedelta(seconds=2)
"""The pause after the API server could not be written to."""
HEALTH_SOON: Final = timedelta(seconds=5)
"""The pause after the balancer was asked for its health and is still collecting it."""
READ_AGAIN: Final = "it is read once more first"
"""Why a step waits that only the second look of a pass has shown to be possible."""
SPEC_WRONG: Final = timedelta(hours=1)
"""A wrong spec is looked at again when it changes; this is for what a newer operator allows."""


def utc_now() -> datetime:
    """Return the time, to the second: all that a status needs."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class OnePass:
    """Passes over the ports; holds nothing of its own."""

    azure: Azure
    kubernetes: Kubernetes
    counters: Counters
    agents: Agents | None = None
    """What is needed to have agents on the nodes; None leaves the nodes alone."""
    now: Callable[[], datetime] = utc_now

    async def run(self, raw: Raw, memory: Memory) -> Verdict:
        """Do one pass over one object; see `keeper.Passes`."""
        began = time.perf_counter()
        run = _Run(self, raw, memory)
        verdict = await run.go()
        self.counters.passed(run.result, time.perf_counter() - began)
        return verdict


class _Run:
    """One pass under way."""

    def __init__(self, doors: OnePass, raw: Raw, memory: Memory) -> None:
        self._doors = doors
        self._raw = raw
        self._memory = memory
        self._report = Report(doors.kubernetes, raw, memory)
        self._nodes = NodesPart(doors.agents, raw, memory, self._report, doors.now)
        self.result = "settled"

    async def go(self) -> Verdict:
        """Do the pass; only the API server's absence ends it early."""
        try:
            return await self._go()
        except KubernetesError as error:
            self.result = "unpublished"
            logger.warning("Left status unwritten", extra=self._report.fields(why=str(error)))
            return Verdict(wait=API_AWAY)

    async def _go(self) -> Verdict:
        if self._raw.is_deleted and self._raw.annotations.get(kinds.ABANDON) == "true":
            return await self._abandoned()
        try:
            cluster = self._memory.cluster(self._raw)
        except SpecInvalid as error:
            return await self._invalid(error)
        if self._raw.is_deleted and _keeps_all(cluster):
            return self._finished()
        asked = (self._raw.generation, self._report.requested_at)
        self._memory.patience.reset_unless(asked)
        try:
            azure = await self._doors.azure.enter(account_of(cluster))
            return await self._in(azure, cluster)
        except HAClusterError as error:
            if isinstance(error, KubernetesError):
                raise
            return await self._blind(cluster, error)

    async def _in(self, azure: Subscription, cluster: Cluster) -> Verdict:
        """Look, decide, report and act in a subscription that was entered."""
        asked = (self._report.version, cluster.generation, self._report.requested_at)
        observer = Observer(
            azure=azure,
            cluster=cluster,
            memory=self._memory,
            version=(self._raw.version, *asked),
            inventory=lambda: self._report.inventory,
            is_deleting=self._raw.is_deleted,
            nodes=self._nodes.observer(cluster, self._doors.azure),
            preparer=self._nodes.preparer(cluster),
            is_asked=self._report.is_asked,
        )
        self._memory.running = await self._running(azure)
        settled = self._memory.settled
        is_settled = settled is not None and settled.asked == asked and not self._raw.is_deleted
        observed = await observer.observe(settled if is_settled else None)
        self._memory.is_following = False
        if observed is None:
            return Verdict(wait=self._idle(cluster))
        self._memory.settled = None
        gated = await self._decide(azure, observed.view)
        if gated.allowed:
            about = frozenset(step.id for step in gated.allowed)
            disrupts = any(map(_interrupts, gated.allowed))
            observed = await observer.confirm(about, disrupts=disrupts)
            gated = _only(await self._decide(azure, observed.view), about, disrupts=disrupts)
        if self._raw.is_deleted and self._is_gone(observed.view):
            return self._finished()
        gated = await self._nodes.make_room(observed, gated)
        status = summarize.summarize(self._passed(observed, gated))
        await self._report.write(status)
        self._nodes.told(status.groups, self._report.previous.groups)
        outcomes = await self._apply(azure, gated.allowed)
        if await self._nodes.give(observed):
            return Verdict(wait=schedule.AT_ONCE)
        if any(held.why == READ_AGAIN for held in gated.held):
            return Verdict(wait=min(schedule.MOVING, self._wait(observed, outcomes)))
        if not outcomes and self._memory.is_at_rest:
            self._memory.settled = observed.settled((self._report.version, *asked[1:]))
        return Verdict(wait=self._wait(observed, outcomes))

    def _idle(self, cluster: Cluster) -> timedelta:
        """Return how long a cluster at rest is left alone."""
        idle = timedelta(seconds=cluster.spec.management.sync_interval_seconds)
        if self._memory.settled and self._memory.settled.basis:
            idle = min(idle, self._nodes.pause(cluster))
        return min(idle, HEALTH_SOON) if self._memory.health.is_awaited else idle

    def _is_gone(self, view: View) -> bool:
        """Say whether nothing of ours is left, nor on its way out."""
        return not self._memory.moving and deletion.is_complete(view)

    async def _decide(self, azure: Subscription, view: View) -> Gated:
        """Return which steps may be done now; what was refused lately, or is begun, waits."""
        await self._ask_operations(azure, view)
        steps = parts.plan_deletion(view) if self._raw.is_deleted else parts.plan(view)
        self._memory.patience.only(step.id for step in steps)
        self._nodes.note_failed_runs(view)
        gated = gate(steps, view, DELETION if self._raw.is_deleted else None)
        held = {step.id: why for step in gated.allowed if (why := self._objection(step))}
        return replace(
            gated,
            allowed=tuple(step for step in gated.allowed if step.id not in held),
            held=(*gated.held, *held.values()),
        )

    def _objection(self, step: Step) -> Held | None:
        trouble = self._memory.patience.of(step.id)
        if self._memory.is_begun(step.id):
            why = "Azure has accepted it and works on it"
            return Held(step=step, reason="Progressing", why=why)
        if trouble is not None and trouble.due > _now():
            return Held(step=step, reason=trouble.error.reason, why=str(trouble.error))
        return None

    async def _running(self, azure: Subscription) -> frozenset[ArmId]:
        """Return the machines of which Azure's operations tell that it still works on them.

        Azure answers few readings of a machine, and many of an operation.
        """
        machines = [step.id for step in self._memory.begun.values() if schedule.is_machine(step.id)]

        async def is_running(machine: ArmId) -> bool:
            try:
                operation = await azure.operation_of(machine)
            except HAClusterError:
                return False  # Then the machine itself is read, and tells what is wrong.
            return operation is not None and operation.is_running

        found = await asyncio.gather(*map(is_running, machines))
        return frozenset(one for one, runs in zip(machines, found, strict=True) if runs)

    async def _ask_operations(self, azure: Subscription, view: View) -> None:
        """Learn from Azure's operations what the resources themselves do not tell."""
        for resource in self._memory.saw(view.seen):
            if resource in self._memory.running:
                continue  # That was asked just now.
            operation = await azure.operation_of(resource)
            if operation is not None and operation.is_running:
                continue
            self._memory.ended(resource)
            if operation is not None and operation.error is not None:
                self._memory.patience.failed(resource, operation.error, _now())
                self._report.failure(resource, operation.error)

    async def _apply(self, azure: Subscription, steps: Iterable[Step]) -> tuple[Outcome, ...]:
        """Send the steps side by side; note what came of each."""
        limit = asyncio.Semaphore(MOST_AT_ONCE)

        async def one(step: Step) -> Outcome:
            async with limit:
                outcome = await azure.apply(step)
            self._note(outcome)
            return outcome

        return tuple(await asyncio.gather(*(one(step) for step in steps)))

    def _note(self, outcome: Outcome) -> None:
        step = outcome.step
        name = type(outcome).__name__.lower()
        self._doors.counters.step(summarize.verb(step), name)
        fields = self._report.fields(
            step=summarize.verb(step), resource_id=step.id, why=step.why, outcome=name
        )
        match outcome:
            case Started():
                self._memory.patience.succeeded(step.id)
                self._memory.began(step)
                logger.info("Started step", extra=fields)
            case Done():
                self._memory.patience.succeeded(step.id)
                logger.info("Did step", extra=fields)
            case Lost():
                logger.info("Lost step to another writer", extra=fields)
            case Waiting():
                busy = ArmUnavailable(outcome.why, reason=Reason.PROGRESSING)
                self._memory.patience.failed(step.id, busy, _now())
                logger.info("Postponed step", extra=fields | {"because": outcome.why})
            case Failed():
                self._memory.patience.failed(step.id, outcome.error, _now())
                self._report.failure(step.id, outcome.error)

    def _wait(self, observed: Observed, outcomes: tuple[Outcome, ...]) -> timedelta:
        """Return how long to wait; a new failure is told by a pass that follows at once."""
        if any(isinstance(one, Failed) for one in outcomes):
            self.result = "failed"
            self._memory.is_following = True
            return schedule.AT_ONCE
        wait = schedule.next_look(observed.view, outcomes)
        wait = min(wait, self._nodes.wait(observed))
        if self._memory.moving:
            wait = min(wait, schedule.while_moving(self._memory.moving, self._memory.running))
        if self._memory.health.is_awaited:
            wait = min(wait, HEALTH_SOON)
        wait = min(wait, self._memory.health.eager_wait(_now()))
        if (due := self._memory.patience.next_due()) is not None:
            wait = min(wait, timedelta(seconds=max(due - _now(), 0.1)))
        if outcomes or self._memory.moving:
            self.result = "working"
        return wait

    def _passed(self, observed: Observed, gated: Gated) -> Passed:
        view = observed.view
        wanted = () if self._raw.is_deleted else parts.wanted(view)
        puts = [step for step in gated.allowed if isinstance(step, Put)]
        return Passed(
            view=view,
            now=self._doors.now(),
            previous=self._report.previous,
            signals=observed.signals,
            nodes=observed.nodes,
            prepared=observed.prepared,
            last_nodes=self._memory.nodes.last_nodes,
            gated=gated,
            inventory=inventory.inventory(view, wanted, self._report.inventory, puts),
            foreign=inventory.foreign_children(view, wanted),
            troubles=self._report.troubles,
            moving=tuple(sorted(self._memory.moving)),
            requested_at=self._report.requested_at,
            is_deleting=self._raw.is_deleted,
        )

    async def _blind(self, cluster: Cluster, error: HAClusterError) -> Verdict:
        """Report a pass that could not look at Azure at all."""
        self.result = "blind"
        view = View.of(cluster, inventory=self._report.inventory)
        passed = Passed(
            view=view,
            now=self._doors.now(),
            previous=self._report.previous,
            troubles=self._report.troubles,
            trouble=error,
            requested_at=self._report.requested_at,
            is_deleting=self._raw.is_deleted,
        )
        await self._report.write(summarize.summarize(passed))
        return Verdict(wait=schedule.next_look(view, (), error))

    async def _invalid(self, error: SpecInvalid) -> Verdict:
        self.result = "invalid"
        status = summarize.summarize_refused(
            error, self._report.previous, self._raw.generation, self._doors.now()
        )
        await self._report.write(status)
        return Verdict(wait=SPEC_WRONG)

    async def _abandoned(self) -> Verdict:
        left = len(self._report.inventory)
        stay = counted(left, "thing", "stay")
        message = f"Azure was left as it is: {stay} there, as {kinds.ABANDON} asks"
        await self._doors.kubernetes.event(self._raw, EventType.WARNING, "Abandoned", message)
        logger.warning("Abandoned cluster", extra=self._report.fields(left=left))
        return self._finished()

    def _finished(self) -> Verdict:
        self.result = "finished"
        logger.info("Finished deletion of cluster", extra=self._report.fields())
        return Verdict(wait=timedelta(), is_finished=True)


def _keeps_all(cluster: Cluster) -> bool:
    """Say whether nothing may be deleted, so that an object can go without a look at Azure."""
    management = cluster.spec.management
    is_kept = management.deletion_policy is DeletionPolicy.RETAIN
    return is_kept or management.mode is ManagementMode.OBSERVE


def _only(gated: Gated, about: frozenset[ArmId], *, disrupts: bool) -> Gated:
    """Hold the steps on what was not read just now; they are done by the next pass.

    So is what would interrupt a node, if who serves was not asked for just now (``disrupts``).
    """
    late = [
        step
        for step in gated.allowed
        if step.id not in about or (_interrupts(step) and not disrupts)
    ]
    return replace(
        gated,
        allowed=tuple(step for step in gated.allowed if step not in late),
        held=(
            *gated.held,
            *(Held(step=s, reason="Progressing", why=READ_AGAIN) for s in late),
        ),
    )


def _interrupts(step: Step) -> bool:
    return not isinstance(step, Refuse) and step.disrupts is not None


def _now() -> float:
    return asyncio.get_running_loop().time()
