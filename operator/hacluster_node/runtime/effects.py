"""Carries out each effect the state machine asks for, in order, without ever waiting long.

What takes time goes to a lane, the pool, the guard or the helper and comes back as an event.
Only two effects wait for an answer here, each at most a second: the guard must know a new
deadline, and must have opened the traffic, before anything of the group starts.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Callable, Mapping, Type

from hacluster_node.core import effects, events
from hacluster_node.errors import Broken, NodeError
from hacluster_node.records import azure_dns
from hacluster_node.resources.catalogue import GUARD_KINDS, KINDS
from hacluster_node.runtime.checking import own_address

if TYPE_CHECKING:
    from hacluster_node.core.clocks import Clocks
    from hacluster_node.core.config import AgentConfig, Resource
    from hacluster_node.runtime.parts import Parts

_LOG = logging.getLogger(__name__)
Handler = Callable[[Any], None]
EARLY = ("HAN-D01", "HAN-A02")
"""Codes of starts that were too early: the newest half of a mirror is on another node, or ARM
throttles or does not answer. Neither is a reason to give a group up."""
_DONE: Mapping[str, Any] = {"ok": True, "detail": ""}


class Effects:
    """The table from effect to deed.

    Args:
        parts: everything that can do something.
        config: the configuration in force; replaced when it changes.
    """

    def __init__(self, parts: Parts, config: AgentConfig) -> None:
        self.config = config
        self._parts = parts
        self._table: Mapping[Type[Any], Handler] = {
            effects.ReadWitness: parts.witnesses.read,
            effects.WriteWitness: parts.witnesses.write,
            effects.SendHeartbeat: self._send_heartbeat,
            effects.SetDeadline: self._set_deadline,
            effects.ClearDeadline: lambda e: self._tell_guard({"do": "clear", "group": e.group}),
            effects.Fence: parts.fences.begin,
            effects.HoldTraffic: self._hold,
            effects.OpenTraffic: self._open,
            effects.PetWatchdog: self._pet,
            effects.StartResource: self._start,
            effects.StopResource: self._stop,
            effects.AnswerProbe: self._answer_probe,
            effects.RunCheck: self._check,
            effects.RunScript: self._script,
            effects.StopNode: parts.stop_node,
            effects.PowerOffPeer: parts.azure.power_off,
            effects.AcknowledgeMaintenance: parts.azure.acknowledge,
            effects.UseConfig: parts.use,
            effects.SaveState: self._save,
            effects.Reply: parts.control.reply,
            effects.OrderReported: parts.orders.report,
            effects.Decided: parts.journal.decided,
        }

    def carry_out(self, effect: effects.Effect) -> None:
        """Do one effect; what went wrong comes back as an event or is told in the journal."""
        try:
            self._table[type(effect)](effect)
        except NodeError as error:
            self._parts.journal.trouble(error)

    def _send_heartbeat(self, effect: effects.SendHeartbeat) -> None:
        epoch = max((report.epoch for report in effect.body.groups), default=0)
        self._parts.heartbeats.send(effect.to, epoch, effect.body.plain())

    def _set_deadline(self, effect: effects.SetDeadline) -> None:
        message = {
            "do": "deadline",
            "group": effect.group,
            "epoch": effect.epoch,
            "stamp": list(effect.stamp),
            "fence_after_s": effect.fence_after_s,
        }
        self._parts.guard.ask(message, _nothing)

    def _hold(self, effect: effects.HoldTraffic) -> None:
        self._tell_guard({"do": "hold", "group": effect.group})

    def _open(self, effect: effects.OpenTraffic) -> None:
        answer = self._parts.guard.call({"do": "open", "group": effect.group})
        if not answer["ok"]:
            raise Broken("HAN-R03", f"the guard did not open {effect.group}: {answer['detail']}")

    def _pet(self, _effect: effects.PetWatchdog) -> None:
        timeout_s = self.config.partition.timings.watchdog_s
        self._parts.guard.send({"do": "pet", "timeout_s": timeout_s})

    def _answer_probe(self, effect: effects.AnswerProbe) -> None:
        self._parts.guard.send({"do": "probe_answer", **effect._asdict()})

    def _start(self, effect: effects.StartResource) -> None:
        resource = self._resource(effect.group, effect.resource)
        if resource.kind == "MirrorDisk":
            self._start_mirror(effect)
        elif resource.kind in KINDS:
            self._in_helper("start", effect)
        elif resource.kind in GUARD_KINDS:
            self._in_guard("probe_open", effect)
        else:
            self._put_record(resource, effect)

    def _stop(self, effect: effects.StopResource) -> None:
        resource = self._resource(effect.group, effect.resource)
        if resource.kind in KINDS:
            self._in_helper("stop", effect)
        elif resource.kind in GUARD_KINDS:
            self._in_guard("probe_close", effect)
        else:
            self._withdraw_record(resource, effect)

    def _start_mirror(self, effect: effects.StartResource) -> None:
        """Ask the cluster's store first whether this half was left behind."""

        def job() -> None:
            try:
                newest = self._parts.mirrors.is_newest(effect.group, effect.resource)
            except NodeError as error:
                self._resource_done(effect.action, {"ok": False, "detail": str(error)})
            else:
                self._in_helper("start", effect, newest=newest)

        self._parts.workers.in_order(f"mirror {effect.resource}", job)

    def _in_helper(self, verb: str, effect: Any, *, newest: bool = True) -> None:
        message = {
            "newest": newest,
            "do": verb,
            "group": effect.group,
            "resource": effect.resource,
            "epoch": effect.epoch,
            "timeout_s": effect.timeout_s,
        }
        self._parts.helper.ask(message, lambda answer: self._resource_done(effect.action, answer))

    def _in_guard(self, verb: str, effect: Any) -> None:
        message = {"do": verb, "group": effect.group, "resource": effect.resource}
        self._parts.guard.ask(message, lambda answer: self._resource_done(effect.action, answer))

    def _put_record(self, resource: Resource, effect: effects.StartResource) -> None:
        def job() -> Mapping[str, Any]:
            try:
                self._in_dns(azure_dns.put, resource, effect)
            except NodeError as error:
                return {"ok": False, "code": error.code, "detail": error.detail}
            return _DONE

        self._in_lane(resource, effect.action, job)

    def _withdraw_record(self, resource: Resource, effect: effects.StopResource) -> None:
        """Withdraw the record, or leave it to the next holder, who overwrites it.

        A failed stop may restart the machine, which brings Azure's answer no nearer.
        """

        def job() -> Mapping[str, Any]:
            try:
                self._in_dns(azure_dns.withdraw, resource, effect)
            except NodeError as error:
                self._parts.journal.trouble(error)
            return _DONE

        self._in_lane(resource, effect.action, job)

    def _in_dns(self, deed: Callable[..., None], resource: Resource, effect: Any) -> None:
        record = azure_dns.Record.of(resource.options, own_address(self.config))
        arm = self._parts.stores.resource_manager()
        deed(arm, record, effect.epoch, effect.timeout_s)
        self._parts.journal.over("HAN-A02")

    def _in_lane(
        self, resource: Resource, action: int, job: Callable[[], Mapping[str, Any]]
    ) -> None:
        lane = f"dns {resource.name}"
        self._parts.workers.in_order(lane, lambda: self._resource_done(action, job()))

    def _resource_done(self, action: int, answer: Mapping[str, Any]) -> None:
        detail = " ".join(str(answer.get(key, "")) for key in ("code", "detail")).strip()
        ok = bool(answer["ok"])
        early = not ok and answer.get("code") in EARLY
        self._parts.inbox.post(
            lambda clocks: events.ResourceDone(clocks, action, ok, detail, early)
        )

    def _check(self, effect: effects.RunCheck) -> None:
        def ended(ok: bool, detail: str) -> None:  # noqa: FBT001 - an outcome
            self._parts.inbox.post(
                lambda clocks: events.CheckDone(clocks, effect.check, ok, detail)
            )

        checks = self._parts.checks
        self._parts.workers.beside(lambda: checks.run(effect.monitor, effect.timeout_s, ended))

    def _script(self, effect: effects.RunScript) -> None:
        message = {"do": "script", **effect._asdict(), "stage": effect.stage.value}
        run = effect.run

        def done(answer: Mapping[str, Any]) -> None:
            code, detail = (0 if answer["ok"] else 1), str(answer["detail"])
            self._parts.inbox.post(lambda clocks: events.ScriptDone(clocks, run, code, detail))

        self._parts.helper.ask(message, done)

    def _save(self, effect: effects.SaveState) -> None:
        self._parts.saver.save(effect.state)

    def _tell_guard(self, message: Mapping[str, Any]) -> None:
        self._parts.guard.ask(message, _nothing)

    def _resource(self, group: str, name: str) -> Resource:
        for resource in self.config.group(group).resources:
            if resource.name == name:
                return resource
        raise Broken("HAN-C01", f"no resource {name} in group {group}")


def guard_event(message: Mapping[str, Any]) -> Callable[[Clocks], events.Event]:
    """Return the event of a line that the guard sent by itself.

    Raises:
        KeyError: not an event of this version's guard.
    """
    kind = message["event"]
    if kind == "fenced":
        number = int(message["number"])
        return lambda clocks: events.FenceDone(clocks, message["group"], number)
    if kind == "guard_fenced":
        return lambda clocks: events.GuardFenced(clocks, message["group"], message["reason"])
    if kind == "thaw":
        return lambda clocks: events.ThawSuspected(clocks, message["reason"])
    if kind == "probe_asked":
        probe = int(message["probe"])
        return lambda clocks: events.ProbeAsked(clocks, probe, message["group"])
    raise KeyError(kind)


def _nothing(_answer: Mapping[str, Any]) -> None:
    """Hear that the guard is alive; `Link.oldest_wait_s` tells when it is not."""
