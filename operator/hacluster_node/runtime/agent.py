"""One agent run: puts the parts together and runs the state machine in this thread."""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
import os
import threading
import uuid
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional

from hacluster_node.clocks import now
from hacluster_node.core import events
from hacluster_node.core.clocks import Clocks
from hacluster_node.core.heartbeat import Heartbeat as Body
from hacluster_node.core.machine import Machine
from hacluster_node.errors import Broken, NodeError
from hacluster_node.guard import lines
from hacluster_node.guard.process import SOCKET as GUARD
from hacluster_node.helper.process import SOCKET as HELPER
from hacluster_node.net.udp import Heartbeats, Identity, Peers
from hacluster_node.runtime import control, status
from hacluster_node.runtime.azure import Azure
from hacluster_node.runtime.boot import boot_id
from hacluster_node.runtime.checking import Checks, own_address
from hacluster_node.runtime.configuration import Configuration, Publisher
from hacluster_node.runtime.effects import Effects, guard_event
from hacluster_node.runtime.fences import Fences
from hacluster_node.runtime.inbox import Inbox
from hacluster_node.runtime.journal import Journal
from hacluster_node.runtime.links import Link
from hacluster_node.runtime.mirrors import Mirrors, Verdict
from hacluster_node.runtime.orders import Orders
from hacluster_node.runtime.parts import Parts
from hacluster_node.runtime.saver import Saver
from hacluster_node.runtime.software import Software
from hacluster_node.runtime.stores import Stores
from hacluster_node.runtime.witnesses import Witnesses
from hacluster_node.runtime.workers import Workers
from hacluster_node.settings.own_keys import OwnKeys
from hacluster_node.settings.stored import Stored
from hacluster_wire.heartbeat import Heartbeat, Receiver

if TYPE_CHECKING:
    from hacluster_node.core.effects import StopNode, UseConfig
    from hacluster_node.settings.document import Settings
    from hacluster_node.settings.node_file import NodeFile
    from hacluster_wire.orders import Order

_LOG = logging.getLogger(__name__)
_PUBLISH_S = 5.0
_GUARD_HANGS_S = 2.0
_LONGEST_SLEEP_S = 0.5
_ACCEPT_S = 20.0
GUARD_LOST = 3  # exit code: systemd starts the agent anew


class Agent:
    """The agent of one node; `run` does not return while all is well.

    Args:
        node: who this node is.
    """

    def __init__(self, node: NodeFile) -> None:
        self._node = node
        self._inbox = Inbox()
        self._journal = Journal()
        self._keys = OwnKeys(node)
        self._stores = Stores(node.store, self._keys.sas)
        self._stored = Stored(node)
        self._missing: Mapping[str, str] = {}
        self._configuration = Configuration(node, self._stores, self._stored, self._journal)
        self._coming: Optional[Settings] = None
        self._publisher = Publisher(node, self._stores, self._keys)
        self._publish_at = 0.0
        self._turned_at = float("-inf")

    def run(self) -> int:
        """Run until the guard is lost; return the exit code."""
        settings = self._configuration.first()
        saver = Saver(self._node.state_directory, self._journal)
        boot, incarnation = boot_id(), uuid.uuid4().hex[:16]
        self._machine = Machine(settings.agent, boot, incarnation, saver.load())
        identity = Identity(self._node.cluster, self._node.node, boot, incarnation)
        self._parts = self._assemble(settings, identity, saver)
        self._effects = Effects(self._parts, settings.agent)
        self._software = Software(self._parts.helper, self._journal)
        self._software.first()
        self._use(settings)
        self._parts.heartbeats.start()
        self._parts.control.start()
        self._parts.azure.start()
        self._configuration.watch(self._adopt)
        self._parts.orders.start()
        self._software.watch()
        gc.collect()
        gc.freeze()  # What lives for ever need not be looked at again: shorter pauses.
        self._step(events.Started(Clocks(*now())))
        while True:
            self._turn()

    def _turn(self) -> None:
        left = self._machine.wake_at - now().raw
        maker = self._inbox.take(min(max(left, 0.0), self._longest_sleep_s()))
        clocks = Clocks(*now())
        if clocks.raw >= self._machine.wake_at:
            self._step(events.Woke(clocks))
        if maker is not None:
            event = maker(clocks)
            if event is not None:
                self._step(event)
        if clocks.raw - self._turned_at > _GUARD_HANGS_S / 2:
            self._parts.guard.wait_anew()
        elif self._parts.guard.oldest_wait_s() > _GUARD_HANGS_S:
            self._guard_lost("the guard does not answer")
        if not self._parts.fences.look(self._machine.node.timings.fence_s):
            self._guard_lost("the helper does not end a fence")
        self._turned_at = now().raw
        if clocks.raw >= self._publish_at:
            self._publish(clocks)

    def _longest_sleep_s(self) -> float:
        tenth = self._machine.node.timings.fence_s / 10
        return (
            min(tenth, _LONGEST_SLEEP_S) if self._parts.fences.are_under_way else _LONGEST_SLEEP_S
        )

    def _step(self, event: events.Event) -> None:
        for effect in self._machine.step(event):
            self._effects.carry_out(effect)

    def _assemble(self, settings: Settings, identity: Identity, saver: Saver) -> Parts:
        run = self._node.run_directory
        workers = Workers()
        guard = Link(run / GUARD, self._heard_guard, lambda: self._guard_lost("the guard is gone"))
        helper = Link(run / HELPER, _ignore, lambda: self._guard_lost("the helper is gone"))
        guard.call({"do": "configure"})
        mirrors = Mirrors(self._stores.container, self._node.node)
        readers = {"status": self._answer_status, "events": self._answer_events}
        deeds = {
            "mirror-peer-lost": self._mirror_peer_lost,
            "force-activate": self._force_activate,
        }
        _, gid = lines.agent_ids()
        return Parts(
            inbox=self._inbox,
            workers=workers,
            stores=self._stores,
            guard=guard,
            helper=helper,
            fences=Fences(guard, helper, self._heard_fenced, self._prepared),
            witnesses=Witnesses(
                self._stores, workers, self._inbox, self._node.kubernetes, self._keys.token
            ),
            heartbeats=Heartbeats(
                identity, own_address(settings.agent), self._peers(settings), self._heard_peer
            ),
            checks=Checks(self._stores, (guard, helper), mirrors, self._epoch),
            mirrors=mirrors,
            azure=Azure(
                self._node.store.metadata,
                self._stores,
                workers,
                self._inbox,
                self._journal,
                lambda: self._machine.node,
            ),
            control=control.Control(
                lines.listen(run / control.SOCKET),
                self._inbox,
                control.Verbs(readers, deeds),
                gid,
            ),
            journal=self._journal,
            orders=Orders(self._node, self._stores, self._journal, self._give, self._publish_soon),
            saver=saver,
            stop_node=self._stop_node,
            use=self._use_config,
        )

    # Configuration.

    def _adopt(self, settings: Settings) -> None:
        """Bring a newer configuration in; called in the configuration's thread."""

        def maker(clocks: Clocks) -> events.Event:
            self._coming = settings
            return events.ConfigChanged(clocks, settings.agent)

        self._software.put(settings.generation)  # before anything starts that needs it
        self._inbox.post(maker)

    def _use_config(self, _effect: UseConfig) -> None:
        """Put what came last in force: on disk, in the guard (before any deadline by it), here."""
        settings = self._coming
        if settings is None:
            return
        try:
            self._stored.use(settings.generation)
        except Broken as error:
            self._guard_lost(f"guard and helper cannot be told the configuration: {error.detail}")
        self._parts.guard.ask({"do": "configure"}, self._guard_configured)
        self._use(settings)

    def _guard_configured(self, answer: Mapping[str, Any]) -> None:
        if not answer["ok"]:
            self._guard_lost("the guard does not take the configuration")

    def _use(self, settings: Settings) -> None:
        self._settings = settings
        self._effects.config = settings.agent
        self._parts.checks.config = settings.agent
        self._parts.witnesses.configure(settings)
        self._parts.heartbeats.configure(self._peers(settings))
        self._publish_at = 0.0
        for group in settings.agent.groups:
            for resource in group.resources:
                if resource.kind == "MirrorDisk":
                    request = {"do": "prepare", "group": group.name, "resource": resource.name}
                    self._parts.helper.ask(request, self._prepared)

    def _prepared(self, answer: Mapping[str, Any]) -> None:
        if not answer["ok"]:
            self._journal.trouble(Broken(answer["code"] or "HAN-D01", answer["detail"]))

    def _peers(self, settings: Settings) -> Peers:
        agent = settings.agent
        others = {item.name: item.address for item in agent.nodes if item.name != agent.node}
        self._heartbeat_keys = self._keys.now().heartbeat
        reader = Receiver(self._heartbeat_keys, self._node.cluster, agent.node, settings.rollout)
        return Peers(others, settings.heartbeat_port, reader)

    # What comes in beside the inbox.

    def _heard_peer(self, beat: Heartbeat) -> None:
        if not beat.authentic:
            return  # Evidence and promises need a signature; liveness alone is worth nothing.
        try:
            body = Body.parse(beat.body)
        except ValueError:
            return
        self._inbox.post(
            lambda clocks: events.HeartbeatReceived(
                clocks, beat.sender, beat.boot_id, beat.incarnation, body
            )
        )

    def _heard_guard(self, message: Mapping[str, Any]) -> None:
        if message.get("event") == "hello":
            self._missing = message["missing"]
        elif message.get("event") == "refused":
            self._guard_lost("another agent is connected to the guard")
        elif message.get("event") == "fenced":
            self._parts.fences.heard(message)
        else:
            self._inbox.post(guard_event(message))

    def _heard_fenced(self, message: Mapping[str, Any]) -> None:
        self._inbox.post(guard_event(message))

    def _guard_lost(self, why: str) -> None:
        """End this run at once: nothing may serve unguarded. The helper fences if it can."""
        _LOG.error("Lost the guard", extra={"why": why, "code": "HAN-G01"})
        with contextlib.suppress(NodeError, AttributeError):
            self._parts.helper.call({"do": "fence_all"}, 2.0)
        os._exit(GUARD_LOST)

    def _stop_node(self, effect: StopNode) -> None:
        _LOG.warning("Stopped node", extra=effect._asdict())
        if effect.how != "Service":
            self._parts.helper.ask({"do": "machine", "how": effect.how}, self._prepared)

    # Status.

    def _epoch(self, group: str) -> int:
        right = self._machine.node.rights.get(group)
        return 0 if right is None else right.epoch

    def _status(self) -> Dict[str, Any]:
        extra = {
            "troubles": self._journal.troubles(),
            "missing": dict(self._missing),
            "configurationRefused": self._configuration.refused,
            "heartbeats": dict(self._parts.heartbeats.counts()),
            "witness": {
                "writes": self._parts.witnesses.writes,
                "lastFailure": self._parts.witnesses.last_failure,
            },
            "orders": self._parts.orders.results(),
            "keys": sorted(self._keys.now().heartbeat.keys),
            "software": self._software.trouble,
            "scheduledEvents": self._parts.azure.announced(),
            "events": self._journal.entries(20),
        }
        return status.build(self._machine, extra)

    def _answer_status(self, _message: Mapping[str, Any]) -> Dict[str, Any]:
        made = threading.Event()
        box: Dict[str, Any] = {}

        def look(_clocks: Clocks) -> None:
            box.update(self._status())
            made.set()

        self._inbox.post(look)
        if not made.wait(2.0):
            return {"ok": False, "code": "HAN-U01", "text": "the agent is busy"}
        return {"ok": True, "status": box}

    def _force_activate(self, message: Mapping[str, Any]) -> Dict[str, Any]:
        """Take the group; only if that is allowed, accept that the other half may have more data.

        The mirror's lane waits for the verdict, so that no start can overtake the acceptance.
        """
        command = control.command_of(message)
        group = str(message.get("group"))
        return self._taking_mirrors(group, lambda: self._parts.control.order(command))

    def _taking_mirrors(self, group: str, decide: Callable[[], Dict[str, Any]]) -> Dict[str, Any]:
        verdict = Verdict()

        def queue(_clocks: Clocks) -> None:
            for each in self._machine.node.config.groups:
                for resource in each.resources if each.name == group else ():
                    if resource.kind == "MirrorDisk":
                        job = functools.partial(self._accept, verdict, group, resource.name)
                        self._parts.workers.in_order(f"mirror {resource.name}", job)

        self._inbox.post(queue)
        answer = decide()
        verdict.tell(yes=bool(answer["ok"]))
        return answer

    # Orders through the store; called in their own thread.

    def _give(self, order: Order, begun: bool, epoch: int) -> None:  # noqa: FBT001 - as Give says
        given = events.Order(**vars(order))

        def maker(clocks: Clocks) -> events.Event:
            return events.OrderGiven(clocks, given, begun, epoch)

        if order.type == "ForceActivate" and not begun:
            self._taking_mirrors(order.group, lambda: self._parts.control.answered(order.id, maker))
        else:
            self._inbox.post(maker)

    def _publish_soon(self) -> None:
        self._publish_at = 0.0

    def _accept(self, verdict: Verdict, group: str, resource: str) -> None:
        if not verdict.is_yes():
            return
        request = {"do": "mirror-accept", "group": group, "resource": resource}
        try:
            answer = self._parts.helper.call(request, _ACCEPT_S)
            if not answer["ok"]:
                raise Broken(answer["code"] or "HAN-D01", answer["detail"])
            self._parts.mirrors.accept_loss(group, resource)
        except NodeError as error:
            self._journal.trouble(error)

    def _mirror_peer_lost(self, message: Mapping[str, Any]) -> Dict[str, Any]:
        group, resource = str(message.get("group")), str(message.get("resource"))
        peers = self._machine.node.config.peers
        try:
            self._parts.mirrors.peer_lost(group, resource, peers, self._epoch(group))
        except NodeError as error:
            self._journal.trouble(error)
            return {"ok": False, "code": error.code, "text": error.detail}
        return {"ok": True, "text": f"{', '.join(peers)} noted as behind"}

    def _answer_events(self, message: Mapping[str, Any]) -> Dict[str, Any]:
        last = message.get("last", 50)
        return {"ok": True, "events": self._journal.entries(last if type(last) is int else 50)}

    def _publish(self, clocks: Clocks) -> None:
        self._publish_at = clocks.raw + _PUBLISH_S
        if self._keys.now().heartbeat is not self._heartbeat_keys:
            self._parts.heartbeats.configure(self._peers(self._settings))
        content = self._status()
        self._parts.workers.in_order("status", lambda: self._publisher.publish(content))


def _ignore(_message: Mapping[str, Any]) -> None:
    """The helper says nothing by itself."""


def main(node: NodeFile) -> int:
    """Run an agent; return its exit code. systemd starts it anew, whatever that is."""
    try:
        return Agent(node).run()
    except Broken as error:
        _LOG.error("Agent could not start", extra={"code": error.code, "why": error.detail})
        return 1
