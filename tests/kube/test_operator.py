"""`hacluster run` against a real API server and a simulated Azure."""

import json
import os
import subprocess
import sys
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
pytestmark = pytest.mark.timeout(900)

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


def test_what_was_done_is_told_by_events(web: Web, process: OperatorProcess) -> None:
    web.apply()
    until(lambda: web.condition("Accepted"), "it has conditions")

    def told() -> set[tuple[str, str]]:
        events = json.loads(web.kubectl("get", "events", "-o", "json"))["items"]
        return {(one["reason"], one["message"].partition(":")[0]) for one in events}

    until(lambda: ("SpecAccepted", "Accepted") in told(), "the acceptance is told")


def test_a_pass_that_is_asked_for_is_answered(web: Web, process: OperatorProcess) -> None:
    web.apply()
    until(lambda: web.condition("Accepted"), "it has conditions")
    web.kubectl("annotate", "hacluster", "web", "hacluster.dev/requested-at=at-noon")
    until(
        lambda: (web.get() or {})["status"].get("lastHandledReconcileAt") == "at-noon",
        "the request is echoed",
        10,
    )


def test_a_live_plan_tells_what_runs_on_the_nodes_until_it_has_run(
    web: Web, process: OperatorProcess, tmp_path: Path
) -> None:
    web.kubectl("create", "configmap", "app", "--from-literal=conf=port = 1")
    file = {"path": "/etc/app.conf", "configMapKeyRef": {"name": "app", "key": "conf"}}
    manifest = web.manifest()
    manifest["spec"]["cluster"] = {
        "nodeAgent": "External",
        "nodeConfiguration": {"packages": ["nginx"], "files": [file]},
    }
    path = tmp_path / "web.json"
    path.write_text(json.dumps(manifest))

    def plan() -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "hacluster", "plan", "-f", str(path), "--live"],
            env={**os.environ, **process.environment()},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return done.returncode, done.stdout + done.stderr

    code, told = plan()
    assert (code, told.count("1 packages, 1 files are put in place")) == (2, 2), told
    assert web.api_server.apply(path.read_text()).ok
    until(lambda: web.condition("NodesConfigured").get("status") == "True", "configured", 120)
    until(lambda: web.condition("AzureReconciled").get("status") == "True", "made", 120)
    code, told = plan()
    assert (code, "Nothing to do." in told) == (0, True), told
    web.kubectl("create", "configmap", "other", "--from-literal=conf=port = 2")
    file["configMapKeyRef"] = {"name": "other", "key": "conf"}
    path.write_text(json.dumps(manifest))
    code, told = plan()
    assert (code, told.count("another configuration of the nodes")) == (2, 2), told


def test_a_missing_secret_is_told_and_heals(web: Web, process: OperatorProcess) -> None:
    ready = web.sim.ready
    web.apply(credentialsSecretRef={"name": "azure"})
    until(lambda: web.condition("AzureReconciled").get("reason") == "SecretMissing", "it is missed")
    keys = {
        "AZURE_TENANT_ID": ready["tenantId"],
        "AZURE_CLIENT_ID": ready["clientId"],
        "AZURE_CLIENT_SECRET": ready["clientSecret"],
    }
    literals = [f"--from-literal={key}={value}" for key, value in keys.items()]
    web.kubectl("create", "secret", "generic", "azure", *literals)
    web.kubectl("annotate", "hacluster", "web", "hacluster.dev/requested-at=now")
    until(web.exists, "the group is made with the Secret's identity")


def test_a_deletion_without_credentials_says_so_and_can_be_abandoned(
    web: Web, process: OperatorProcess
) -> None:
    web.apply(credentialsSecretRef={"name": "never"})
    until(lambda: web.condition("AzureReconciled"), "it has conditions")
    web.delete()
    until(
        lambda: web.condition("AzureReconciled").get("reason") == "DeletionBlocked", "it is blocked"
    )
    assert "never" in web.condition("AzureReconciled")["message"]
    web.kubectl("annotate", "hacluster", "web", "hacluster.dev/abandon=true")
    until(lambda: web.get() is None, "the object is gone")


def test_the_pages_answer(process: OperatorProcess) -> None:
    assert process.page("/healthz")[0] == 200
    assert process.page("/readyz")[0] == 200
    status, metrics = process.page("/metrics")
    assert status == 200
    assert "hacluster_arm_calls_total" in metrics


def test_the_log_is_json_and_holds_no_secret(web: Web, process: OperatorProcess) -> None:
    web.apply()
    until(web.exists, "the group is there")
    assert process.lines()
    assert web.sim.ready["clientSecret"] not in process.log.read_text()
    ours = [line for line in process.lines() if line["logger"].startswith("hacluster")]
    assert not [line for line in ours if line["level"] == "ERROR"]


def test_it_ends_within_its_grace_period(web: Web, process: OperatorProcess) -> None:
    web.apply()
    until(web.exists, "the group is there")
    assert process.end() == 0  # It waits as long as the Deployment does.


def test_of_two_operators_one_leads_and_the_other_takes_over(
    web: Web, kubeconfig: Path, sim: Simulator, tmp_path: Path
) -> None:
    with (
        operator(kubeconfig, sim, tmp_path, "one") as one,
        operator(kubeconfig, sim, tmp_path, "two") as two,
    ):
        until(lambda: one.is_leader or two.is_leader, "one of them leads")
        assert not (one.is_leader and two.is_leader)
        leader, other = (one, two) if one.is_leader else (two, one)
        leader.kill()
        until(lambda: other.is_leader, "the other one takes over", 25)
        web.apply()
        until(web.exists, "the new leader works")


def test_an_object_is_reconciled_repaired_and_removed(web: Web, process: OperatorProcess) -> None:
    network = "/providers/Microsoft.Network/virtualNetworks/web-vnet"
    balancer = "/providers/Microsoft.Network/loadBalancers/web-lb"
    web.apply()
    until(
        lambda: web.condition("AzureReconciled").get("status") == "True", "Azure is as declared", 90
    )
    assert web.condition("NodesConfigured")["status"] != "True"
    assert web.condition("Ready")["status"] != "True"
    body = web.arm(balancer).body
    body["properties"]["probes"] = []
    body["properties"]["loadBalancingRules"][0]["properties"].pop("probe", None)
    changed = web.sim.send("PUT", f"{web.group}{balancer}?api-version=2025-05-01", body)
    assert changed.status < 300, changed.body
    web.kubectl("annotate", "hacluster", "web", "hacluster.dev/requested-at=now")
    until(lambda: web.arm(balancer).body["properties"]["probes"], "the probe is repaired")
    until(
        lambda: web.condition("AzureReconciled").get("status") == "True", "and the status says so"
    )
    patch = '{"spec":{"management":{"deletionPolicy":"Delete"}}}'
    web.kubectl("patch", "hacluster", "web", "--type=merge", "-p", patch)
    web.delete()
    until(lambda: web.get() is None, "the object is gone", 90)
    assert not web.exists(network, "2025-05-01")
    assert not web.exists()
