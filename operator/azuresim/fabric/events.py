"""Scheduled events: maintenance that is announced, acknowledged or not, and begins.

An event is scripted from outside. It begins when its notice is over, or as soon as one machine
acknowledges it; then it is shown as started for as long as it lasts, and is gone. The document
that machines read has a number that rises with each change (source: document). Times are those
of the wall clock: machines compare them with their own.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from email.utils import formatdate
from typing import Any, Final

from azuresim import ids

KINDS: Final = {
    "Freeze": (900.0, 5.0),
    "Reboot": (900.0, 60.0),
    "Redeploy": (600.0, 120.0),
    "Preempt": (30.0, -1.0),
    "Terminate": (300.0, -1.0),
}
"""Seconds of notice (source: document) and of duration (source: assumed), by type; -1: unknown."""

SHOWN_S: Final = 10.0
"""How long an event of unknown duration is shown as started (source: assumed)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event.

    Attributes:
        id: Its GUID.
        kind: `Freeze`, `Reboot`, `Redeploy`, `Preempt` or `Terminate`.
        machines: Ids of the machines it is about.
        starts: When it begins unless acknowledged earlier, in seconds since 1970.
        duration_s: How long it lasts; -1 for unknown.
        started: When it began; 0 if it has not.
    """

    id: str
    kind: str
    machines: tuple[str, ...]
    starts: float
    duration_s: float
    started: float = 0.0

    def concerns(self, machine: str) -> bool:
        """Whether it is about a machine."""
        return ids.key(machine) in {ids.key(each) for each in self.machines}

    def is_over(self, now: float) -> bool:
        """Whether it has begun and lasted as long as it does."""
        lasts = self.duration_s if self.duration_s >= 0 else SHOWN_S
        return bool(self.started) and now >= self.started + lasts

    def shown(self) -> dict[str, Any]:
        """Return it as machines see it."""
        begun = bool(self.started)
        return {
            "EventId": self.id,
            "EventStatus": "Started" if begun else "Scheduled",
            "EventType": self.kind,
            "ResourceType": "VirtualMachine",
            "Resources": [ids.name_of(machine) for machine in self.machines],
            "NotBefore": "" if begun else formatdate(self.starts, usegmt=True),
            "Description": DESCRIPTIONS[self.kind],
            "EventSource": "Platform",
            "DurationInSeconds": int(self.duration_s),
        }


DESCRIPTIONS: Final = {
    "Freeze": "Virtual machine is being paused because of a memory-preserving Live Migration "
    "operation.",
    "Reboot": "Virtual machine is going to be restarted as requested by the platform.",
    "Redeploy": "Virtual machine is going to be redeployed to another node.",
    "Preempt": "Spot virtual machine is being evicted.",
    "Terminate": "Virtual machine is going to be deleted.",
}

Begin = Callable[[Event], None]


class Events:
    """The events there are.

    Args:
        kept: What was kept before, or None.
        keep: Keeps what must survive.
        find: Returns the ids of the machines of a name, `*` allowed.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        kept: Mapping[str, Any] | None,
        keep: Callable[[dict[str, Any]], None],
        find: Callable[[str], list[str]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        state = kept or {}
        self._events = [
            Event(**{**each, "machines": tuple(each["machines"])})
            for each in state.get("events", ())
        ]
        self._incarnation = int(state.get("incarnation", 1))
        self._keep = keep
        self._find = find
        self._clock = clock
        self._begin: list[Begin] = []

    def on_begin(self, act: Begin) -> None:
        """Have something done to the machines of each event that begins."""
        self._begin.append(act)

    def document(self, machines: frozenset[str]) -> dict[str, Any]:
        """Return what is announced to any of some machines, given by the keys of their ids."""
        self.look()
        shown = [each.shown() for each in self._events if _about(each, machines)]
        return {"DocumentIncarnation": self._incarnation, "Events": shown}

    def acknowledge(self, machines: frozenset[str], event_id: str) -> bool:
        """Let an event begin now, for all its machines; return whether these know of it."""
        self.look()
        for event in self._events:
            if event.id.casefold() == event_id.casefold() and _about(event, machines):
                if not event.started:
                    self._start([event])
                return True
        return False

    def look(self) -> None:
        """Begin what is due, and forget what is over."""
        now = self._clock()
        due = [each for each in self._events if not each.started and each.starts <= now]
        if due:
            self._start(due)
        left = [each for each in self._events if not each.is_over(now)]
        if len(left) != len(self._events):
            self._change(left)

    def commands(self) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
        """Return what the control socket takes about events."""
        return {"event.add": self._add, "event.list": lambda _: self._list(),
                "event.clear": self._clear}  # fmt: skip

    def _start(self, due: list[Event]) -> None:
        now = self._clock()
        chosen = {each.id for each in due}
        begun = [replace(each, started=now) if each.id in chosen else each for each in self._events]
        self._change(begun)
        for event in begun:
            if event.id in chosen:
                for act in self._begin:
                    act(event)

    def _add(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        if unknown := set(wish) - {"kind", "machines", "notice_s", "duration_s"}:
            raise ValueError(f"An event has no {', '.join(sorted(unknown))}.")
        kind = str(wish.get("kind", "")).capitalize()
        if kind not in KINDS:
            raise ValueError(f"Say one of {', '.join(KINDS)} in 'kind'.")
        machines = [found for name in wish.get("machines", ()) for found in self._named(name)]
        if not machines:
            raise ValueError("Say which machines it is about in 'machines'.")
        notice_s, duration_s = KINDS[kind]
        if wish.get("notice_s") is not None:
            notice_s = float(wish["notice_s"])
        if wish.get("duration_s") is not None:
            duration_s = float(wish["duration_s"])
        event = Event(
            id=str(uuid.uuid4()).upper(),
            kind=kind,
            machines=tuple(dict.fromkeys(machines)),
            starts=self._clock() + notice_s,
            duration_s=duration_s,
        )
        self._change([*self._events, event])
        return _told(event)

    def _named(self, name: str) -> list[str]:
        found = self._find(str(name))
        if not found:
            raise ValueError(f"There is no machine '{name}'.")
        return found

    def _list(self) -> list[dict[str, Any]]:
        self.look()
        return [_told(each) for each in self._events]

    def _clear(self, wish: Mapping[str, Any]) -> int:
        """Withdraw one event, or all; return how many."""
        wanted = str(wish.get("id", "")).casefold()
        left = [each for each in self._events if wanted and each.id.casefold() != wanted]
        gone = len(self._events) - len(left)
        if gone:
            self._change(left)
        return gone

    def _change(self, events: list[Event]) -> None:
        self._events = events
        self._incarnation += 1
        kept = [asdict(each) for each in events]
        self._keep({"events": kept, "incarnation": self._incarnation})


def _about(event: Event, machines: frozenset[str]) -> bool:
    return any(ids.key(each) in machines for each in event.machines)


def _told(event: Event) -> dict[str, Any]:
    """Return an event with all that its script says."""
    return {field.name: getattr(event, field.name) for field in fields(Event)}
