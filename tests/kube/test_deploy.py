"""Everything under deploy/ is taken by a real API server, and says what it is meant to say."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.kube.conftest import ApiServer

DEPLOY = Path(__file__).parents[2] / "deploy"
NAMESPACE = "hacluster-system"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:hacluster-operator"


def built(server: ApiServer, folder: Path) -> list[dict[str, Any]]:
    """Return the objects that kustomize makes of a folder."""
    text = server.kubectl.run("kustomize", str(folder))
    return [one for one in yaml.safe_load_all(text) if one]


def find(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = (one for one in objects if one["kind"] == kind)
    return found


@pytest.fixture(scope="module")
def installed(bare_api_server: ApiServer) -> ApiServer:
    """Install the base, as `kubectl apply -k deploy/base` does: the namespace comes first."""
    namespace = DEPLOY / "base" / "namespace.yaml"
    bare_api_server.kubectl.run("apply", "--server-side", "-f", str(namespace))
    bare_api_server.kubectl.run("apply", "--server-side", "-k", str(DEPLOY / "base"))
    return bare_api_server


@pytest.mark.parametrize("overlay", ["workload-identity", "secret-credentials"])
def test_an_overlay_is_applied(installed: ApiServer, overlay: str) -> None:
    folder = DEPLOY / "overlays" / overlay
    installed.kubectl.run("apply", "--server-side", "--force-conflicts", "-k", str(folder))


def test_an_overlay_without_secrets_signs_in_by_federation(installed: ApiServer) -> None:
    objects = built(installed, DEPLOY / "overlays" / "workload-identity")
    labels = find(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert labels["azure.workload.identity/use"] == "true"
    annotations = find(objects, "ServiceAccount")["metadata"]["annotations"]
    assert "azure.workload.identity/client-id" in annotations
    assert all(one["kind"] != "Secret" for one in objects)


def test_the_pod_is_allowed_where_only_restricted_pods_are(installed: ApiServer) -> None:
    template = find(built(installed, DEPLOY / "base"), "Deployment")["spec"]["template"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe", "namespace": NAMESPACE, **template["metadata"]},
        "spec": template["spec"],
    }
    taken = installed.apply(json.dumps(pod))
    assert taken.ok, taken.message
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    pod["metadata"]["name"] = "loose"
    refused = installed.apply(json.dumps(pod))
    assert not refused.ok
    assert "violates PodSecurity" in refused.message


def can(server: ApiServer, verb: str, resource: str, *more: str) -> bool:
    asked = server.kubectl.attempt("auth", "can-i", verb, resource, "--as", ACCOUNT, *more)
    return asked.stdout.strip() == "yes"


@pytest.mark.parametrize(
    ("verb", "resource", "where"),
    [
        pytest.param("watch", "haclusters.hacluster.dev", ("-A",), id="watches-clusters"),
        pytest.param("patch", "haclusters/status", ("-n", "default"), id="reports-status"),
        pytest.param("patch", "haclusters", ("-n", "default"), id="sets-its-finalizer"),
        pytest.param("get", "secrets/any", ("-n", "default"), id="reads-a-named-secret"),
        pytest.param("create", "events", ("-n", "default"), id="tells-events"),
        pytest.param(
            "update", "leases/hacluster-operator", ("-n", NAMESPACE), id="holds-its-lease"
        ),
    ],
)
def test_the_operator_may_do_its_work(
    installed: ApiServer, verb: str, resource: str, where: tuple[str, ...]
) -> None:
    assert can(installed, verb, resource, *where)


@pytest.mark.parametrize(
    ("verb", "resource", "where"),
    [
        pytest.param("list", "secrets", ("-A",), id="lists-no-secrets"),
        pytest.param("create", "haclusters", ("-n", "default"), id="makes-no-clusters"),
        pytest.param("delete", "haclusters", ("-n", "default"), id="deletes-no-clusters"),
        pytest.param("update", "secrets", ("-n", "default"), id="changes-no-secrets"),
        pytest.param("get", "pods", ("-n", NAMESPACE), id="sees-no-pods"),
        pytest.param("update", "leases/other", ("-n", NAMESPACE), id="holds-no-other-lease"),
        pytest.param("escalate", "clusterroles", (), id="gives-no-rights"),
    ],
)
def test_the_operator_may_do_nothing_else(
    installed: ApiServer, verb: str, resource: str, where: tuple[str, ...]
) -> None:
    assert not can(installed, verb, resource, *where)


def test_no_rule_has_a_wildcard(installed: ApiServer) -> None:
    roles = [
        one for one in built(installed, DEPLOY / "base") if one["kind"] in {"Role", "ClusterRole"}
    ]
    assert len(roles) == 2
    for role in roles:
        for rule in role["rules"]:
            words = [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
            assert not any("*" in word for word in words), role["metadata"]["name"]


def test_the_health_check_is_what_argo_cd_reads(bare_api_server: ApiServer) -> None:
    namespace = "argocd"
    bare_api_server.kubectl.attempt("create", "namespace", namespace)
    folder = DEPLOY / "argocd"
    bare_api_server.kubectl.run("apply", "--server-side", "-k", str(folder))
    settings = bare_api_server.kubectl.get("configmap", "argocd-cm", "-n", namespace)
    script = settings["data"]["resource.customizations.health.hacluster.dev_HAClusterSpec"]
    assert script == (folder / "health.lua").read_text()


def test_the_example_application_is_well_formed() -> None:
    application = yaml.safe_load((DEPLOY / "argocd" / "application.yaml").read_text())
    assert application["kind"] == "Application"
    assert application["spec"]["syncPolicy"]["automated"]["prune"] is False


def operation(name: str, asker: str | None) -> str:
    annotations = {} if asker is None else {"hacluster.dev/requested-by": asker}
    metadata = {"name": name, "namespace": "default", "annotations": annotations}
    return json.dumps(
        {
            "apiVersion": "hacluster.dev/v1alpha1",
            "kind": "HAClusterOperation",
            "metadata": metadata,
            "spec": {"cluster": "web", "type": "Move", "group": "web"},
        }
    )


def test_nobody_asks_in_the_name_of_another(installed: ApiServer) -> None:
    told = json.loads(installed.kubectl.run("auth", "whoami", "-o", "json"))
    own = told["status"]["userInfo"]["username"]
    deadline = time.monotonic() + 60  # A new policy takes the API server some seconds.
    while (refused := installed.apply(operation("another", "anna"))).ok:
        assert time.monotonic() < deadline
        installed.kubectl.run("delete", "haclusteroperation", "another")
        time.sleep(0.5)
    assert f"write {own}, or leave it out" in refused.message
    assert installed.apply(operation("mine", own)).ok
    assert installed.apply(operation("unsaid", None)).ok
    for name in ("mine", "unsaid"):
        changed = installed.apply(operation(name, "anna"))
        assert "does not change: leave it as it is" in changed.message
