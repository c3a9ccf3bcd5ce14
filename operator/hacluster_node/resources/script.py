"""Script: a start and a stop program, run with the epoch in their environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Sequence

from hacluster_node.errors import Broken

if TYPE_CHECKING:
    from hacluster_node.resources.kinds import Call
    from hacluster_node.system.port import System


class Script:
    """Options: `start` and `stop`, each a list of program and arguments; `stop` may be empty."""

    def start(self, system: System, call: Call) -> None:
        """Run the start program."""
        run_script(system, call, call.options["start"], "start")

    def stop(self, system: System, call: Call) -> None:
        """Run the stop program, then end what the start program left running."""
        argv = call.options.get("stop") or ()
        try:
            if argv:
                run_script(system, call, argv, "stop")
        finally:
            if call.options.get("endLeftovers", True):
                system.kill_programs(_place(call))

    def fence(self, system: System, call: Call) -> None:
        """Kill everything the script has started."""
        system.kill_programs(_place(call))


def run_script(system: System, call: Call, argv: Sequence[str], action: str) -> None:
    """Run one program of a resource.

    Raises:
        Broken: HAN-R01 for a code other than 0, HAN-R02 for too long, HAN-R04 if it is missing.
    """
    environment = {
        "HA_EPOCH": str(call.epoch),
        "HA_GROUP": call.group,
        "HA_RESOURCE": call.name,
        "HA_ACTION": action,
    }
    place = _place(call) if action == "start" else _place(call) + ".stop"
    outcome = system.run(place, argv, call.timeout_s, environment)
    if not outcome.in_time:
        raise Broken("HAN-R02", f"{argv[0]} ({action} of {call.name}): {outcome.output}")
    if not outcome.ok:
        raise Broken("HAN-R01", f"{argv[0]} ended with {outcome.code}: {outcome.output}")


def _place(call: Call) -> str:
    return f"{call.group}.{call.name}"
