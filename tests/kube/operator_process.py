"""The operator as a process with the rights of `deploy/base`, and a simulated Azure for it.

    with operator(api_server, sim, tmp_path) as process: ...

Its log is at hand as parsed lines, so that a test can say what it must not have written.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.kube.conftest import ApiServer
from tests.sim.simulator import Simulator

from hacluster_local.operator_process import CLOSED

ROOT = Path(__file__).parents[2]
NAMESPACE = "hacluster-system"
ACCOUNT = "hacluster-operator"
RIGHTS = {"Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}
PATIENCE_S = 30.0


def rights(api_server: ApiServer, directory: Path) -> Path:
    """Apply the operator's rights; return a kubeconfig that has those and no others."""
    kubectl = api_server.kubectl
    rendered = yaml.safe_load_all(kubectl.run("kustomize", str(ROOT / "deploy" / "base")))
    wanted = [manifest for manifest in rendered if manifest["kind"] in RIGHTS]
    wanted.sort(key=lambda manifest: manifest["kind"] != "Namespace")
    kubectl.run("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(wanted))
    token = kubectl.run("create", "token", ACCOUNT, "--namespace", NAMESPACE).strip()
    config = json.loads(kubectl.run("config", "view", "--raw", "-o", "json"))
    for user in config["users"]:
        user["user"] = {"token": token}
    path = directory / "operator.kubeconfig"
    path.write_text(json.dumps(config))
    return path


@dataclass
class OperatorProcess:
    """A running operator."""

    kubeconfig: Path
    sim: Simulator
    log: Path
    name: str = "one"
    settings: dict[str, str] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> "OperatorProcess":
        """Start it without waiting."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = taken.getsockname()[1]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hacluster", "run", "--listen", f"127.0.0.1:{self.port}"],
                stderr=log,
                stdout=log,
                env={**os.environ, **self.environment(), **self.settings},
            )
        return self

    def environment(self) -> dict[str, str]:
        """Return what makes the simulator its Azure."""
        ready = self.sim.ready
        return {
            **CLOSED,
            "PYTHONPATH": str(ROOT / "operator"),
            "KUBECONFIG": str(self.kubeconfig),
            "POD_NAME": self.name,
            "POD_NAMESPACE": NAMESPACE,
            "AZURE_TENANT_ID": ready["tenantId"],
            "AZURE_CLIENT_ID": ready["clientId"],
            "AZURE_CLIENT_SECRET": ready["clientSecret"],
            "AZURE_AUTHORITY_HOST": ready["authority"],
            "AZURE_RESOURCE_MANAGER": ready["resourceManager"],
            "AZURE_CA_FILE": ready["caFile"],
        }

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it and return its exit status."""
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(number)
        with process:
            return process.wait(PATIENCE_S)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.end(signal.SIGKILL)

    def page(self, path: str) -> tuple[int, str]:
        """Return status and text of one of its pages; 0 where it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    @property
    def is_leader(self) -> bool:
        """Whether it holds the lease."""
        return "hacluster_leader 1.0" in self.page("/metrics")[1]

    def lines(self) -> list[dict[str, Any]]:
        """Return what it has logged; every line must be a JSON object."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@contextlib.contextmanager
def operator(
    kubeconfig: Path, sim: Simulator, directory: Path, name: str = "one", **settings: str
) -> Iterator[OperatorProcess]:
    """Yield an operator that leads, or, if another one does, waits; end it afterwards."""
    process = OperatorProcess(kubeconfig, sim, directory / f"{name}.log", name, settings).start()
    try:
        until(lambda: process.page("/readyz")[0] == 200, "the operator is ready")
        yield process
    finally:
        process.end()


def until(holds: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait until something holds; fail if it does not in time."""
    deadline = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience_s:.0f} s: {what}")
        time.sleep(0.1)
