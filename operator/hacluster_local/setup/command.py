"""Run an installer: output to a log file, progress to the person who waits."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hacluster_local.logs import tail
from hacluster_local.setup.errors import SetupError
from hacluster_local.setup.progress import Step

POLL_S = 0.1
PAUSE_BETWEEN_TRIES_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where a command runs and where its output goes."""

    log: Path
    directory: Path
    environment: Mapping[str, str]
    tries: int = 1
    """How often it is started before it counts as failed: more than once for what downloads."""


def run(arguments: Sequence[str], around: Surroundings, step: Step) -> None:
    """Run a command to its end.

    Raises:
        SetupError: It failed in every try; the message ends with the last lines of its output.
    """
    around.log.parent.mkdir(parents=True, exist_ok=True)
    code = _once(arguments, around, step)
    for _ in range(around.tries - 1):
        if code == 0:
            return
        time.sleep(PAUSE_BETWEEN_TRIES_S)
        code = _once(arguments, around, step)
    if code == 0:
        return
    line = " ".join(arguments)
    raise SetupError(
        f"`{line}` ended with code {code} in try {around.tries} of {around.tries}.\n"
        f"The end of its output ({around.log}):\n\n{tail(around.log)}"
    )


def _once(arguments: Sequence[str], around: Surroundings, step: Step) -> int:
    with around.log.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command lines, never a shell
            arguments,
            cwd=around.directory,
            env={**os.environ, **around.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            while process.poll() is None:
                time.sleep(POLL_S)
                step.tick()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return process.returncode
