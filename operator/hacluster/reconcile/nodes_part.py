"""The nodes' part in a pass: who reads and writes for them, and when they are asked again."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from hacluster.errors import AgentRefused
from hacluster.model.cluster import Cluster
from hacluster.model.ids import ArmId
from hacluster.model.reasons import Reason
from hacluster.model.status import GroupStatus
from hacluster.plan import external_nodes, run_command
from hacluster.plan.view import View
from hacluster.reconcile import schedule
from hacluster.reconcile.gate import Gated
from hacluster.reconcile.memory import Memory
from hacluster.reconcile.nodes import NodesObserver
from hacluster.reconcile.nodes_writer import NodesWriter
from hacluster.reconcile.observation import Observed, account_of
from hacluster.reconcile.ports import Agents, Azure, Raw
from hacluster.reconcile.preparing import Preparer
from hacluster.reconcile.relocating import Relocating
from hacluster.reconcile.reporting import Report

RUN_AGAIN_S: Final = 15.0
"""The pause after a script has failed on a node for the first time; it doubles."""
RUN_AGAIN_LATEST_S: Final = 600.0
NEWS_S: Final = 30.0
"""After a group has moved, or begun to, the nodes are asked often for so long."""


class NodesPart:
    """One pass's; without ``agents`` the nodes are left alone."""

    def __init__(
        self,
        agents: Agents | None,
        raw: Raw,
        memory: Memory,
        report: Report,
        now: Callable[[], datetime],
    ) -> None:
        self._agents = agents
        self._raw = raw
        self._memory = memory
        self._report = report
        self._now = now

    def observer(self, cluster: Cluster, azure: Azure) -> NodesObserver | None:
        """Return who reads what the nodes say, or None where nobody does."""
        if self._agents is None or self._raw.is_deleted:
            return None
        return NodesObserver(
            agents=self._agents,
            azure=azure,
            account=account_of(cluster),
            cluster=cluster,
            memory=self._memory.nodes,
            now=self._now,
        )

    def preparer(self, cluster: Cluster) -> Preparer | None:
        """Return who reads what nodes need that the operator configures itself."""
        if self._agents is None or self._raw.is_deleted:
            return None
        return Preparer(
            vault=self._agents.vault,
            cluster=cluster,
            memory=self._memory.preparation,
            now=self._now,
        )

    async def give(self, observed: Observed) -> bool:
        """Give the nodes what they lack; say whether anything was written."""
        if self._agents is None or observed.nodes is None:
            return False
        writer = NodesWriter(
            agents=self._agents, memory=self._memory.nodes, raw=self._raw, now=self._now
        )
        return await writer.write(observed.view, observed.nodes)

    async def make_room(self, observed: Observed, gated: Gated) -> Gated:
        """Have groups moved away from a node that is to be interrupted; return what is held so.

        Raises:
            KubernetesError: the API server does not answer.
        """
        acts = self._agents.acts if self._agents else None
        if acts is None or self._raw.is_deleted:
            return gated
        relocating = Relocating(acts=acts, raw=self._raw, now=self._now())
        room = await relocating.make(observed.view, observed.signals, gated)
        is_contradictory = observed.view.assessment.is_contradictory
        self._memory.makes_room = room.is_awaited or is_contradictory
        if room.is_awaited:
            self._memory.nodes.hurry(_monotonic(), NEWS_S)
            if is_contradictory:
                self._memory.look_again()
        return room.gated

    def note_failed_runs(self, view: View) -> None:
        """Have a script that failed on a node wait before it is run again: longer each time."""
        for node in view.spec.nodes if view.installation else ():
            failed = run_command.attempts(view, node), run_command.failure(view, node)
            where = view.names.agent_command(node)
            self._note_failed_run(node.name, where, *failed, Reason.INSTALL_FAILED)
        for node in view.spec.nodes if view.preparation else ():
            failed = external_nodes.attempts(view, node), external_nodes.failure(view, node)
            where = view.names.configuration_command(node)
            self._note_failed_run(node.name, where, *failed, Reason.SOFTWARE_FAILED)

    def _note_failed_run(
        self, node: str, where: ArmId, attempt: int, why: str, reason: Reason
    ) -> None:
        noted = self._memory.nodes.attempts
        if not why or noted.get(node) == attempt:
            return
        noted[node] = attempt
        error = AgentRefused(f"attempt {attempt} on {node}: {why}")
        error.reason = reason
        pause = min(RUN_AGAIN_S * 2.0 ** min(attempt - 1, 10), RUN_AGAIN_LATEST_S)
        self._memory.patience.failed(where, error, _monotonic(), at_least=pause)
        self._report.failure(where, error)

    def told(self, now: tuple[GroupStatus, ...], before: tuple[GroupStatus, ...]) -> None:
        """Note where groups run; after news the nodes are asked often for a while."""
        self._memory.nodes.saw(now)
        if now != before:
            self._memory.nodes.hurry(_monotonic(), NEWS_S)

    def wait(self, observed: Observed) -> timedelta:
        """Return when the nodes are to be asked again: soon while an answer of theirs is due."""
        return timedelta.max if observed.nodes is None else self.pause(observed.view.cluster)

    def pause(self, cluster: Cluster) -> timedelta:
        """Return how long the nodes are left alone."""
        period = cluster.spec.management.sync_interval_seconds
        is_eager = _monotonic() < self._memory.nodes.eager_until
        return schedule.nodes_look(timedelta(seconds=period), is_eager=is_eager)


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
