"""The helper's server: one thread per request, since a script may hang and others must not.

Requests, one JSON object a line:

    {"do": "start" | "stop" | "prepare", "group", "resource", "epoch", "timeout_s", "newest", "id"}
    {"do": "mirror" | "mirror-thaw" | "mirror-accept", "group", "resource", "id"}
    {"do": "check", "monitor", "timeout_s", "id"}
    {"do": "script", "monitor", "stage", "group", "epoch", "timeout_s", "id"}
    {"do": "software", "generation", "id"}: of a configuration that is to come, or in force
    {"do": "fence", "group", "epoch", "id"}: beside a guard that is silent; harmless if repeated
    {"do": "fence_all", "id"}     {"do": "machine", "how": "ShutDown" | "Reboot", "id"}

Answers: {"re": id, "ok", "detail", "code"}. A resource is started only while the guard does
not hold its group as fenced, and undone if it was fenced meanwhile.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, Mapping

from hacluster_node.errors import Broken, NodeError, Refused
from hacluster_node.guard import fencing, lines
from hacluster_node.guard.process import FENCED
from hacluster_node.helper import checks, software
from hacluster_node.resources import mirror_disk, mirror_status
from hacluster_node.resources.catalogue import KINDS
from hacluster_node.resources.kinds import Call, options_of
from hacluster_node.system.command import Command, run

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from hacluster_node.core.config import Group, Resource
    from hacluster_node.settings.document import Settings
    from hacluster_node.settings.stored import Stored
    from hacluster_node.system.port import System

_LOG = logging.getLogger(__name__)
SOCKET = "helper.sock"
_POWER = {"ShutDown": "poweroff", "Reboot": "reboot"}


class Helper:
    """The fixed verbs.

    Args:
        system: the node's operating system.
        stored: where the verified configuration is read from, anew for each request.
        run_directory: where the guard notes which groups are fenced.
    """

    def __init__(self, system: System, stored: Stored, run_directory: Path) -> None:
        self._system = system
        self._stored = stored
        self._fenced = run_directory / FENCED
        self._verbs: Dict[str, Callable[[Settings, Mapping[str, Any]], str]] = {
            "start": self._start,
            "stop": self._stop,
            "prepare": self._prepare,
            "check": self._check,
            "mirror": self._mirror,
            "mirror-thaw": self._mirror_thaw,
            "mirror-accept": self._mirror_accept,
            "script": self._script,
            "software": self._software,
            "fence": self._fence,
            "fence_all": self._fence_all,
            "machine": self._machine,
        }

    def serve(self, listener: socket.socket) -> None:
        """Serve connections until the listener is closed."""
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            if lines.is_agent(sock):
                threading.Thread(target=self._converse, args=(sock,), daemon=True).start()
            else:
                sock.close()

    def _converse(self, sock: socket.socket) -> None:
        lock = threading.Lock()
        collected = lines.Lines()
        with sock, contextlib.suppress(OSError, lines.LineError):
            while True:
                chunk = sock.recv(65536)
                if not chunk:
                    return
                for message in collected.feed(chunk):
                    arguments = (sock, lock, message)
                    threading.Thread(target=self._answer, args=arguments, daemon=True).start()

    def _answer(
        self, sock: socket.socket, lock: threading.Lock, message: Mapping[str, Any]
    ) -> None:
        answer: Dict[str, Any] = {"re": message.get("id"), "ok": False, "code": ""}
        try:
            answer["detail"] = self.carry_out(message)
            answer["ok"] = True
        except NodeError as error:
            answer["code"], answer["detail"] = error.code, error.detail
        with lock, contextlib.suppress(OSError):
            sock.sendall(lines.line(answer))

    def carry_out(self, message: Mapping[str, Any]) -> str:
        """Do one verb and return what is worth telling.

        Raises:
            NodeError: it was refused or failed.
        """
        settings = self._stored.load()
        verb = self._verbs.get(str(message.get("do")))
        if settings is None or verb is None:
            raise Refused("HAN-C01", "no configuration, or no such verb")
        try:
            return verb(settings, message)
        except (KeyError, TypeError, ValueError) as error:
            raise Refused(
                "HAN-C01", f"the request names what is not configured: {error}"
            ) from error
        except OSError as error:
            raise Broken("HAN-R01", error.strerror or str(error)) from error

    def _start(self, settings: Settings, message: Mapping[str, Any]) -> str:
        group, resource = _find(settings, message)
        call = _call(settings, group, resource, message)
        self._must_not_be_fenced(group)
        KINDS[resource.kind].start(self._system, call)
        if self._is_fenced(group):
            KINDS[resource.kind].fence(self._system, call)
            self._must_not_be_fenced(group)
        return "started"

    def _stop(self, settings: Settings, message: Mapping[str, Any]) -> str:
        group, resource = _find(settings, message)
        KINDS[resource.kind].stop(self._system, _call(settings, group, resource, message))
        return "stopped"

    def _prepare(self, settings: Settings, message: Mapping[str, Any]) -> str:
        group, resource = _find(settings, message)
        if resource.kind == "MirrorDisk":
            mirror_disk.MirrorDisk().prepare(
                self._system, _call(settings, group, resource, message)
            )
        return "prepared"

    def _mirror(self, settings: Settings, message: Mapping[str, Any]) -> str:
        group, resource = _find(settings, message)
        seen = mirror_disk.status(self._system, _call(settings, group, resource, message))
        found = mirror_status.trouble(seen)
        if found is not None:
            raise Broken(*found)
        return "in step"

    def _mirror_thaw(self, settings: Settings, message: Mapping[str, Any]) -> str:
        group, resource = _find(settings, message)
        self._must_not_be_fenced(group)
        mirror_disk.MirrorDisk().thaw(self._system, _call(settings, group, resource, message))
        return "writes go on; the other half is noted as behind"

    def _mirror_accept(self, settings: Settings, message: Mapping[str, Any]) -> str:
        group, resource = _find(settings, message)
        mirror_disk.MirrorDisk().accept(self._system, _call(settings, group, resource, message))
        return "accepted"

    def _check(self, settings: Settings, message: Mapping[str, Any]) -> str:
        for monitor in settings.agent.monitors:
            if monitor.name == message["monitor"]:
                return checks.check(self._system, monitor, float(message["timeout_s"]))
        raise KeyError(message["monitor"])

    def _script(self, settings: Settings, message: Mapping[str, Any]) -> str:
        argv = settings.scripts[(message["monitor"], message["stage"])]
        environment = {
            "HA_MONITOR": str(message["monitor"]),
            "HA_STAGE": str(message["stage"]),
            "HA_GROUP": str(message["group"]),
            "HA_EPOCH": str(message["epoch"]),
        }
        place = f"monitor.{message['monitor']}"
        outcome = self._system.run(place, argv, float(message["timeout_s"]), environment)
        if not outcome.ok:
            raise Broken("HAN-R01", f"{argv[0]} ended with {outcome.code}: {outcome.output}")
        return outcome.output

    def _software(self, settings: Settings, message: Mapping[str, Any]) -> str:
        coming = self._stored.staged(int(message.get("generation", 0)))
        return "; ".join(software.Place().put((coming or settings).software))

    def _fence(self, settings: Settings, message: Mapping[str, Any]) -> str:
        group = settings.agent.group(message["group"])
        return self._fenced_now(settings, [group], int(message["epoch"]))

    def _fence_all(self, settings: Settings, _message: Mapping[str, Any]) -> str:
        return self._fenced_now(settings, settings.agent.groups, 0)

    def _fenced_now(self, settings: Settings, groups: Iterable[Group], epoch: int) -> str:
        failures = []
        for group in groups:
            (self._fenced / group.name).touch()
            failures += fencing.fence(self._system, settings, group, epoch)
        if failures:
            raise Broken("HAN-G02", "; ".join(failures))
        return "fenced"

    @staticmethod
    def _machine(_settings: Settings, message: Mapping[str, Any]) -> str:
        outcome = run(Command(("systemctl", _POWER[message["how"]]), 30.0))
        if not outcome.ok:
            raise Broken("HAN-R01", f"systemctl {_POWER[message['how']]}: {outcome.output}")
        return "asked for"

    def _is_fenced(self, group: Group) -> bool:
        return (self._fenced / group.name).exists()

    def _must_not_be_fenced(self, group: Group) -> None:
        if self._is_fenced(group):
            raise Refused("HAN-R03", f"group {group.name} is fenced on this node")


def _find(settings: Settings, message: Mapping[str, Any]) -> tuple[Group, Resource]:
    group = settings.agent.group(message["group"])
    for resource in group.resources:
        if resource.name == message["resource"]:
            return group, resource
    raise KeyError(message["resource"])


def _call(settings: Settings, group: Group, resource: Resource, message: Mapping[str, Any]) -> Call:
    return Call(
        group.name,
        resource.name,
        int(message.get("epoch", 0)),
        float(message.get("timeout_s", 30.0)),
        options_of(settings.agent, resource),
        bool(message.get("newest", True)),
    )
