"""Brings scripts to guest agents and waits for how they end.

A guest agent knows each run by its id and begins none twice, so a script may be brought as often
as it takes: to a machine that still boots, after a connection broke, by the next simulator.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from azuresim.clock import Clock
from azuresim.machines.door import Outcome, Script
from azuresim.machines.wire import ask

log = logging.getLogger(__name__)

AGAIN_S: Final = 0.5
FORGETS_WITHIN_S: Final = 10.0
BUILT_IN: Final = {"ifconfig": "ip address", "RunShellScript": ":"}
"""What Azure's built-in commands do, as far as Linux has any."""
TIMED_OUT: Final = -1
"""What a guest agent says of a script that it gave up."""
LOST: Final = (
    "The simulator was killed before this script began, and its protected parameters were lost "
    "with it: they are never written down. Run it again under another name or with other text."
)
ELSEWHERE: Final = "Scripts from a URI are not fetched by the simulator: give the script itself."


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """A script under way.

    Attributes:
        script: What is run.
        task: Waits for its end; None if there is nothing to wait for.
    """

    script: Script
    task: "asyncio.Task[None] | None"


class Errands:
    """All scripts of real machines.

    Args:
        clock: Tells simulated time.
        socket: Returns where the guest agent of a machine answers, or None.
        kept: What was kept before, or None.
        keep: Keeps what must survive.
    """

    def __init__(
        self,
        clock: Clock,
        socket: Callable[[str], Path | None],
        kept: dict[str, Any] | None,
        keep: Callable[[dict[str, Any]], None],
        pace: float,
    ) -> None:
        self._clock = clock
        self._socket = socket
        self._keep = keep
        self._pace = pace
        self._secretive: dict[str, bool] = dict((kept or {}).get("secretive", {}))
        self._errands: dict[str, Errand] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._forgetting: set[asyncio.Task[None]] = set()

    def run(self, script: Script) -> None:
        """Begin to bring a script to its machine."""
        if script.id in self._errands:
            return
        if script.protected is not None:
            self._secretive[script.id] = bool(script.protected)
            self._save()
        task = None
        if script.text.startswith(("http://", "https://")) and "\n" not in script.text.strip():
            self._settle(script, exit_code=1, error=ELSEWHERE)
        else:
            task = asyncio.get_running_loop().create_task(self._bring(script))
        self._errands[script.id] = Errand(script=script, task=task)

    def outcome(self, run_id: str) -> Outcome | None:
        """Return how a run ended."""
        return self._outcomes.get(run_id)

    def forget(self, run_id: str) -> None:
        """Let go of a run; its machine ends it and forgets it too, if it can be reached."""
        errand = self._errands.pop(run_id, None)
        self._outcomes.pop(run_id, None)
        if self._secretive.pop(run_id, None) is not None:
            self._save()
        if errand is None or errand.task is None:
            return
        errand.task.cancel()
        task = asyncio.get_running_loop().create_task(self._let_go(errand.script))
        self._forgetting.add(task)
        task.add_done_callback(self._forgetting.discard)

    def abandon(self, machine_id: str) -> None:
        """Wait no longer for the scripts of a machine that is gone."""
        for errand in self._errands.values():
            if errand.script.machine.casefold() == machine_id.casefold() and errand.task:
                errand.task.cancel()

    async def stop(self) -> None:
        """Wait for nothing any longer; scripts go on where they are."""
        tasks = [errand.task for errand in self._errands.values() if errand.task]
        for task in (*tasks, *self._forgetting):
            task.cancel()
        await asyncio.gather(*tasks, *self._forgetting, return_exceptions=True)

    async def _bring(self, script: Script) -> None:
        while True:
            address = self._socket(script.machine)
            if address is not None:
                try:
                    answer = await ask(address, self._wish(script))
                except (OSError, ValueError):
                    pass  # not up yet, or no longer: it may come back and knows the run
                else:
                    self._note(script, answer)
                    return
            await asyncio.sleep(AGAIN_S * random.uniform(0.5, 1.0))  # noqa: S311 - no secrets

    def _wish(self, script: Script) -> dict[str, Any]:
        passed = (self._clock.now() - script.started) / self._pace
        lost = script.protected is None and self._secretive.get(script.id, True)
        return {
            "do": "run",
            "id": script.id,
            "name": script.name,
            "text": BUILT_IN.get(script.text, script.text),
            "parameters": dict(script.parameters),
            "arguments": list(script.arguments),
            "protected": dict(script.protected or {}),
            "user": script.user,
            "timeout_s": max(0.0, script.timeout_s - passed),
            "known": lost,
        }

    def _note(self, script: Script, answer: Mapping[str, Any]) -> None:
        if "exit_code" in answer:
            self._settle(script, **answer)
        elif self._secretive.get(script.id, True):
            self._settle(script, exit_code=1, error=LOST)
        else:
            log.warning("The guest agent has forgotten run %s.", script.id)

    def _settle(self, script: Script, *, exit_code: int, output: str = "", error: str = "") -> None:
        now = self._clock.now()
        given_up = script.started + script.timeout_s * self._pace
        ended = given_up if exit_code == TIMED_OUT else now
        self._outcomes[script.id] = Outcome(
            exit_code=exit_code, output=output, error=error, ended=ended
        )

    async def _let_go(self, script: Script) -> None:
        address = self._socket(script.machine)
        if address is None:
            return
        try:
            await ask(address, {"do": "forget", "id": script.id}, within_s=FORGETS_WITHIN_S)
        except (OSError, TimeoutError, ValueError):
            log.info("Run %s stays in its machine, which does not answer.", script.id)

    def _save(self) -> None:
        self._keep({"secretive": self._secretive})
