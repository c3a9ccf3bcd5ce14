"""An operator process that is cheap to kill: forked from a server that has imported everything.

The process is a real one and dies by SIGKILL; only the two seconds of imports are spared.
"""

import multiprocessing
import os
import sys
from collections.abc import Mapping
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kube.conftest import ApiServer
from tests.kube.operator_process import NAMESPACE

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

OPERATOR = Path(__file__).parents[2] / "operator"
PRELOADED = ("hacluster.cli.run",)


def fork_server() -> ForkServerContext:
    """Return the context whose server imports the operator once.

    The server looks for modules where its environment says, not where this process does, and
    passes over in silence what it does not find.
    """
    os.environ["PYTHONPATH"] = str(OPERATOR)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    return context


def run(environment: Mapping[str, str], log: str) -> None:
    """Be the operator: the target of a forked process."""
    from hacluster.cli import main  # noqa: PLC0415 - in the forked process only

    with Path(log).open("ab") as target:
        os.dup2(target.fileno(), sys.stdout.fileno())
        os.dup2(target.fileno(), sys.stderr.fileno())
    os.environ.update(environment)
    main(["run", "--listen", "127.0.0.1:0"])


class KilledOperator:
    """One operator after another, each killed in its turn."""

    def __init__(self, api_server: ApiServer, environment: Mapping[str, str], log: Path) -> None:
        self._api_server = api_server
        self._environment = dict(environment)
        self._log = log
        self._context = fork_server()
        self._process: BaseProcess | None = None
        self.kills = 0

    def start(self) -> None:
        """Start the next one; the lease of the dead one is taken away, to save its 15 seconds."""
        self._api_server.kubectl.attempt(
            "delete", "lease", "hacluster-operator", "--namespace", NAMESPACE, "--ignore-not-found"
        )
        arguments = (self._environment, str(self._log))
        self._process = self._context.Process(target=run, args=arguments)
        self._process.start()

    def kill(self) -> None:
        """End it as a power cut would."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.join(10)
            assert process.exitcode is not None
            self.kills += 1

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.is_alive()

    def log(self) -> str:
        """Return the end of what all of them wrote."""
        return self._log.read_text()[-4000:] if self._log.exists() else ""
