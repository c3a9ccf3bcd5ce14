"""The whole system for a benchmark: a real API server, azuresim, and the operator as a process.

with system(directory, "--durations", "typical") as made: ...
"""

import contextlib
import itertools
import json
import os
import re
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.kube.conftest import ApiServer
from tests.kube.operator_process import ROOT, OperatorProcess, operator, rights, until
from tests.sim.simulator import Simulator, running

from azuresim.faults import control
from hacluster_local import processes
from hacluster_local.controlplane import binaries
from hacluster_local.controlplane.access import Authority
from hacluster_local.controlplane.server import start_control_plane
from hacluster_local.setup.checkout import CRDS

SAMPLES = {path.stem: path for path in sorted((ROOT / "deploy" / "samples").glob("*.yaml"))}
NOWHERE = "00000000-0000-0000-0000-000000000000"
HEALTH = ("POST", "Microsoft.Network/loadBalancers/loadBalancingRules")
_began = time.monotonic()


def say(text: str) -> None:
    """Tell how far it is, on standard error: standard output is for the tables."""
    sys.stderr.write(f"{time.monotonic() - _began:7.1f} s  {text}\n")
    sys.stderr.flush()


def manifest(
    sample: str, name: str, subscription: str = NOWHERE, **management: Any
) -> dict[str, Any]:
    """Return a sample under another name, in a resource group and a region of its own."""
    raw: dict[str, Any] = yaml.safe_load(SAMPLES[sample].read_text())
    raw["metadata"] |= {"name": name, "namespace": "default"}
    raw["spec"]["azure"] |= {
        "subscriptionId": subscription,
        "resourceGroup": name,
        "location": "eastus",
    }
    raw["spec"].setdefault("management", {}).update(management)
    return raw


def password() -> dict[str, Any]:
    """Return the Secret that the samples of the guide refer to, its password made up just now."""
    data = {"password": f"Aa1-{secrets.token_urlsafe(18)}"}
    metadata = {"name": "cluster1-admin", "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


@dataclass(frozen=True)
class System:
    """All of it, running."""

    api_server: ApiServer
    sim: Simulator
    operator: OperatorProcess

    @property
    def subscription(self) -> str:
        """The subscription's own id."""
        return self.sim.ready["subscriptionId"]

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Apply manifests, all by one command."""
        ok, message = self.api_server.apply(
            "---\n".join(json.dumps(one) + "\n" for one in manifests)
        )
        if not ok:
            raise SystemExit(message)

    def objects(self) -> list[dict[str, Any]]:
        """Return all objects."""
        found = self.api_server.kubectl.run("get", "hacluster", "-A", "-o", "json")
        items: list[dict[str, Any]] = json.loads(found)["items"]
        return items

    def reconciled(self) -> set[str]:
        """Return the names of the objects whose Azure side is as declared."""
        return {one["metadata"]["name"] for one in self.objects() if is_reconciled(one)}

    def wait(self, names: set[str], patience_s: float) -> None:
        """Wait until Azure is as these objects declare it."""
        done: set[str] = set()

        def are_done() -> bool:
            nonlocal done
            before, done = len(done), self.reconciled() & names
            if len(done) // 50 != before // 50:
                say(f"{len(done)} of {len(names)} are reconciled")
            time.sleep(min(2.0, len(names) / 100))
            return done == names

        until(are_done, f"Azure is as {len(names)} objects declare it", patience_s)

    def exchanges(self) -> Counter[tuple[str, str]]:
        """Return how often the resource manager was asked what, ever, by verb and type."""
        counts: Counter[tuple[str, str]] = Counter()
        for one in control.ask(self.sim.directory, {"do": "exchanges.count"}, timeout_s=60):
            counts[one["verb"], one["type"]] += one["count"]
        return Counter({key: count for key, count in counts.items() if key[1] != "entra"})

    def metric(self, name: str) -> float:
        """Return the sum of one of the operator's own metrics over its labels."""
        text = self.operator.page("/metrics")[1]
        found = re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE)
        return sum(float(value) for value in found)

    def peak_mb(self) -> float:
        """Return the most memory that the operator ever had, in MB."""
        assert self.operator.process is not None
        text = Path(f"/proc/{self.operator.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", text)
        return int(found[1]) * 1024 / 1e6 if found else float("nan")


def writes(counts: Counter[tuple[str, str]]) -> int:
    """Return how many requests of a count could change something.

    To ask how the backends of a balancer are is a POST, and yet a reading.
    """
    return sum(count for key, count in counts.items() if key[0] != "GET" and key != HEALTH)


def is_reconciled(item: dict[str, Any]) -> bool:
    """Say whether an object tells that Azure is as its present spec declares it."""
    status = item.get("status") or {}
    return status.get("observedGeneration") == item["metadata"]["generation"] and any(
        one["type"] == "AzureReconciled" and one["status"] == "True"
        for one in status.get("conditions") or ()
    )


@contextlib.contextmanager
def system(directory: Path, *simulator: str) -> Iterator[System]:
    """Yield the system with an operator that leads; end all of it afterwards."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # All that was started is ended too.
    found = binaries.find()
    if found is None:
        raise SystemExit("kube-apiserver and etcd are missing: `make setup` builds them")
    home = directory / "api-server"
    home.mkdir()
    try:
        authority = Authority(home / "pki", "benchmark authority")
        api_server = ApiServer(
            kubectl=start_control_plane(home, found, authority, tied=True).kubectl
        )
        install(api_server)
        kubeconfig = rights(api_server, directory)
        with (
            running(directory / "sim", *simulator) as sim,
            operator(kubeconfig, sim, directory) as process,
        ):
            until(lambda: process.is_leader, "it leads")
            say("The API server, azuresim and the operator are ready")
            made = System(api_server, sim, process)
            made.apply(password())
            yield made
    finally:
        processes.stop(home)


def install(api_server: ApiServer) -> None:
    """Install our definitions."""
    api_server.kubectl.install(sorted(CRDS.glob("hacluster.dev_*.yaml")))


def ticks(every_s: float) -> Iterator[float]:
    """Yield the seconds since the first turn, one turn every so many seconds, without end."""
    began = time.monotonic()
    for turn in itertools.count(1):
        yield time.monotonic() - began
        time.sleep(max(0.0, began + turn * every_s - time.monotonic()))
