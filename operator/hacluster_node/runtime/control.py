"""The command line's door: a unix socket, judged by the kernel's word on who calls.

A request is one JSON line {"do": ...}, the answer one JSON line. Reading is open to whoever
may open the socket (mode 0660, group hacluster); only root and members of that group can.
Commands that change something are allowed to root and to the agent's own group.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, NamedTuple, Tuple

from hacluster_node.core import commands, effects, events
from hacluster_node.guard import lines

if TYPE_CHECKING:
    import socket

    from hacluster_node.runtime.inbox import Inbox, Maker

SOCKET = "agent.sock"
_ANSWER_WITHIN_S = 5.0
Answer = Dict[str, Any]
Reader = Callable[[Mapping[str, Any]], Answer]

COMMANDS: Mapping[str, Tuple[type, Tuple[str, ...]]] = {
    "move": (commands.MoveGroup, ("group", "to")),
    "group-start": (commands.StartGroup, ("group",)),
    "group-stop": (commands.StopGroup, ("group",)),
    "resource-start": (commands.StartResource, ("group", "resource")),
    "resource-stop": (commands.StopResource, ("group", "resource")),
    "monitor-suspend": (commands.SuspendMonitor, ("monitor",)),
    "monitor-resume": (commands.ResumeMonitor, ("monitor",)),
    "simulate-failure": (commands.SimulateFailure, ("monitor",)),
    "clear": (commands.ClearFailure, ("monitor",)),
    "start": (commands.StartService, ()),
    "stop": (commands.StopService, ()),
    "shutdown": (commands.ShutDown, ("reboot",)),
    "force-activate": (commands.ForceActivate, ("group", "other_is_off")),
}
"""Each verb of the wire with its command and the fields it takes."""


class Verbs(NamedTuple):
    """What is answered without the state machine: by anybody's wish, or by the allowed only."""

    readers: Mapping[str, Reader]
    deeds: Mapping[str, Reader]


def command_of(message: Mapping[str, Any]) -> commands.Command:
    """Return the command that a request stands for.

    Raises:
        ValueError: no such verb, or a field of the wrong type.
    """
    kind, names = COMMANDS[str(message.get("do"))]
    values = {}
    for name in names:
        value = message.get(name, False if name == "reboot" else "")
        if not isinstance(value, bool if name == "reboot" else str):
            raise ValueError(f"{name} is of the wrong type")  # noqa: TRY004 - a message, not a call
        values[name] = value
    command: commands.Command = kind(**values)
    return command


class Control:
    """The door.

    Args:
        listener: a listening unix socket.
        inbox: gets each command as `Commanded`.
        verbs: what is answered without the state machine.
        allowed_gid: the group whose members may command, beside root.
    """

    def __init__(
        self,
        listener: socket.socket,
        inbox: Inbox,
        verbs: Verbs,
        allowed_gid: int,
    ) -> None:
        self._listener = listener
        self._inbox = inbox
        self._verbs = verbs
        self._allowed_gid = allowed_gid
        self._numbers = itertools.count(1)
        self._waiting: Dict[str, Tuple[threading.Event, Answer]] = {}

    def start(self) -> None:
        """Begin to answer, in a thread of its own."""
        threading.Thread(target=self._serve, name="control", daemon=True).start()

    def reply(self, effect: effects.Reply) -> None:
        """Hand the state machine's answer to whoever waits for it."""
        waiting = self._waiting.pop(effect.command_id, None)
        if waiting is not None:
            answered, answer = waiting
            answer.update(ok=effect.ok, text=effect.text)
            if not effect.ok:
                answer["code"] = "HAN-U03"
            answered.set()

    def order(self, command: commands.Command) -> Answer:
        """Have the state machine take a command and return its answer."""
        number = f"c{next(self._numbers)}"
        return self.answered(number, lambda clocks: events.Commanded(clocks, number, command))

    def answered(self, number: str, maker: Maker) -> Answer:
        """Post an event that the state machine answers under a number; return its answer."""
        answered, answer = threading.Event(), {"ok": False, "code": "HAN-U01", "text": ""}
        self._waiting[number] = (answered, answer)
        self._inbox.post(maker)
        if not answered.wait(_ANSWER_WITHIN_S):
            answer["text"] = "the agent is busy; look at the status before trying again"
        return answer

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(sock,), daemon=True).start()

    def _converse(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError, lines.LineError):
            sock.settimeout(_ANSWER_WITHIN_S * 6)
            who = lines.credentials(sock)
            collected = lines.Lines()
            while True:
                chunk = sock.recv(65536)
                if not chunk:
                    return
                for message in collected.feed(chunk):
                    sock.sendall(lines.line(self._answer(message, who)))

    def _answer(self, message: Mapping[str, Any], who: lines.PeerCredentials) -> Answer:
        verb = str(message.get("do"))
        if verb in self._verbs.readers:
            return self._verbs.readers[verb](message)
        if verb not in COMMANDS and verb not in self._verbs.deeds:
            return {"ok": False, "code": "HAN-U03", "text": f"no such command: {verb}"}
        if who.uid != 0 and self._allowed_gid not in _groups(who):
            return {"ok": False, "code": "HAN-U02", "text": f"uid {who.uid}"}
        try:
            if verb in self._verbs.deeds:
                return self._verbs.deeds[verb](message)
            return self.order(command_of(message))
        except ValueError as error:
            return {"ok": False, "code": "HAN-U03", "text": str(error)}


def _groups(who: lines.PeerCredentials) -> frozenset[int]:
    """Return all groups of a process, as the kernel knows them."""
    groups = {who.gid}
    with contextlib.suppress(OSError, ValueError):
        for text in Path(f"/proc/{who.pid}/status").read_text(encoding="utf-8").splitlines():
            if text.startswith("Groups:"):
                groups.update(int(word) for word in text.split()[1:])
    return frozenset(groups)
