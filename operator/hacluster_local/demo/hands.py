"""What a person does to an environment: by its simulator, on its machines, with the plugin."""

import os
import subprocess
from collections.abc import Sequence
from typing import Final

from hacluster_local.environment import Environment
from hacluster_local.setup.checkout import ROOT, VENV

DONE_WITHIN_S: Final = 120


class RefusedError(Exception):
    """A command ended with an error; says which, and what it wrote."""


def simulator(environment: Environment, *words: str) -> str:
    """Say something to the simulated Azure, as `.local/sim` does; return what it answers.

    Raises:
        RefusedError: It refused.
    """
    return _run([str(environment.home / "sim"), *words], {})


def on(environment: Environment, place: str, *words: str) -> str:
    """Run a command on a machine or as a client, as `.local/on` does; return what it printed.

    Raises:
        RefusedError: The machine does not run, or the command failed.
    """
    return _run([str(environment.home / "on"), place, *words], {})


def plugin(environment: Environment, *words: str) -> str:
    """Run `kubectl hacluster` and return what it printed.

    Raises:
        RefusedError: It failed, or what it asked for did.
    """
    kubectl = environment.kubectl
    variables = {
        "KUBECONFIG": str(kubectl.kubeconfig),
        "PATH": f"{kubectl.program.parent}:{os.environ['PATH']}",
    }
    return _run([str(VENV / "bin" / "kubectl-hacluster"), *words], variables)


def _run(command: Sequence[str], variables: dict[str, str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own programs
            command,
            cwd=ROOT,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=DONE_WITHIN_S,
        )
    except subprocess.TimeoutExpired as late:
        line = " ".join(command)
        raise RefusedError(f"{line}: no end within {DONE_WITHIN_S} s") from late
    if done.returncode:
        raise RefusedError(f"{' '.join(command)}: {done.stdout}{done.stderr}".strip())
    return done.stdout
