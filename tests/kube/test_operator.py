"""`hacluster run` against a real API server and a simulated Azure."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.kube.conftest import ApiServer
from tests.kube.operator_process import OperatorProcess, operator, rights, until
from tests.sim.simulator import Simulator, running

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "deploy" / "samples" / "minimal.yaml"


@dataclass(frozen=True)
class Web:
    """The minimal sample in a namespace and a resource group of a test's own."""

    api_server: ApiServer
    sim: Simulator
    namespace: str

    @property
    def group(self) -> str:
        return f"{self.sim.subscription}/resourceGroups/{self.namespace}"

    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = yaml.safe_load(SAMPLE.read_text())
        manifest["metadata"]["namespace"] = self.namespace
        manifest["spec"]["azure"] |= {
            "subscriptionId": self.sim.ready["subscriptionId"],
            "resourceGroup": self.namespace,
            "location": "eastus",
        }
        return manifest

    def apply(self, **azure: Any) -> None:
        manifest = self.manifest()
        manifest["spec"]["azure"] |= azure
        ok, message = self.api_server.apply(json.dumps(manifest))
        assert ok, message

    def kubectl(self, *arguments: str) -> str:
        return self.api_server.kubectl.run(*arguments, "--namespace", self.namespace)

    def get(self) -> dict[str, Any] | None:
        found = self.kubectl("get", "hacluster", "web", "--ignore-not-found", "-o", "json")
        return json.loads(found) if found else None

    def condition(self, kind: str) -> dict[str, Any]:
        status = (self.get() or {}).get("status") or {}
        found = [one for one in status.get("conditions") or () if one["type"] == kind]
        return found[0] if found else {}

    def arm(self, path: str, version: str = "2025-05-01") -> Any:
        return self.sim.send("GET", f"{self.group}{path}?api-version={version}")

    def exists(self, path: str = "", version: str = "2021-04-01") -> bool:
        return bool(self.arm(path, version).status == 200)

    def delete(self) -> None:
        self.kubectl("delete", "hacluster", "web", "--wait=false")


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with running(tmp_path_factory.mktemp("sim")) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def kubeconfig(api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rights(api_server, tmp_path_factory.mktemp("rights"))


@pytest.fixture
def process(kubeconfig: Path, sim: Simulator, tmp_path: Path) -> Iterator[OperatorProcess]:
    with operator(kubeconfig, sim, tmp_path) as running_process:
        until(lambda: running_process.is_leader, "it leads")
        yield running_process


@pytest.fixture
def web(api_server: ApiServer, sim: Simulator, namespace: str) -> Iterator[Web]:
    made = Web(api_server, sim, namespace)
    yield made
    if made.get():
        made.kubectl("annotate", "hacluster", "web", "--overwrite", "hacluster.dev/abandon=true")
        patch = '{"metadata":{"finalizers":null}}'
        made.delete()
        made.kubectl("patch", "hacluster", "web", "--type=merge", "-p", patch)


def test_an_applied_object_is_made_and_its_status_says_so(
    web: Web, process: OperatorProcess
) -> None:
    web.apply()
    network = "/providers/Microsoft.Network/virtualNetworks/web-vnet"
    until(lambda: web.exists(network, "2025-05-01"), "the network is there")
    until(lambda: web.condition("Accepted").get("status") == "True", "it is accepted")
    status = (web.get() or {})["status"]
    assert status["observedGeneration"] == 1
    assert web.condition("AzureReconciled")["reason"]
    assert any(item["id"].endswith("web-vnet") for item in status["inventory"])
