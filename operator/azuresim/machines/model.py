"""Machines that are a model: they do what they ought to, and scripts end as scripted.

Rules tell how scripts end, the latest that matches first; without one a script
succeeds at once and says nothing. Rules, and what they decided, survive a kill.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from fnmatch import fnmatchcase
from typing import Any, Final

from azuresim import ids
from azuresim.machines.door import Machine, Outcome, Script, Status

MOST_RUNS: Final = 10_000
"""Decisions kept; the oldest go first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How scripts end.

    Attributes:
        machine: Name of the machine, `*` allowed; empty for all.
        name: Name of the Run Command, `*` allowed; empty for all.
        contains: What the script must contain; empty for anything.
        exit_code: What it exits with.
        output: What it prints.
        error: What it prints to the error stream.
        takes: Simulated seconds it takes; negative for never to end.
        count: How many runs it still decides; None for without end.
        id: Given when it is added.
    """

    machine: str = ""
    name: str = ""
    contains: str = ""
    exit_code: int = 0
    output: str = ""
    error: str = ""
    takes: float = 0.0
    count: int | None = None
    id: str = ""

    def matches(self, script: Script) -> bool:
        """Whether it speaks of a run."""
        asked = ((self.machine, ids.name_of(script.machine)), (self.name, script.name))
        named = all(
            not want or fnmatchcase(have.casefold(), want.casefold()) for want, have in asked
        )
        return named and self.contains in script.text


class Model:
    """The machines of a simulator without any.

    Args:
        kept: What was kept before, or None.
        keep: Keeps what must survive.
    """

    def __init__(self, kept: dict[str, Any] | None, keep: Callable[[dict[str, Any]], None]) -> None:
        state = kept or {}
        self._keep = keep
        self._rules = {rule["id"]: Rule(**rule) for rule in state.get("rules", ())}
        self._runs: dict[str, dict[str, Any]] = dict(state.get("runs", {}))
        self._stopped: dict[str, int] = dict(state.get("stopped", {}))
        self._machines: dict[str, Machine] = {}

    @property
    def pace(self) -> float:
        """Scripts take simulated seconds."""
        return 1.0

    def bring(self, machine: Machine) -> None:
        """Note how a machine ought to be; a boot ends a stop."""
        key = ids.key(machine.id)
        self._machines[key] = machine
        if not machine.running or machine.boots > self._stopped.get(key, machine.boots):
            self._start(key)

    def remove(self, machine_id: str) -> None:
        """Forget a machine."""
        self._machines.pop(ids.key(machine_id), None)
        self._start(ids.key(machine_id))

    def erase(self, disk_id: str) -> None:
        """Do nothing: these disks hold nothing."""

    def status(self, machine_id: str, now: float) -> Status:
        """Return what it ought to be, unless it was stopped from inside."""
        del now
        key = ids.key(machine_id)
        machine = self._machines.get(key)
        running = machine is not None and machine.running and key not in self._stopped
        return Status(running=running, agent=running)

    def run(self, script: Script) -> None:
        """Decide how a script ends."""
        if script.id in self._runs:
            return
        rule = next((r for r in reversed(self._rules.values()) if r.matches(script)), Rule())
        if rule.count is not None:
            self._use(rule)
        self._runs[script.id] = {
            "exit_code": rule.exit_code,
            "output": rule.output,
            "error": rule.error,
            "ended": None if rule.takes < 0 else script.started + rule.takes,
        }
        for oldest in list(self._runs)[: len(self._runs) - MOST_RUNS]:
            del self._runs[oldest]
        self._save()

    def outcome(self, run_id: str, now: float) -> Outcome | None:
        """Return what was decided once its time has come."""
        run = self._runs.get(run_id)
        if run is None or run["ended"] is None or run["ended"] > now:
            return None
        return Outcome(**run)

    def forget(self, run_id: str) -> None:
        """Forget what was decided."""
        if self._runs.pop(run_id, None) is not None:
            self._save()

    def commands(self) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
        """Return what the control socket takes about machines."""
        return {
            "script.add": self._add,
            "script.list": lambda _: [asdict(rule) for rule in self._rules.values()],
            "script.clear": self._clear,
            "machine.list": lambda _: self.list(),
            "machine.stop": self._stop,
        }

    def _add(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        known = {field.name for field in fields(Rule)} - {"id"}
        if unknown := set(wish) - known:
            raise ValueError(f"A script rule has no {', '.join(sorted(unknown))}.")
        rule = Rule(**{**wish, "id": uuid.uuid4().hex[:8]})
        self._rules[rule.id] = rule
        self._save()
        return asdict(rule)

    def _clear(self, wish: Mapping[str, Any]) -> int:
        gone = [each for each in self._rules if each == wish.get("id", each)]
        for each in gone:
            del self._rules[each]
        self._save()
        return len(gone)

    def list(self) -> list[dict[str, Any]]:
        """Return the machines, for people to read."""
        return [
            {"id": one.id, "running": self.status(one.id, 0.0).running, "boots": one.boots}
            for one in self._machines.values()
        ]

    def _stop(self, wish: Mapping[str, Any]) -> int:
        """Stop machines from inside, as a crash or a shutdown does; return how many."""
        wanted = str(wish.get("name", ""))
        found = [key for key in self._machines if fnmatchcase(ids.name_of(key), wanted.casefold())]
        for key in found:
            self._stopped[key] = self._machines[key].boots
        self._save()
        return len(found)

    def _start(self, key: str) -> None:
        if self._stopped.pop(key, None) is not None:
            self._save()

    def _use(self, rule: Rule) -> None:
        left = (rule.count or 0) - 1
        if left > 0:
            self._rules[rule.id] = replace(rule, count=left)
        else:
            del self._rules[rule.id]

    def _save(self) -> None:
        rules = [asdict(rule) for rule in self._rules.values()]
        self._keep({"rules": rules, "runs": self._runs, "stopped": self._stopped})
