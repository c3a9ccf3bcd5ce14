"""Runs of scripts in machines: how they begin, how they are waited for, how they are told.

A run is noted with the resource before it begins and told to whoever has the
machines once that is durable; after a kill it is told again under the same id.
What is protected is handed over and never kept: a run that had not begun when the
simulator was killed has lost it.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from azuresim.clock import timestamp
from azuresim.errors import ArmError
from azuresim.machines.door import Outcome, Script
from azuresim.resources.call import Call
from azuresim.resources.compute.vm_power import RUNNING
from azuresim.state.records import Operation, Record

TAIL: Final = 4096
"""Bytes of output that are shown, the last ones (source: document)."""

TIMEOUT_S: Final = 5400
"""A run is given up after 90 minutes where nothing else is said (source: document)."""

LOOK_S: Final = 1.0
"""Simulated seconds between two looks at a run that goes on."""


def require_power(call: Call, machine: Record) -> None:
    """Refuse to run anything in a machine without power.

    Raises:
        ArmError: 409.
    """
    power = machine.body()["properties"]["power"]["state"]
    if power != RUNNING or not call.machines.status(machine.id, call.now).running:
        message = "Cannot modify extensions in the VM when the VM is not running."
        raise ArmError(409, "OperationNotAllowed", message)


def begin(
    call: Call,
    *,
    machine: Record,
    name: str,
    stated: Mapping[str, Any],
    protected: Mapping[str, str],
) -> dict[str, Any]:
    """Begin a run and return what is kept of it: id, time, time-out, and what was asked for."""
    run = {
        "id": call.new_guid(),
        "machine": machine.id,
        "name": name,
        "text": stated["text"],
        "parameters": dict(stated.get("parameters", {})),
        "arguments": tuple(stated.get("arguments", ())),
        "user": stated.get("user", ""),
        "started": call.now,
        "timeout_s": stated.get("timeout_s", TIMEOUT_S),
    }
    call.tx.after(partial(call.machines.run, script_of(run, protected)))
    return run


def script_of(run: Mapping[str, Any], protected: Mapping[str, str] | None) -> Script:
    """Return what the machine is to run."""
    by_place = tuple(run.get("arguments", ()))
    return Script(**{**run, "arguments": by_place}, protected=protected)


def ended(call: Call, run: Mapping[str, Any]) -> Outcome | None:
    """Return how a run ended, in time or not; None while it may go on."""
    outcome = call.machines.outcome(run["id"], call.now)
    deadline = _deadline(call, run)
    if outcome is not None and outcome.ended <= deadline:
        return outcome
    if call.now < deadline:
        return None
    return Outcome(exit_code=TIMED_OUT, output="", error="", ended=deadline)


def _deadline(call: Call, run: Mapping[str, Any]) -> float:
    return float(run["started"] + run["timeout_s"] * call.machines.pace)


TIMED_OUT: Final = -1
"""Stands for the exit code of a run that was given up."""


def wait(call: Call, record: Record, operation: Operation, run: Mapping[str, Any]) -> Record:
    """Return a record whose operation goes on, for another look at its run."""
    deadline = _deadline(call, run)
    due = max(min(call.now + LOOK_S, deadline), call.now + 0.001)
    call.tx.start(replace(operation, due=due))
    return replace(record, operation=operation.id)


def view(call: Call, run: Mapping[str, Any], kept: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the instance view of a run, from what is kept of its end or as it is now."""
    outcome = Outcome(**kept) if kept else ended(call, run)
    shown: dict[str, Any] = {"executionState": "Running", "executionMessage": ""}
    if outcome is not None:
        shown = _end(outcome, run, given_up=outcome.ended >= _deadline(call, run))
    shown["startTime"] = timestamp(run["started"])
    shown["statuses"] = []
    return shown


def _end(outcome: Outcome, run: Mapping[str, Any], *, given_up: bool) -> dict[str, Any]:
    timed_out = outcome.exit_code == TIMED_OUT and given_up
    state = "TimedOut" if timed_out else "Failed" if outcome.exit_code else "Succeeded"
    messages = {
        "TimedOut": f"Execution did not end within {run['timeout_s']:g} seconds.",
        "Failed": "Execution failed: failed to execute command: command terminated with exit "
        f"status={outcome.exit_code}",
        "Succeeded": "Execution completed",
    }
    return {
        "executionState": state,
        "executionMessage": messages[state],
        "exitCode": outcome.exit_code,
        "output": tail(outcome.output),
        "error": tail(outcome.error),
        "endTime": timestamp(outcome.ended),
    }


def tail(text: str) -> str:
    """Return the end of an output, as much as Azure shows."""
    return text.encode()[-TAIL:].decode("utf-8", "ignore")
