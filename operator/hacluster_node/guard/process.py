"""The guard's loop: one thread that looks at the deadlines, several that fence.

Messages from the agent, one JSON object a line, are carried out in order:

    {"do": "deadline", "group", "epoch", "stamp": three clocks, "fence_after_s", "id"}
    {"do": "clear" | "open" | "hold" | "fence", "group", "epoch", "number", "reason", "id"}
    {"do": "probe_open" | "probe_close", "group", "resource", "id"}
    {"do": "probe_answer", "probe", "ok", "epoch", "reason"}
    {"do": "pet", "timeout_s"}  {"do": "configure", "id"}  {"do": "listening", "resource", "id"}
    {"do": "alive", "id"}

Answers: {"re": id, "ok", "detail"}; and by itself {"event": "fenced" | "guard_fenced" |
"probe_asked" | "thaw" | "hello", ...}. If the agent's connection ends, every group that may
have something running is fenced at once: nobody is left who could renew its lease.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional

from hacluster_node.clocks import now
from hacluster_node.core.clocks import Clocks
from hacluster_node.errors import NodeError
from hacluster_node.guard import fencing, lines
from hacluster_node.guard.deadlines import Deadline, Deadlines
from hacluster_node.guard.probe import Probes
from hacluster_node.guard.watchdog import Watchdog

if TYPE_CHECKING:
    from pathlib import Path

    from hacluster_node.settings.document import Settings
    from hacluster_node.settings.stored import Stored
    from hacluster_node.system.port import System

_LOG = logging.getLogger(__name__)
_TICK_S = 0.25
_AGAIN_S = 0.3  # A fence that is not complete is never reported as done: it is tried again.
SOCKET = "guard.sock"
FENCED = "fenced"
OPENED = "opened"


class Guard:
    """The guard of one node.

    Args:
        system: the node's operating system.
        stored: where the verified configuration is read from.
        run_directory: holds the socket, one file per fenced group for the helper, and one per
            group that was opened since the machine booted; it is empty after a boot.
        refused: what hardening the system refused, for the agent's status.
    """

    def __init__(
        self, system: System, stored: Stored, run_directory: Path, refused: List[str]
    ) -> None:
        self._system = system
        self._stored = stored
        self._settings: Optional[Settings] = stored.load()
        self._fenced_directory = run_directory / FENCED
        self._fenced_directory.mkdir(parents=True, exist_ok=True)
        self._opened_directory = run_directory / OPENED
        self._opened_directory.mkdir(exist_ok=True)
        self._refused = refused
        self._selector = selectors.DefaultSelector()
        self._probes = Probes(self._selector, self._probe_asked)
        self._watchdog = Watchdog()
        self._deadlines = Deadlines(self._names(), self._slack())
        self._agent: Optional[socket.socket] = None
        self._lines = lines.Lines()
        self._fencing: Dict[str, List[int]] = {}
        self._done: "queue.Queue[Dict[str, Any]]" = queue.Queue()
        self._waker, self._wakee = socket.socketpair()
        self._stopping = False
        self._planned_s = 0.0
        self._verbs = {
            "deadline": self._set_deadline,
            "clear": self._clear,
            "open": self._open,
            "hold": self._hold,
            "fence": self._fence_asked,
            "probe_open": self._probe_open,
            "probe_close": self._probe_close,
            "listening": self._listening,
            "alive": lambda _message: True,
            "configure": self._configure,
        }

    def run(self, listener: socket.socket) -> None:
        """Serve until `stop`; fences everything before it begins and when it ends."""
        listener.settimeout(0)
        self._wakee.settimeout(0)
        self._selector.register(listener, selectors.EVENT_READ, lambda: self._accept(listener))
        self._selector.register(self._wakee, selectors.EVENT_READ, self._fence_ended)
        for name in self._names():
            self._start_fence(name, "the guard starts")
        while not self._stopping:
            self._look()
        for name in self._names():
            self._start_fence(name, "the guard ends")
        self._wait_for_fences()
        self._watchdog.disarm()
        self._close()

    def stop(self) -> None:
        """End `run` soon; may be called from a signal handler."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")

    def _close(self) -> None:
        for sock in (self._agent, self._waker, self._wakee):
            if sock is not None:
                sock.close()
        self._selector.close()

    def _look(self) -> None:
        before = Clocks(*now())
        thaw = self._deadlines.thawed(before, self._planned_s)
        if thaw is not None:
            for name in self._deadlines.unfenced():
                self._deadlines.hold(name)
            self._tell({"event": "thaw", "reason": thaw})
        for name in self._deadlines.expired(before):
            self._start_fence(name, "the lease was not renewed in time")
        self._probes.expire(time.monotonic())
        tick = 0.05 if self._probes.is_busy else _TICK_S
        self._planned_s = self._deadlines.next_look(before, tick)
        for key, _ in self._selector.select(self._planned_s):
            key.data()

    def _names(self) -> List[str]:
        return [] if self._settings is None else [g.name for g in self._settings.agent.groups]

    def _slack(self) -> float:
        return 0.5 if self._settings is None else self._settings.agent.partition.timings.slack_s

    # The agent's connection.

    def _accept(self, listener: socket.socket) -> None:
        sock, _ = listener.accept()
        if self._agent is not None or not lines.is_agent(sock):
            refusal = {"event": "refused", "code": "HAN-G03"}
            with contextlib.suppress(OSError):
                sock.send(lines.line(refusal))
            sock.close()
            return
        sock.settimeout(1.0)
        self._agent, self._lines = sock, lines.Lines()
        self._selector.register(sock, selectors.EVENT_READ, self._receive)
        missing = dict(self._system.missing())
        if self._watchdog.absent_because:
            missing["watchdog"] = self._watchdog.absent_because
        missing.update((f"guard {n}", why) for n, why in enumerate(self._refused))
        self._tell({"event": "hello", "missing": missing, "pid": os.getpid()})

    def _receive(self) -> None:
        if self._agent is None:
            return
        try:
            chunk = self._agent.recv(65536)
            messages = list(self._lines.feed(chunk))
        except (OSError, lines.LineError):
            chunk, messages = b"", []
        for message in messages:
            self._carry_out(message)
        if not chunk:
            self._agent_gone()

    def _agent_gone(self) -> None:
        if self._agent is None:
            return
        self._selector.unregister(self._agent)
        self._agent.close()
        self._agent = None
        for name in self._deadlines.unfenced():
            self._start_fence(name, "the agent is gone")

    def _tell(self, message: Mapping[str, Any]) -> None:
        if self._agent is not None:
            try:
                self._agent.sendall(lines.line(message))
            except OSError:
                self._agent_gone()

    def _carry_out(self, message: Mapping[str, Any]) -> None:
        verb = str(message.get("do", ""))
        if verb == "pet":
            self._watchdog.pet(float(message["timeout_s"]))
            return
        if verb == "probe_answer":
            self._probe_answer(message)
            return
        ok, detail = False, ""
        try:
            ok = self._verbs[verb](message)
        except NodeError as error:
            detail = str(error)
        except (KeyError, TypeError, ValueError) as error:
            detail = f"not understood: {verb}: {error}"
        if "id" in message:
            self._tell({"re": message["id"], "ok": ok, "detail": detail})

    # What the agent asks for.

    def _set_deadline(self, message: Mapping[str, Any]) -> bool:
        stamp = Clocks(*(float(value) for value in message["stamp"]))
        deadline = Deadline(int(message["epoch"]), stamp, float(message["fence_after_s"]))
        self._deadlines.set(message["group"], deadline)
        return True

    def _clear(self, message: Mapping[str, Any]) -> bool:
        name = message["group"]
        if not self._deadlines.is_fenced(name):
            self._start_fence(name, "its deadline was cleared")
        else:
            self._deadlines.fence(name)
        return True

    def _open(self, message: Mapping[str, Any]) -> bool:
        name = message["group"]
        if name in self._fencing or not self._deadlines.open(name, Clocks(*now())):
            return False
        (self._opened_directory / name).touch()
        (self._fenced_directory / name).unlink(missing_ok=True)
        self._system.open(name)
        return True

    def _hold(self, message: Mapping[str, Any]) -> bool:
        name = message["group"]
        self._deadlines.hold(name)
        if self._settings is not None:
            group = self._settings.agent.group(name)
            self._system.hold(name, fencing.traffic_of(self._settings, group))
        return True

    def _fence_asked(self, message: Mapping[str, Any]) -> bool:
        name = message["group"]
        self._start_fence(name, str(message.get("reason", "")), int(message["number"]))
        return True

    def _probe_open(self, message: Mapping[str, Any]) -> bool:
        if (
            self._settings is None
            or self._deadlines.epoch(message["group"], Clocks(*now())) is None
        ):
            raise NodeError("HAN-R03", f"group {message['group']}")
        group = self._settings.agent.group(message["group"])
        for resource in group.resources:
            if resource.name == message["resource"]:
                options = resource.options
                self._probes.open(group.name, resource.name, options["port"], options["protocol"])
                return True
        return False

    def _probe_close(self, message: Mapping[str, Any]) -> bool:
        self._probes.close(message["resource"])
        return True

    def _listening(self, message: Mapping[str, Any]) -> bool:
        return self._probes.is_listening(message["resource"])

    def _configure(self, _message: Mapping[str, Any]) -> bool:
        settings = self._stored.load()
        if settings is None:
            return False
        self._settings = settings
        self._deadlines.configure(self._names(), self._slack())
        return True

    # Probes.

    def _probe_asked(self, probe: int, group: str) -> None:
        if self._agent is None or self._deadlines.epoch(group, Clocks(*now())) is None:
            self._probes.answer(probe, None, "not active")
        else:
            self._tell({"event": "probe_asked", "probe": probe, "group": group})

    def _probe_answer(self, message: Mapping[str, Any]) -> None:
        probe = int(message["probe"])
        epoch = self._deadlines.epoch(self._probes.group_of(probe), Clocks(*now()))
        good = bool(message["ok"]) and epoch is not None and epoch == message["epoch"]
        self._probes.answer(probe, epoch if good else None, str(message["reason"]))

    # The fence.

    def _start_fence(self, name: str, reason: str, number: int = 0) -> None:
        settings = self._settings
        if settings is None or name not in self._names():
            return
        epoch = self._deadlines.epoch(name, Clocks(*now())) or 0
        self._probes.close_group(name)
        self._deadlines.fence(name)
        if name in self._fencing:
            self._fencing[name].append(number)
            return
        self._fencing[name] = [number]
        _LOG.warning("Fencing group", extra={"group": name, "reason": reason})
        arguments = (settings, name, epoch, reason)
        threading.Thread(target=self._fence, args=arguments, name="fence", daemon=True).start()

    def _fence(self, settings: Settings, name: str, epoch: int, reason: str) -> None:
        limit = settings.agent.partition.timings.fence_s
        last_resort = threading.Timer(limit, self._fence_hangs, (settings, name))
        last_resort.daemon = True
        last_resort.start()
        begun = time.monotonic()
        with contextlib.suppress(OSError):
            (self._fenced_directory / name).touch()
        group = settings.agent.group(name)
        failures = fencing.fence(self._system, settings, group, epoch)
        told: List[str] = []
        while failures and not self._stopping:
            if failures != told:
                _LOG.error("Fence step failed", extra={"group": name, "failures": failures})
                told = failures
            time.sleep(_AGAIN_S)
            failures = fencing.fence(self._system, settings, group, epoch)
        last_resort.cancel()
        took = time.monotonic() - begun
        self._done.put({"group": name, "reason": reason, "failures": failures, "took_s": took})
        self._waker.send(b"\0")

    def _fence_hangs(self, settings: Settings, name: str) -> None:
        """Restart the machine, unless a restart would help nobody.

        A group that was never opened since the boot has nothing running that we started. Its fence
        is tried until it succeeds, but a restart would only begin the same again, for ever.
        """
        opened = (self._opened_directory / name).exists()
        told = {"group": name, "code": "HAN-G02", "opened": opened}
        _LOG.error("Fence took too long", extra=told)
        if opened and settings.restart_on_failed_fence:
            self._system.restart_machine()

    def _fence_ended(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wakee.recv(4096)
        while not self._done.empty():
            done = self._done.get()
            numbers = self._fencing.pop(done["group"], [])
            _LOG.warning("Fenced group", extra=done)
            for number in sorted(set(numbers)):
                kind = "fenced" if number else "guard_fenced"
                self._tell({"event": kind, "number": number, **done})

    def _wait_for_fences(self) -> None:
        deadline = time.monotonic() + 10.0
        while self._fencing and time.monotonic() < deadline:
            time.sleep(0.01)
            self._fence_ended()


def main(system: System, stored: Stored, run_directory: Path, refused: List[str]) -> int:
    """Run a guard and its helper until SIGTERM; return the exit code."""
    share(run_directory)
    helper = start_helper()
    guard = Guard(system, stored, run_directory, refused)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: guard.stop())
    listener = lines.listen(run_directory / SOCKET)
    try:
        guard.run(listener)
    finally:
        listener.close()
        helper.terminate()
        helper.wait(5.0)
    return 0


def share(run_directory: Path) -> None:
    """Let the agent's group make sockets in the directory, and touch nothing of others in it."""
    run_directory.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(run_directory, -1, lines.agent_ids()[1])
    run_directory.chmod(0o1770)


def start_helper() -> subprocess.Popen[bytes]:
    """Start the helper as a child, from the same file and with the same settings."""
    program = [sys.executable, *_isolation(), sys.argv[0], "helper", *sys.argv[2:]]
    return subprocess.Popen(program, start_new_session=True)  # noqa: S603 - this very program


def _isolation() -> List[str]:
    flags = (("-I", sys.flags.isolated), ("-S", sys.flags.no_site))
    return [flag for flag, is_set in flags if is_set]
