"""kubectl against one control plane, whatever the user's own kubeconfig says."""

import json
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

DEADLINE_S = 30.0
AGAIN_S = 0.1


class KubectlError(Exception):
    """kubectl ended with an error; the message is what it wrote."""


class Applied(NamedTuple):
    """What came of `kubectl apply`."""

    ok: bool
    message: str
    """What kubectl wrote to standard error: the API server's reason where it refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubectl:
    """The program and the kubeconfig it is used with."""

    program: Path
    kubeconfig: Path
    cache: Path
    """Where it remembers what the server offers; one of its own, because ports, and so servers'
    names, come back."""

    def run(self, *arguments: str, stdin: str | None = None, deadline_s: float = DEADLINE_S) -> str:
        """Run kubectl and return what it printed.

        Raises:
            KubectlError: It ended with an error.
        """
        done = self.attempt(*arguments, stdin=stdin, deadline_s=deadline_s)
        if done.returncode != 0:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def attempt(
        self, *arguments: str, stdin: str | None = None, deadline_s: float = DEADLINE_S
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl and return how it ended, whatever that was.

        Raises:
            KubectlError: It did not end in time.
        """
        try:
            return subprocess.run(  # noqa: S603 - never a shell
                [str(self.program), f"--cache-dir={self.cache}", *arguments],
                input=stdin or "",
                capture_output=True,
                text=True,
                check=False,
                timeout=deadline_s,
                env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
            )
        except subprocess.TimeoutExpired as late:
            line = " ".join(arguments)
            raise KubectlError(f"kubectl {line}: no end within {deadline_s:.0f} s") from late

    def apply(self, text: str) -> Applied:
        """Apply manifests given as YAML or JSON text; a refusal is a value."""
        done = self.attempt("apply", "-f", "-", stdin=text)
        return Applied(ok=done.returncode == 0, message=done.stderr.strip())

    def install(self, files: Sequence[Path]) -> None:
        """Apply custom resource definitions and return when the server serves them.

        `kubectl wait` ends with an error where a definition has no conditions yet, which the
        server writes a moment after it has taken it: so it is asked again.

        Raises:
            KubectlError: They were refused, or not served in time.
        """
        named = [f"--filename={file}" for file in files]
        self.run("apply", "--server-side", *named)
        deadline = time.monotonic() + DEADLINE_S
        while True:
            waited = self.attempt("wait", "--for=condition=Established", *named)
            if waited.returncode == 0:
                return
            if time.monotonic() > deadline:
                raise KubectlError(f"the definitions are not served: {waited.stderr.strip()}")
            time.sleep(AGAIN_S)

    def get(self, *arguments: str) -> dict[str, Any]:
        """Return an object, or a list of objects, as the API server has it."""
        answer: dict[str, Any] = json.loads(self.run("get", *arguments, "-o", "json"))
        return answer
